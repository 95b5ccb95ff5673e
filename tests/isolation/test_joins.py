"""The wall in Python, alone: no path of relations leads from a tenant's query to another tenant's rows.

All of it is asked as the tables' owner, for whom no row policy holds.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connections
from django.db.models import Count, ForeignKey, Model, Prefetch

from agents.models import Agent, ModelConnection, WebsiteAgent
from tenants.errors import TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID
from tenants.models import ApiKey, Invitation, Tenant, TenantOwned, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.isolation.rows import OWNED, make_rows

HOPS = 3
"""From an own row to a shared one, from there to another tenant's, and one more."""

STARTS: list[type[Model]] = [*OWNED, Tenant, User]


class Neighbours(NamedTuple):
    """Two tenants with a row of every model, whose websites use the same shared agent."""

    mine: Tenant
    theirs: Tenant
    shared: Agent


@contextmanager
def as_owner() -> Iterator[None]:
    app = connections["default"]
    connections["default"] = connections["owner"]
    try:
        yield
    finally:
        connections["default"] = app


@contextmanager
def in_scope(tenant: Tenant) -> Iterator[None]:
    with as_owner(), tenant_scope(tenant.id):
        yield


@pytest.fixture(scope="module")
def neighbours(database: None) -> Neighbours:
    cast = Cast()
    connection = cast.connection(None, "https://operators-canary.example.com/v1")
    shared = cast.agent(connection=connection, model="one")
    made = [make_rows(cast, word) for word in ("Alpha", "Bravo")]
    for (_, rows), word in zip(made, ("Alpha", "Bravo"), strict=True):
        cast.use(rows[Website], shared, instructions=f"Hours of {word}")
        # Of the nameless relations of a person one is walked, whichever: each leads somewhere.
        cast.change(rows[ApiKey], created_by=rows[Invitation].invited_by)
        cast.change(rows[Invitation], accepted_by=rows[Invitation].invited_by)
    return Neighbours(made[0][0], made[1][0], shared)


def paths_from(model: type[Model], hops: int = HOPS) -> Iterator[tuple[str, type[Model]]]:
    """Every path of relations, the nameless ones of ``related_name="+"`` among them, and where it ends."""
    names = {field.name for field in model._meta.get_fields(include_hidden=True) if field.is_relation}
    for name in sorted(names):
        end: Any = model._meta.get_field(name).related_model
        if not end._meta.concrete_model._meta.managed:
            continue  # a model without a table, which no query can reach
        yield name, end
        for further, last in paths_from(end, hops - 1) if hops > 1 else ():
            yield f"{name}__{further}", last


def owners_at(model: type[Model], path: str, end: type[Model]) -> set[Any]:
    """Whose the rows at the end of a path are; a column that no foreign key holds, so that the join is made."""
    column = "tenant_id" if issubclass(end, TenantOwned) else "id"
    rows = model._default_manager.filter(**{f"{path}__created_at__isnull": False})
    return set(rows.values_list(f"{path}__{column}", flat=True))


def test_every_foreign_key_of_a_tenants_row_holds_its_joins() -> None:
    keys = [field for model in OWNED for field in model._meta.get_fields() if isinstance(field, ForeignKey)]
    plain = ForeignKey.get_extra_restriction
    assert [str(key) for key in keys if type(key).get_extra_restriction is plain] == []
    others = [model for model in apps.get_models(include_auto_created=True) if not issubclass(model, TenantOwned)]
    inward = [field for model in others for field in model._meta.get_fields() if isinstance(field, ForeignKey)]
    assert [str(key) for key in inward if key.related_model in {*OWNED, Tenant}] == []


@pytest.mark.parametrize("model", STARTS, ids=lambda model: model.__name__)
def test_no_path_of_relations_leads_to_another_tenants_rows(neighbours: Neighbours, model: type[Model]) -> None:
    paths = [(path, end) for path, end in paths_from(model) if issubclass(end, TenantOwned | Tenant)]
    foreign, reached = {}, set[Any]()
    with in_scope(neighbours.mine):
        for path, end in paths:
            allowed = {neighbours.mine.id, OPERATOR_ID} if end is Agent else {neighbours.mine.id}
            found = owners_at(model, path, end)
            reached |= found
            if found - allowed:
                foreign[path] = found
    assert foreign == {}
    assert neighbours.mine.id in reached  # or finding nothing foreign would say nothing


def test_shared_agent_leads_to_the_own_rows_alone(neighbours: Neighbours) -> None:
    with in_scope(neighbours.mine):
        agent = Agent.shared.filter(pk=neighbours.shared.pk)
        assert list(agent.values_list("website_agents__instructions", flat=True)) == ["Hours of Alpha"]
        assert agent.annotate(uses=Count("website_agents")).get().uses == 1
        told = Website.objects.values_list("website_agents__agent__website_agents__instructions", flat=True)
        assert "Hours of Bravo" not in set(told)
        assert not agent.filter(website_agents__instructions="Hours of Bravo").exists()
        assert agent.exclude(website_agents__instructions="Hours of Bravo").exists()
        uses = Prefetch("website_agents", queryset=WebsiteAgent.objects.select_related("website", "agent"))
        assert [use.instructions for use in agent.prefetch_related(uses).get().website_agents.all()] == [
            "Hours of Alpha"
        ]


def test_operators_connection_is_not_reached_through_its_agent(neighbours: Neighbours) -> None:
    with in_scope(neighbours.mine):
        agent = Agent.shared.select_related("connection").get(pk=neighbours.shared.pk)
        unjoined = Agent.shared.get(pk=neighbours.shared.pk)
        assert agent.connection is None
        assert list(Agent.shared.filter(connection__base_url__contains="operators-canary")) == []
        assert list(Agent.shared.filter(pk=agent.pk).values_list("connection__base_url", flat=True)) == [None]
        with pytest.raises(ModelConnection.DoesNotExist):
            _ = unjoined.connection


@pytest.mark.parametrize("model", [Tenant, User], ids=lambda model: model.__name__)
def test_join_from_a_row_without_a_tenant_needs_a_scope(neighbours: Neighbours, model: type[Model]) -> None:
    with as_owner(), pytest.raises(TenantScopeMissingError):
        list(model._default_manager.filter(**{"+__created_at__isnull": False}))
