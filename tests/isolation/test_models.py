"""Every model and every way to ask for its rows: nothing without a scope, nothing of another tenant's within one."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.apps import apps
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, transaction
from django.db.models import Exists, F, Model, OuterRef, Prefetch, Subquery, prefetch_related_objects
from django.test.utils import CaptureQueriesContext

from agents.models import Agent, WebsiteAgent
from tenants.errors import TenantMismatchError, TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID
from tenants.models import Membership, Tenant, TenantOwned, Website, WebsiteOrigin
from tenants.scoping import SharedManager, TenantManager, tenant_scope
from tenants.unscoped import GLOBAL_MODELS
from tenants.walls import APPEND_ONLY, READ_ONLY
from tests.cast import Cast
from tests.isolation.queries import (
    ASK_NOTHING,
    CASES,
    OPERATORS,
    READS,
    Awaited,
    Case,
    another,
    asynchronous,
    public_methods,
)
from tests.isolation.rows import OWNED, everything_of, make_rows

Rows = dict[type[TenantOwned], Any]

RECORD = {model for model in OWNED if model._meta.db_table in {*APPEND_ONLY, *READ_ONLY}}
"""The role may not change their rows: PostgreSQL refuses before it looks for any."""

METHODS = sorted({*CASES, *asynchronous(set(CASES)), *OPERATORS})


def managers_of(model: type[Model]) -> list[Any]:
    """By every name, with the two that Django itself uses."""
    return [*model._meta.managers, model._base_manager, model._default_manager]


def case_of(method: str) -> Case:
    return {**CASES, **OPERATORS}.get(method) or CASES[method.removeprefix("a")]


def use(method: str, rows: Any, row: Any) -> Any:
    """What a method gives, for the name of an asynchronous one by way of it; an error as its class."""
    is_asynchronous = method not in {*CASES, *OPERATORS}
    try:
        return case_of(method).use(Awaited(rows) if is_asynchronous else rows, row)
    except Exception as error:  # noqa: BLE001  which one is what the tests ask
        return type(error)


def is_nothing(found: Any, method: str) -> bool:
    nothing = case_of(method).elsewhere
    if isinstance(nothing, type):
        return isinstance(found, type) and issubclass(found, nothing)
    return bool(found == nothing)


@contextlib.contextmanager
def undone(tenant: Tenant) -> Iterator[None]:
    with tenant_scope(tenant.id):
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def theirs(database: None) -> tuple[Tenant, Rows]:
    return make_rows(Cast(), "Bravo")


@pytest.fixture(scope="module")
def mine(database: None) -> Tenant:
    return Cast().tenant("Outsider")


def test_every_model_belongs_to_a_tenant_or_is_global() -> None:
    unscoped = {
        model._meta.label for model in apps.get_models(include_auto_created=True) if not issubclass(model, TenantOwned)
    }
    assert unscoped == set(GLOBAL_MODELS)


@pytest.mark.parametrize("model", OWNED, ids=lambda model: model.__name__)
def test_every_manager_of_a_model_knows_the_tenant(model: type[TenantOwned]) -> None:
    kinds = [type(manager) for manager in managers_of(model)]
    assert [kind for kind in kinds if not issubclass(kind, TenantManager | SharedManager)] == []


def test_every_model_has_a_row_here(theirs: tuple[Tenant, Rows]) -> None:
    assert set(theirs[1]) == set(OWNED)


def test_every_public_method_has_a_case() -> None:
    known = {*CASES, *ASK_NOTHING}
    assert public_methods() == known | asynchronous(known)


def test_our_managers_and_querysets_add_no_public_method() -> None:
    kinds = {kind for model in OWNED for manager in managers_of(model) for kind in (type(manager), type(manager.all()))}
    own = {name for kind in kinds for name in dir(kind) if callable(getattr(kind, name)) and not name.startswith("_")}
    assert own - public_methods() == set()


@pytest.mark.parametrize("method", METHODS)
def test_method_without_a_scope_raises(theirs: tuple[Tenant, Rows], method: str) -> None:
    tenant, rows = theirs
    before = everything_of(tenant)
    outcomes = {
        (model.__name__, manager.name): use(method, manager, rows[model])
        for model in OWNED
        for manager in managers_of(model)
    }
    assert {where: got for where, got in outcomes.items() if got is not TenantScopeMissingError} == {}
    assert everything_of(tenant) == before


@pytest.mark.parametrize("method", METHODS)
def test_method_in_another_tenants_scope_finds_and_changes_nothing(
    theirs: tuple[Tenant, Rows], mine: Tenant, method: str
) -> None:
    tenant, rows = theirs
    before = everything_of(tenant), everything_of(mine)
    wrong = {}
    for model in OWNED:
        for manager in managers_of(model):
            with tenant_scope(mine.id):
                got = use(method, manager.filter(pk=rows[model].pk), rows[model])
            if not is_nothing(got, method) and not (model in RECORD and got is ProgrammingError):
                wrong[model.__name__, manager.name] = got
    assert wrong == {}
    assert (everything_of(tenant), everything_of(mine)) == before


@pytest.mark.parametrize("method", sorted({*READS, *asynchronous(set(READS)), *OPERATORS, "update", "delete"}))
def test_method_in_the_own_scope_finds_the_row(theirs: tuple[Tenant, Rows], method: str) -> None:
    """So that finding nothing elsewhere says something."""
    tenant, rows = theirs
    blind = []
    for model in OWNED:
        with undone(tenant):
            if is_nothing(use(method, model.objects.filter(pk=rows[model].pk), rows[model]), method):
                blind.append(model.__name__)
    assert blind == []


WAYS_TO_WRITE_ONE: dict[str, Callable[[Any], Any]] = {
    "save": lambda row: row.save(),
    "save a column": lambda row: row.save(update_fields=["created_at"]),
    "save by force": lambda row: row.save(force_update=True),
    "save anew": lambda row: another(row).save(force_insert=True),
    "save as a fixture": lambda row: row.save_base(raw=True),
    "asave": lambda row: async_to_sync(row.asave)(),
    "delete": lambda row: row.delete(),
    "adelete": lambda row: async_to_sync(row.adelete)(),
}


@pytest.mark.parametrize("way", WAYS_TO_WRITE_ONE)
def test_row_is_written_in_its_own_scope_alone(theirs: tuple[Tenant, Rows], mine: Tenant, way: str) -> None:
    tenant, rows = theirs
    before = everything_of(tenant)
    for row in rows.values():
        with pytest.raises(TenantScopeMissingError):
            WAYS_TO_WRITE_ONE[way](row)
        with pytest.raises(TenantMismatchError), tenant_scope(mine.id):
            WAYS_TO_WRITE_ONE[way](row)
    assert everything_of(tenant) == before


@pytest.mark.parametrize("refresh", ["refresh_from_db", "arefresh_from_db"])
def test_row_is_read_again_in_its_own_scope_alone(theirs: tuple[Tenant, Rows], mine: Tenant, refresh: str) -> None:
    tenant, rows = theirs
    for row in rows.values():
        again = getattr(row, refresh) if refresh[0] == "r" else async_to_sync(getattr(row, refresh))
        with pytest.raises(TenantScopeMissingError):
            again()
        with pytest.raises(type(row).DoesNotExist), tenant_scope(mine.id):
            again()
        with tenant_scope(tenant.id):
            again()


def test_foreign_key_is_followed_in_the_own_scope_alone(theirs: tuple[Tenant, Rows], mine: Tenant) -> None:
    followed = []
    tenant, rows = theirs
    for model, kept in rows.items():
        for key in model._meta.concrete_fields:
            if key.related_model in OWNED and getattr(kept, key.attname) is not None:
                with tenant_scope(tenant.id):
                    row = model._base_manager.get(pk=kept.pk)
                with pytest.raises(TenantScopeMissingError):
                    getattr(row, key.name)
                with pytest.raises(key.related_model.DoesNotExist), tenant_scope(mine.id):
                    getattr(row, key.name)
                followed.append(f"{model.__name__}.{key.name}")
    assert {"WebsiteOrigin.website", "WebsiteAgent.agent", "Turn.agent_session"} <= set(followed)


def related(rows: Rows) -> Iterator[tuple[str, Any]]:
    """The related managers of all rows, by name."""
    for model, row in rows.items():
        for relation in model._meta.related_objects:
            if name := relation.get_accessor_name():
                yield f"{model.__name__}.{name}", getattr(row, name)


def test_related_managers_read_in_the_own_scope_alone(theirs: tuple[Tenant, Rows], mine: Tenant) -> None:
    tenant, rows = theirs
    found: dict[str, list[Any]] = {}
    for name, manager in related(rows):
        with pytest.raises(TenantScopeMissingError):
            list(manager.all())
        with pytest.raises(TenantScopeMissingError):
            manager.exists()
        with tenant_scope(mine.id):
            assert list(manager.all()) == []
        with tenant_scope(tenant.id):
            found[name] = list(manager.all())
    assert found["Website.origins"]
    assert found["AgentSession.turns"]
    assert found["Agent.website_agents"]


def test_related_managers_take_the_own_rows_alone(cast: Cast, theirs: tuple[Tenant, Rows]) -> None:
    """Neither are another tenant's rows drawn over here, nor are new ones left there."""
    tenant, rows = theirs
    own = cast.tenant()
    website = cast.website(own)
    foreign: Any = rows[WebsiteOrigin]
    new: Any = another(foreign)
    before = everything_of(tenant)
    attempts: list[Callable[[], Any]] = [
        lambda: website.origins.add(foreign),
        lambda: website.origins.add(new, bulk=False),
        lambda: website.origins.set([foreign]),
        lambda: website.origins.create(tenant_id=tenant.id, origin="https://x.example", host="x.example"),
        lambda: website.origins.get_or_create(origin="https://x.example", defaults={"tenant_id": tenant.id}),
        lambda: website.origins.update_or_create(origin="https://x.example", defaults={"tenant_id": tenant.id}),
        lambda: website.origins.update(tenant_id=tenant.id),
        lambda: website.origins.update(tenant=tenant),
        lambda: website.origins.update(tenant_id=F("id")),
        lambda: async_to_sync(website.origins.aadd)(foreign),
        lambda: async_to_sync(website.origins.acreate)(tenant=tenant, origin="https://x.example", host="x.example"),
    ]
    mine_before = everything_of(own)
    for attempt in attempts:
        with pytest.raises(TenantMismatchError), tenant_scope(own.id):
            attempt()
        with tenant_scope(own.id):
            foreign.website_id = rows[Website].pk  # as it was, in memory
    assert (everything_of(tenant), everything_of(own)) == (before, mine_before)


def test_row_made_to_point_at_another_tenants_raises(theirs: tuple[Tenant, Rows], mine: Tenant) -> None:
    _, rows = theirs
    with pytest.raises(TenantMismatchError):
        WebsiteOrigin(tenant_id=mine.id, website=rows[Website])
    with pytest.raises(TenantMismatchError):
        WebsiteAgent(tenant_id=mine.id, agent=rows[Agent])


def test_subquery_and_prefetch_of_a_global_model_need_a_scope(theirs: tuple[Tenant, Rows], mine: Tenant) -> None:
    tenant, rows = theirs
    member = rows[Membership].user_id
    seen_through: dict[str, Callable[[], Any]] = {
        "exists": lambda: User.objects.filter(Exists(Membership.objects.filter(user=OuterRef("pk"))), pk=member),
        "in": lambda: User.objects.filter(pk__in=Membership.objects.filter(user=member).values("user")),
        "annotation": lambda: (
            User.objects.filter(pk=member)
            .annotate(role=Subquery(Membership.objects.filter(user=OuterRef("pk")).values("role")[:1]))
            .exclude(role=None)
        ),
        "union": lambda: User.objects.none().values("pk").union(Membership.objects.filter(user=member).values("user")),
    }
    for ask in seen_through.values():
        with pytest.raises(TenantScopeMissingError):
            list(ask())
        with tenant_scope(mine.id):
            assert list(ask()) == []
        with tenant_scope(tenant.id):
            assert len(ask()) == 1


@pytest.mark.parametrize(
    "lookup", ["origins", Prefetch("origins", queryset=WebsiteOrigin.objects.all())], ids=["name", "queryset"]
)
def test_prefetch_finds_the_own_rows_alone(theirs: tuple[Tenant, Rows], mine: Tenant, lookup: Any) -> None:
    tenant, rows = theirs
    with tenant_scope(tenant.id):
        websites = [Website.objects.get(pk=rows[Website].pk) for _ in range(3)]
    with pytest.raises(TenantScopeMissingError):
        prefetch_related_objects(websites[:1], lookup)
    with tenant_scope(mine.id):
        prefetch_related_objects(websites[1:2], lookup)
    with tenant_scope(tenant.id):
        prefetch_related_objects(websites[2:], lookup)
    assert [len(website.origins.all()) for website in websites[1:]] == [0, 1]


def test_queryset_made_in_one_scope_and_read_in_another_finds_the_readers_rows(
    theirs: tuple[Tenant, Rows], mine: Tenant
) -> None:
    tenant, _ = theirs
    with tenant_scope(tenant.id):
        websites = Website.objects.all()
    with pytest.raises(TenantScopeMissingError):
        list(websites.all())
    with tenant_scope(mine.id):
        assert list(websites) == []


def test_operators_shared_rows_are_read_by_all_and_written_by_the_operator_alone(cast: Cast, mine: Tenant) -> None:
    agent = cast.agent(instructions="Be kind.")
    attempts: dict[str, Callable[[], Any]] = {
        "update": lambda: Agent.shared.filter(pk=agent.pk).update(instructions="Be rude."),
        "delete": lambda: Agent.shared.filter(pk=agent.pk).delete(),
        "bulk_update": lambda: Agent.shared.bulk_update([agent], ["instructions"]),
        "save": agent.save,
        "delete one": agent.delete,
        "update_or_create": lambda: Agent.shared.update_or_create(pk=agent.pk, defaults={"name": "Mine"}),
    }
    agent.instructions = "Be rude."
    outcomes: dict[str, Any] = {}
    for name, attempt in attempts.items():
        try:
            with tenant_scope(mine.id), CaptureQueriesContext(connection) as queries:
                assert Agent.shared.get(pk=agent.pk).instructions == "Be kind."
                outcomes[name] = attempt()
        except TenantMismatchError as error:
            outcomes[name] = type(error)
        written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE", "DELETE"))]
        assert [sql for sql in written if ' AND "agents"."tenant_id" = ' not in sql] == []  # the database is asked less
    refused = dict.fromkeys(("bulk_update", "save", "delete one", "update_or_create"), TenantMismatchError)
    assert outcomes == {"update": 0, "delete": (0, {}), **refused}
    with tenant_scope(OPERATOR_ID):
        assert Agent.objects.get(pk=agent.pk).instructions == "Be kind."
