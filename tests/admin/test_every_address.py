"""Every address of the admin, walked from its URLs: a foreign id is answered exactly as one that nobody has.

Compared are status, headers and body, once the id itself is taken out. An address or a page without a case here fails.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver
from psycopg import sql

from agents.models import WebsiteAgent
from sessions.erasing import ask_for_erasure
from sessions.looks import Actor, record_look
from sessions.models import Look, Turn
from sessions.targets import Target
from tenants import roles
from tenants.api_keys import create_api_key
from tenants.invitations import invite
from tenants.models import ApiKey, Invitation, Membership
from tenants.roles import Thing
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, sentences, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

OBJECT = "<path:object_id>/"
PLAIN = {
    "",
    "login/",
    "logout/",
    "switch-tenant/",
    "changes/",
    "password_change/",
    "password_change/done/",
    "agent_sessions/agentsession/redaction-preview/",
    "autocomplete/",
    "jsi18n/",
    "agent_sessions/erasure/export/",
    "^(?P<app_label>tenants|auth|agents|agent_sessions)/$",
    "(?P<url>.*)$",
}
"""Addresses that name no row; what each of them is asked with stands below."""

TABLES = [
    "agent_sessions",
    "agents",
    "api_keys",
    "erasures",
    "history_segments",
    "invitations",
    "look_heads",
    "looks",
    "memberships",
    "model_connections",
    "redaction_keys",
    "refused_origins",
    "tenants",
    "turns",
    "website_agents",
    "website_origins",
    "websites",
]


def routes(urls: Iterable[URLPattern | URLResolver], prefix: str = "") -> list[str]:
    found: list[str] = []
    for url in urls:
        here = prefix + str(url.pattern)
        found += routes(url.url_patterns, here) if isinstance(url, URLResolver) else [here]
    return found


ROUTES = sorted(set(routes(admin.site.get_urls())))


@dataclass(frozen=True)
class Rows:
    """One row of every model with a page, and those that forms and inlines name."""

    ids: dict[str, str]
    website_agent: str
    turn: str
    texts: dict[str, str]
    """What a person might search for."""


def rows_of(shop: Shop) -> Rows:
    with tenant_scope(shop.tenant.pk):
        invite("admin", invited_by=shop.owner, note=f"Note of {shop.tenant.name}")
        key, _ = create_api_key(f"Key of {shop.tenant.name}", list(ApiKey.Scope))
        reader = Actor(str(shop.owner.pk), shop.owner.username, "owner", "203.0.113.7")
        ids = {
            "tenants/apikey/": key.pk,
            "tenants/website/": shop.website.pk,
            "tenants/membership/": Membership.objects.get(user=shop.auditor).pk,
            "tenants/invitation/": Invitation.objects.get().pk,
            "tenants/tenant/": shop.tenant.pk,
            "agents/agent/": shop.agent.pk,
            "agents/modelconnection/": shop.connection.pk,
            "agent_sessions/agentsession/": shop.session.pk,
            "agent_sessions/look/": record_look(reader, Look.Kind.VIEW, subject=shop.session.session_id).pk,
            "agent_sessions/erasure/": ask_for_erasure(Target.user(f"User of {shop.tenant.name}")).pk,
            "auth/user/": shop.owner.pk,
        }
        use, turn = WebsiteAgent.objects.get(), Turn.objects.get()
    texts = {
        "tenants/website/": shop.website.domain,
        "agents/agent/": shop.agent.key,
        "agent_sessions/agentsession/": shop.session.session_id,
        "agent_sessions/look/": shop.session.session_id,
        "tenants/tenant/": shop.tenant.slug,
        "auth/user/": shop.owner.username,
    }
    return Rows({page: str(pk) for page, pk in ids.items()}, str(use.pk), str(turn.pk), texts)


def unknown(known: str) -> str:
    """A value of the same form that nobody has."""
    if known.isdecimal():
        return "2099999999"
    return str(uuid4()) if re.fullmatch("[0-9a-f-]{36}", known) else "".join(reversed(known))


def page_of(route: str) -> str:
    return "/".join(route.split("/")[:2]) + "/"


def at_rest() -> dict[str, str]:
    """A digest of all rows of all tenants, as the owner sees them."""
    digests = {}
    with connections["owner"].cursor() as cursor:
        for table in TABLES:
            rows = sql.SQL("SELECT md5(string_agg(t::text, ',' ORDER BY id)) FROM {} t")
            cursor.execute(rows.format(sql.Identifier(table)))
            digests[table] = str(cursor.fetchone())
    return digests


UNTOLD = {"Set-Cookie", "Content-Length", "Date", "Expires"}


def told(response: Any, *named: str) -> tuple[Any, ...]:
    """All that the answer tells, without the values that the question named and without the forms' tokens."""

    def plain(text: str) -> str:
        text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", text)
        for value in named:
            text = text.replace(value, "ID")
        return text

    headers = {name: plain(value) for name, value in response.headers.items() if name not in UNTOLD}
    return response.status_code, headers, plain(response.text), [plain(text) for text in sentences(response)]


def compare(client: Client, known: str, ask: Callable[[Client, str], Any]) -> None:
    """Asks for a foreign value and for one that nobody has, as the same person, and compares the answers."""
    answers = []
    for value in (known, unknown(known)):
        answers.append(told(ask(client, value), value))
        if answers[-1][-1]:
            client.get(ADMIN)  # takes the sentences off the session
    assert answers[0] == answers[1]


def test_every_address_has_a_case(alice: Shop) -> None:
    pages = rows_of(alice).ids
    objects = [route for route in ROUTES if OBJECT in route or "<id>" in route]
    lists = [route for route in ROUTES if route in pages or route.removesuffix("add/") in pages]
    assert {page_of(route) for route in objects} == set(pages)
    assert set(ROUTES) - set(objects) - set(lists) == PLAIN


OBJECT_ROUTES = [route for route in ROUTES if OBJECT in route or "<id>" in route]
QUERIES = ["", "?_popup=1&_to_field=id", "?_to_field=tenant_id", "?_changelist_filters=q%3Dx"]
POSTED = [
    {},
    {"post": "yes", "_popup": "1", "_to_field": "id"},
    {"name": "Stolen", "title": "Stolen", "role": "owner"},
    {"password1": "seven wet horses", "password2": "seven wet horses", "usable_password": "true"},
]


def asking(address: Callable[[str], str], suffix: str = "", *, fields: Any = None) -> Callable[[Client, str], Any]:
    """Asks for the address of an id, or posts ``fields`` to it."""

    def ask(client: Client, value: str) -> Any:
        return client.get(address(value) + suffix) if fields is None else client.post(address(value), fields)

    return ask


@pytest.mark.parametrize("route", OBJECT_ROUTES)
def test_foreign_row_is_answered_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop, route: str) -> None:
    foreign = rows_of(bob).ids[page_of(route)]
    before = at_rest()

    def address(value: str) -> str:
        return ADMIN + route.replace("<path:object_id>", value).replace("<id>", value)

    client = enter(alice.owner)
    for query in QUERIES:
        compare(client, foreign, asking(address, query))
    compare(client, foreign, lambda client, value: client.get(address(value).removesuffix("/")))
    for fields in POSTED:
        compare(client, foreign, asking(address, fields=fields))
    reader = enter(alice.auditor)
    compare(reader, foreign, lambda client, value: client.get(address(value)))
    compare(reader, foreign, lambda client, value: client.post(address(value), {"post": "yes"}))
    assert at_rest() == before


def test_operator_in_one_tenant_meets_no_row_of_another(enter: Enter, operator: User, alice: Shop, bob: Shop) -> None:
    client, foreign = enter(operator), rows_of(bob).ids
    switch_to(client, alice.tenant)
    client.get(ADMIN)
    before = at_rest()
    for route in OBJECT_ROUTES:
        if (page := page_of(route)) == "auth/user/":
            continue  # the operator's own, wherever they are
        address = ADMIN + route.replace("<path:object_id>", "{}").replace("<id>", "{}")
        compare(client, foreign[page], asking(address.format))
        compare(client, foreign[page], asking(address.format, fields={"post": "yes"}))
    assert at_rest() == before


def test_page_that_the_policy_denies_is_refused(
    enter: Enter, operator: User, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every page asks the table, not a role: once it is empty, nobody gets in."""
    own, client = rows_of(alice).ids, enter(operator)
    switch_to(client, alice.tenant)
    before = at_rest()
    for thing in Thing:
        monkeypatch.setitem(roles._POLICY, thing, {})
    answers = {}
    for route in OBJECT_ROUTES:
        address = ADMIN + route.replace("<path:object_id>", own[page_of(route)]).replace("<id>", own[page_of(route)])
        asked = client.get(address).status_code, client.post(address, {"post": "yes"}).status_code
        answers[route] = {status for status in asked if status != 405}
    told_where_to_ask = {route for route in OBJECT_ROUTES if route.endswith(OBJECT)}
    assert answers == {route: {302} if route in told_where_to_ask else {403} for route in OBJECT_ROUTES}
    assert at_rest() == before


LIST_ROUTES = [route for route in ROUTES if re.fullmatch(r"\w+/\w+/", route) and route not in PLAIN]
COLUMNS = {
    "tenants/tenant/": ["tenant", "tenant__id__exact", "website__tenant__id__exact"],
    "tenants/website/": ["website", "website__id__exact"],
    "agents/agent/": ["agent", "agent__id__exact", "website_agents__agent__id__exact"],
    "agents/modelconnection/": ["connection", "connection__id__exact"],
    "agent_sessions/agentsession/": ["turns__agent_session__id__exact"],
    "auth/user/": ["user__id__exact", "invited_by"],
}
OF_THE_PAGE = ["id__exact", "pk__in", "id__gte"]


@pytest.mark.parametrize("route", LIST_ROUTES)
def test_list_is_not_searched_nor_filtered_to_a_foreign_row(enter: Enter, alice: Shop, bob: Shop, route: str) -> None:
    client, foreign = enter(alice.owner), rows_of(bob)
    for page, columns in [*COLUMNS.items(), (route, OF_THE_PAGE)]:
        for column in columns:
            query = f"{ADMIN}{route}?{column}="
            compare(client, foreign.ids[page], asking(query.__add__))
    for text in foreign.texts.values():
        compare(client, text, lambda client, value: client.get(f"{ADMIN}{route}?_popup=1&_to_field=id&q={value}"))


@pytest.mark.parametrize("route", LIST_ROUTES)
@pytest.mark.parametrize("action", ["delete_selected", "anything"])
def test_bulk_action_posted_by_hand_does_nothing(enter: Enter, alice: Shop, bob: Shop, route: str, action: str) -> None:
    own, foreign, before = rows_of(alice).ids[route], rows_of(bob).ids[route], at_rest()

    def act(client: Client, value: str) -> Any:
        fields = {"action": action, "_selected_action": [own, value], "index": "0", "post": "yes", "select_across": "1"}
        return client.post(ADMIN + route, fields)

    for user in (alice.owner, alice.auditor):
        compare(enter(user), foreign, act)
    assert at_rest() == before


@pytest.mark.parametrize("route", [route for route in ROUTES if route.endswith("/add/")])
def test_form_is_not_begun_with_a_foreign_row(enter: Enter, alice: Shop, bob: Shop, route: str) -> None:
    client, foreign = enter(alice.owner), rows_of(bob)
    for value in set(foreign.ids.values()):
        for field in ("website", "agent", "connection", "fallback_connection", "user", "tenant", "invited_by"):
            query = f"{ADMIN}{route}?_popup=1&_to_field={field}&{field}="
            compare(client, value, asking(query.__add__))


AGENT = {"key": "mine", "name": "Mine", "instructions": "Be kind.", "model": "m", "max_context_messages": "20"}


@pytest.mark.parametrize("field", ["connection", "fallback_connection"])
def test_foreign_key_posted_by_hand_is_an_unknown_one(enter: Enter, alice: Shop, bob: Shop, field: str) -> None:
    client, before = enter(alice.owner), at_rest()
    for address in (f"{ADMIN}agents/agent/add/", alice.pages()["agent"] + "change/"):

        def post(client: Client, value: str, address: str = address) -> Any:
            return client.post(address, {**AGENT, field: value})

        compare(client, str(bob.connection.pk), post)
    assert at_rest() == before


def inline(shop: Shop, *, initial: int, **fields: str) -> dict[str, str]:
    row = {"website": str(shop.website.pk), "agent": str(shop.agent.pk), "position": "right", **fields}
    counts = {"website_agents-TOTAL_FORMS": "1", "website_agents-INITIAL_FORMS": str(initial)}
    return {"title": "Title Alpha", **counts, **{f"website_agents-0-{name}": value for name, value in row.items()}}


@pytest.mark.parametrize(("field", "initial"), [("agent", 0), ("website", 0), ("id", 1), ("id", 0), ("website", 1)])
@pytest.mark.parametrize("deleting", [{}, {"DELETE": "on"}])
def test_inline_posted_with_foreign_ids_is_one_of_unknown_ids(
    enter: Enter, alice: Shop, bob: Shop, field: str, initial: int, deleting: dict[str, str]
) -> None:
    own, other = rows_of(alice), rows_of(bob)
    foreign = {"agent": str(bob.agent.pk), "website": str(bob.website.pk), "id": other.website_agent}[field]
    client = enter(alice.owner)
    with tenant_scope(bob.tenant.pk):
        before = list(WebsiteAgent.objects.values())

    def post(client: Client, value: str) -> Any:
        row = {"id": own.website_agent} if initial and field != "id" else {}
        return client.post(
            alice.pages()["website"] + "change/", inline(alice, initial=initial, **{**row, field: value}, **deleting)
        )

    compare(client, foreign, post)
    with tenant_scope(bob.tenant.pk):
        assert list(WebsiteAgent.objects.values()) == before
    with tenant_scope(alice.tenant.pk):
        assert {row.agent_id for row in WebsiteAgent.objects.all()} <= {alice.agent.pk}


FOREIGN_KEYS = [
    ("agents", "websiteagent", "agent"),
    ("agents", "websiteagent", "website"),
    ("agents", "agent", "connection"),
    ("agents", "agent", "fallback_connection"),
    ("agent_sessions", "agentsession", "website"),
    ("agent_sessions", "agentsession", "agent"),
    ("agent_sessions", "turn", "agent_session"),
    ("tenants", "membership", "user"),
    ("tenants", "membership", "tenant"),
    ("tenants", "invitation", "invited_by"),
    ("tenants", "websiteorigin", "website"),
]


@pytest.mark.parametrize("source", FOREIGN_KEYS)
def test_autocomplete_finds_nothing_foreign(enter: Enter, alice: Shop, bob: Shop, source: tuple[str, str, str]) -> None:
    asked = dict(zip(("app_label", "model_name", "field_name"), source, strict=True))
    other = rows_of(bob)
    for user in (alice.owner, alice.auditor):
        client = enter(user)
        for value in [*other.texts.values(), bob.agent.name, bob.website.title]:
            compare(client, value, lambda client, value: client.get(f"{ADMIN}autocomplete/", {**asked, "term": value}))


def test_history_shows_what_was_done_to_the_own_row_alone(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    """Django keeps what was done in one table for all tenants, by a text that holds the row's id."""
    both = cast.staff((alice.tenant, "owner"), (bob.tenant, "owner"))
    client = enter(both)
    for shop, title in ((alice, "Seen"), (bob, "Canary")):
        switch_to(client, shop.tenant)
        fields = {"title": title, "website_agents-TOTAL_FORMS": "0", "website_agents-INITIAL_FORMS": "0"}
        fields["double_send"] = "enqueue"
        assert client.post(shop.pages()["website"] + "change/", fields).status_code == 302
    page = enter(alice.owner).get(alice.pages()["website"] + "history/").text
    assert ("Changed" in page, both.username in page) == (True, True)
    assert [text for text in ("Canary", bob.website.domain, bob.tenant.name) if text in page] == []
    assert enter(alice.owner).get(f"{ADMIN}admin/logentry/").status_code == 404


@pytest.mark.parametrize("row", ["website", "agent", "connection", "session"])
def test_deletion_lists_the_own_rows_alone(enter: Enter, alice: Shop, bob: Shop, row: str) -> None:
    page = enter(alice.owner).get(alice.pages()[row] + "delete/").text
    foreign = [bob.website.domain, bob.agent.name, bob.connection.name, bob.session.session_id, bob.tenant.name]
    asked = "Are you sure" in page or "protected" in page or "to confirm" in page
    assert (asked, [text for text in foreign if text in page]) == (True, [])


@pytest.mark.parametrize("app", ["auth", "tenants", "agents", "agent_sessions", "admin", "axes", "nothing"])
def test_apps_page_lists_what_its_reader_may_see(enter: Enter, alice: Shop, bob: Shop, app: str) -> None:
    response = enter(alice.owner).get(f"{ADMIN}{app}/")
    assert response.status_code == (200 if app in {"tenants", "agents", "agent_sessions"} else 404)
    assert [text for text in (bob.tenant.name, "auth/user") if text in response.text] == []


def test_script_of_translations_tells_everybody_the_same(enter: Enter, alice: Shop, bob: Shop) -> None:
    pages = [enter(user).get(f"{ADMIN}jsi18n/").text for user in (alice.owner, bob.owner)]
    assert pages[0] == pages[1]
    assert alice.tenant.name not in pages[0]


def test_own_password_alone_is_changed(enter: Enter, alice: Shop, bob: Shop) -> None:
    fields = {"old_password": "a long password", "new_password1": "seven wet horses"}
    fields |= {"new_password2": "seven wet horses", "id": str(bob.owner.pk), "username": bob.owner.username}
    assert enter(alice.owner).post(f"{ADMIN}password_change/", fields).status_code == 302
    users = [User.objects.get(pk=user.pk) for user in (alice.owner, bob.owner)]
    assert [user.check_password("seven wet horses") for user in users] == [True, False]
