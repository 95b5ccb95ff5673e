"""A list is filtered by what its page offers, and by no other column, however its path begins."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse

from sessions.looks import Actor, record_look
from sessions.models import Look
from tenants.scoping import tenant_scope
from tests.admin.shops import Shop, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

PAGES = sorted(
    reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")
    for pages in admin.site._registry.values()
)
SESSIONS = "/admin/agent_sessions/agentsession/"
WEBSITES = "/admin/tenants/website/"

OFFERED = {
    SESSIONS: {
        "website__id__exact",
        "website__isnull",
        "agent",
        "visitor",
        "last_activity_at__gte",
        "last_activity_at__lt",
    },
    WEBSITES: {"state"},
    "/admin/agent_sessions/erasure/": {"kind"},
    "/admin/agent_sessions/look/": {"who", "what", "created_at__gte", "created_at__lt"},
    "/admin/auth/user/": {"is_active__exact", "is_active__isnull", "is_superuser__exact", "is_superuser__isnull"},
}
"""The parameters of each page's filters."""

COLUMNS = [
    "website__identity_secret_sealed__regex",
    "website__identity_secret_sealed__gte",
    "website__site_key__startswith",
    "website__website_agents__agent__website_agents__instructions__contains",
    "website",
    "website__id__exact__in",
    "history__icontains",
    "context__icontains",
    "token_hash__isnull",
    "last_activity_at__gte__date",
    "state__startswith",
    "identity_secret_sealed__startswith",
    "former_identity_secret_sealed__startswith",
    "api_key_sealed__startswith",
    "secret_hmac__startswith",
    "prefix__startswith",
    "password__startswith",
    "is_active__exact__in",
    "id__exact",
    "tenant__name__regex",
    "+__created_at__isnull",
    "nothing",
    "\x00",
    "E",
]
"""Columns of some page or other, and what is none."""

VALUES = ["", "(", "\x00", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "99999999999999999999"]


def answer(client: Client, page: str, **query: str) -> tuple[int, str]:
    response = client.get(page, query)
    return response.status_code, response.headers.get("Location", "")


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def operator_at(cast: Cast, enter: Enter, operator: User, alice: Shop) -> Callable[[str], Client]:
    """The operator, who sees every page; those of rows in Alice's tenant, whose second website gives it a filter, as
    does who looked."""
    cast.website(alice.tenant)
    with tenant_scope(alice.tenant.pk):
        record_look(Actor("", "Reader", "owner"), Look.Kind.VIEW)

    def at(page: str) -> Client:
        client = enter(operator)
        if page not in {"/admin/auth/user/", "/admin/tenants/tenant/"}:
            switch_to(client, alice.tenant)
        return client

    return at


def test_no_page_is_filtered_by_a_column_it_does_not_offer(operator_at: Callable[[str], Client], page: str) -> None:
    client = operator_at(page)
    filters = client.get(page).context["cl"].filter_specs
    offered = {name for spec in filters for name in spec.expected_parameters()}
    assert offered == OFFERED.get(page, set())  # a new filter is thought of here
    told = {name: answer(client, page, **{name: "a"}) for name in COLUMNS}
    assert {name: said for name, said in told.items() if said != (302, f"{page}?e=1")} == {}
    assert answer(client, page, e="1") == (200, "")
    assert answer(client, page, e="1", nothing="a") == (302, f"{page}?e=1")


def test_offered_filters_and_djangos_own_parameters_never_fail(operator_at: Callable[[str], Client], page: str) -> None:
    client = operator_at(page)
    own = ["o", "p", "q", "all", "_popup"]
    for name in [*sorted(OFFERED.get(page, set())), *own]:
        told = {value: answer(client, page, **{name: value}) for value in VALUES}
        assert {value: said for value, said in told.items() if said not in {(200, ""), (302, f"{page}?e=1")}} == {}


@contextmanager
def without_policies(*tables: str) -> Iterator[None]:
    with connections["owner"].cursor() as owner:
        for table in tables:
            owner.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        try:
            yield
        finally:
            for table in tables:
                owner.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")


def test_shared_agents_other_users_are_not_found_by_address(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    """With the row policies down, so that the walls of Python stand alone."""
    shared = cast.agent(name="Shared")
    cast.use(alice.website, shared, instructions="Open at nine")
    cast.use(bob.website, shared, instructions="Canary of Bravo")
    client = enter(alice.auditor)
    path = "website__website_agents__agent__website_agents__instructions__contains"
    with without_policies("websites", "website_agents"):
        told: list[Any] = [answer(client, SESSIONS, **{path: text}) for text in ("Canary of", "Nobody's", "Open")]
    assert told == [(302, f"{SESSIONS}?e=1")] * 3
