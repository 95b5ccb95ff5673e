"""Websites' own servers: what a key opens, who is refused, and that a refusal writes nothing."""

import base64
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.db import connections

from agents.models import Agent
from sessions.models import AgentSession
from tenants.models import ApiKey, Tenant, Website
from tenants.registration import register_website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer, start_server
from tests.visitor import Backend, Visitor
from tests.waiting import wait_until

Counter = Callable[[], dict[str, str]]
KEY_INVALID = {"code": "api_key_invalid", "message": "This API key does not work.", "status": 401}
CANARY = "canary-77f1c2"


@pytest.fixture
def backend(server: LiveServer, cast: Cast, tenant: Tenant, website: Website) -> Backend:
    """Of a tenant with one website, with a key for everything."""
    return Backend(server, cast.api_key(tenant)[1])


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def codes_of(responses: dict[str, httpx.Response]) -> dict[str, tuple[int, str]]:
    return {call: code_of(response) for call, response in responses.items()}


def session_of(tenant: Tenant, visitor: Visitor) -> AgentSession:
    with tenant_scope(tenant.id):
        return AgentSession.objects.get(session_id=visitor.session_id)


def last_used(key: ApiKey) -> datetime | None:
    with tenant_scope(key.tenant_id):
        return ApiKey.objects.get(pk=key.pk).last_used_at


# -- what a key opens


def test_key_holder_chats_and_reads_without_an_origin(backend: Backend, website: Website, tenant: Tenant) -> None:
    first = backend.post("My name is Alice", message_id="message_0001")
    assert (first.status_code, first.json()["message_count"]) == (200, 2)
    assert [name for name in first.headers if name.startswith("access-control-")] == []
    assert backend.ask("What's my name?", stream=True) == "Your name is Alice!"
    said = [message["content"] for message in backend.messages().json()["messages"]]
    assert said[::-1] == [
        "My name is Alice",
        first.json()["message"]["content"],
        "What's my name?",
        "Your name is Alice!",
    ]
    events = [event for _, event in backend.join("message_0001")]
    assert events[-1]["result"] == first.json()
    assert backend.stop().json() == {"session_id": backend.session_id, "message_id": None, "stopped": False}
    assert session_of(tenant, backend).origin_host == website.domain


def test_key_holder_starts_a_session_for_a_browser(backend: Backend, server: LiveServer, website: Website) -> None:
    started = backend.start()
    assert (started.status_code, started.json()["session_id"]) == (201, backend.session_id)
    browser = Visitor(server, website.domain, session_id=backend.session_id, token=started.json()["token"])
    browser.say("My name is Alice")
    assert backend.ask("What's my name?") == "Your name is Alice!"
    assert code_of(backend.start()) == (409, "session_exists")


@pytest.mark.parametrize("with_token", [True, False])
def test_key_opens_every_session_of_its_website_without_the_token(
    backend: Backend, visitor: Visitor, with_token: bool
) -> None:
    if with_token:
        visitor.start()
    visitor.say("My name is Alice", message_id="message_0001")
    backend.session_id = visitor.session_id
    assert backend.ask("What's my name?") == "Your name is Alice!"
    assert len(backend.messages().json()["messages"]) == 4
    assert backend.get_events("message_0001").status_code == 200
    assert backend.stop().status_code == 200


def test_server_needs_no_token_where_the_website_requires_one(
    cast: Cast, server: LiveServer, agent: Agent, rows_written: Counter
) -> None:
    tenant = cast.tenant()
    website = cast.website(tenant, agents=[agent], require_session_token=True)
    backend = Backend(server, cast.api_key(tenant)[1])
    assert backend.say("My name is Alice")["message_count"] == 2
    before = rows_written()
    browser = Visitor(server, website.domain, session_id=backend.session_id)
    assert code_of(browser.post("What's my name?")) == (403, "session_token_required")
    assert rows_written() == before


def test_servers_session_is_no_browsers(
    backend: Backend, server: LiveServer, website: Website, rows_written: Counter
) -> None:
    """Its id may be one that can be guessed, such as a customer's number; browsers go by ids here."""
    backend.session_id = "customer_4711_" + backend.session_id
    backend.say("My name is Alice")
    before = rows_written()
    browser = Visitor(server, website.domain, session_id=backend.session_id)
    assert code_of(browser.post("What's my name?")) == (403, "session_token_required")
    assert code_of(browser.stop("message_0001")) == (403, "session_token_required")
    browser.token = "st_" + "x" * 43
    assert code_of(browser.post("What's my name?")) == (403, "session_token_invalid")
    assert code_of(browser.messages()) == (403, "session_token_invalid")
    assert code_of(browser.start()) == (409, "session_exists")
    assert rows_written() == before


def test_what_a_server_says_of_its_visitor_is_verified(backend: Backend, tenant: Tenant, visitor: Visitor) -> None:
    def user() -> tuple[str | None, bool]:
        session = session_of(tenant, visitor)
        return session.user_id, session.user_verified

    visitor.say("Hello", user_id="claimed")
    backend.session_id = visitor.session_id
    assert user() == ("claimed", False)
    backend.say("Hello")
    assert user() == ("claimed", False)
    backend.say("Hello", user_id="claimed")
    assert user() == ("claimed", True)
    visitor.say("Hello", user_id="somebody else")
    assert user() == ("claimed", True)


def test_server_cannot_make_a_conversation_somebody_elses(
    backend: Backend, tenant: Tenant, rows_written: Counter
) -> None:
    backend.say("My name is Ada", user_id="ada", message_id="message_0001")
    before = rows_written()
    assert code_of(backend.post("What's my name?", user_id="bob")) == (409, "identity_mismatch")
    assert code_of(backend.post("My name is Ada", user_id="bob", message_id="message_0001")) == (
        409,
        "identity_mismatch",
    )
    assert rows_written() == before
    backend.say("Hello", user_id="ada")
    backend.say("Hello")
    session = session_of(tenant, backend)
    assert (session.user_id, session.user_verified, session.message_count) == ("ada", True, 6)


@pytest.mark.parametrize("first", ["chat", "start"])
def test_new_session_of_a_server_knows_its_visitor(backend: Backend, tenant: Tenant, first: str) -> None:
    respond = backend.start(user_id="customer 7") if first == "start" else backend.post("Hello", user_id="customer 7")
    assert respond.is_success
    session = session_of(tenant, backend)
    assert (session.user_id, session.user_verified) == ("customer 7", True)


# -- whom the door refuses


def wrong_keys(cast: Cast, tenant: Tenant, agent: Agent) -> dict[str, str]:
    revoked, revoked_key = cast.api_key(tenant)
    cast.revoke(revoked)
    _, expired_key = cast.api_key(tenant, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    suspended = cast.tenant()
    cast.website(suspended, agents=[agent])
    _, suspended_key = cast.api_key(suspended)
    cast.suspend(suspended)
    _, good = cast.api_key(tenant)
    _, other = cast.api_key(cast.tenant())
    last = "A" if good[-1] != "A" else "B"
    return {
        "revoked": f"Bearer {revoked_key}",
        "expired": f"Bearer {expired_key}",
        "of a suspended tenant": f"Bearer {suspended_key}",
        "unknown": f"Bearer sk_{'0' * 12}_{'x' * 43}",
        "last letter wrong": f"Bearer {good[:-1]}{last}",
        "secret of another": f"Bearer {good[:16]}{other[16:]}",
        "secret missing": f"Bearer {good[:15]}",
        "prefix alone": "Bearer sk_",
        "upper case": f"Bearer {good.upper()}",
        "longer": f"Bearer {good}x",
        "much longer": f"Bearer {good}{'x' * 4000}",
        "no ASCII": f"Bearer {good[:-1]}\u00e9",
        "another kind": f"Bearer pk_{good[3:]}",
        "no bearer": good,
        "basic": "Basic dXNlcjpwYXNz",
        "scheme alone": "Bearer",
    }


def test_wrong_keys_are_refused_alike_and_nothing_is_written(
    backend: Backend, cast: Cast, tenant: Tenant, agent: Agent, rows_written: Counter
) -> None:
    backend.say("My name is Alice", message_id="message_0001")
    good_prefix = backend.headers["Authorization"].split("_")[1]
    keys = wrong_keys(cast, tenant, agent)
    before = rows_written()
    for header in keys.values():
        backend.headers = {"Authorization": header.encode("latin-1")}  # type: ignore[dict-item]  # as it is sent
        for response in backend.every_call().values():
            assert (response.status_code, response.json()) == (401, KEY_INVALID)
            assert response.headers["www-authenticate"] == "Bearer"
            assert [name for name in response.headers if name.startswith("access-control-")] == []
    assert rows_written() == before
    with tenant_scope(tenant.id):
        assert list(ApiKey.objects.exclude(prefix=good_prefix).exclude(last_used_at=None)) == []


def test_key_is_refused_together_with_an_origin(
    backend: Backend, server: LiveServer, website: Website, rows_written: Counter
) -> None:
    key = backend.headers["Authorization"]
    before = rows_written()
    for origin in (server.origin(website.domain), "https://nobody-registered-this.example", "null", ""):
        for header in (key, "Bearer sk_wrong"):
            backend.headers = {"Authorization": header, "Origin": origin}
            for response in backend.every_call().values():
                assert code_of(response) == (401, "api_key_invalid")
                assert response.json()["message"] == (
                    "API keys are for servers: a request with an Origin is refused, for no browser may hold a key."
                )
                assert [name for name in response.headers if name.startswith("access-control-")] == []
    assert rows_written() == before


def test_nobodys_request_is_still_refused_for_its_origin(
    backend: Backend, website: Website, rows_written: Counter
) -> None:
    before = rows_written()
    for headers in ({}, {"Authorization": "Bearer st_" + "x" * 43}):
        backend.headers = headers
        assert set(codes_of(backend.every_call()).values()) == {(403, "origin_not_allowed")}
    assert rows_written() == before


def test_widgets_configuration_is_for_browsers_alone(backend: Backend) -> None:
    assert code_of(backend.config()) == (403, "origin_not_allowed")


NEEDED = {
    "chat": "chat",
    "start": "chat",
    "messages": "sessions:read",
    "events": "chat",
    "stop": "chat",
    "export": "sessions:read",
    "erase": "sessions:erase",
}


@pytest.mark.parametrize("scope", list(ApiKey.Scope))
def test_key_does_what_its_scopes_name_and_no_more(
    server: LiveServer,
    cast: Cast,
    tenant: Tenant,
    website: Website,
    backend: Backend,
    rows_written: Counter,
    scope: str,
) -> None:
    backend.say("Hello", message_id="message_0001")
    limited = Backend(server, cast.api_key(tenant, scope)[1], session_id=backend.session_id)
    before = rows_written()
    responses = limited.every_call()
    missing = {call for call, response in responses.items() if response.status_code == 403}
    assert missing == {call for call, needed in NEEDED.items() if needed != scope}
    for call in missing:
        assert responses[call].json() == {
            "code": "scope_missing",
            "message": f"The API key lacks the scope {NEEDED[call]}.",
            "status": 403,
        }
    assert (rows_written() == before) is (scope != ApiKey.Scope.ERASE_SESSIONS), "the others replay, and read"


def test_bad_body_is_refused_with_its_fields(backend: Backend, rows_written: Counter) -> None:
    before = rows_written()
    response = backend.post("", metadata={"website_domain": 7})
    assert (response.status_code, sorted(response.json()["fields"])) == (400, ["message", "metadata"])
    assert rows_written() == before


def test_host_that_is_not_ours_is_refused(backend: Backend, rows_written: Counter) -> None:
    before = rows_written()
    backend.headers["Host"] = "evil.example"
    assert code_of(backend.post("Hello")) == (400, "invalid_request")
    assert rows_written() == before


# -- which website


@pytest.fixture
def second(cast: Cast, tenant: Tenant, agent: Agent) -> Website:
    """Another website of the tenant."""
    return cast.website(tenant, agents=[agent])


def test_one_of_several_websites_must_be_named(backend: Backend, second: Website, rows_written: Counter) -> None:
    before = rows_written()
    for response in backend.every_call().values():
        assert code_of(response) == (400, "invalid_request")
        assert list(response.json()["fields"]) == ["website_domain"]
    assert rows_written() == before


def test_named_website_is_the_one(
    server: LiveServer, cast: Cast, tenant: Tenant, website: Website, second: Website
) -> None:
    _, key = cast.api_key(tenant)
    there = Backend(server, key, website_domain=second.domain)
    there.say("My name is Alice", message_id="message_0001")
    assert session_of(tenant, there).website_id == second.id
    elsewhere = Backend(server, key, website_domain=website.domain, session_id=there.session_id)
    assert elsewhere.ask("What's my name?") == "I don't know your name yet."
    assert there.ask("What's my name?") == "Your name is Alice!"


def test_website_may_be_named_by_any_of_its_hosts(server: LiveServer, cast: Cast, tenant: Tenant, agent: Agent) -> None:
    cast.website(tenant, agents=[agent])
    website = cast.website(tenant, f"bücher-{tenant.slug}.example", agents=[agent])
    shop = cast.website(
        tenant, f"shop-{tenant.slug}.example", agents=[agent], extra_origins=[f"http://www.shop-{tenant.slug}.example"]
    )
    _, key = cast.api_key(tenant)
    for named, expected in (
        (f"BÜCHER-{tenant.slug}.example.", website),
        (f"shop-{tenant.slug}.example", shop),
        (f"https://www.shop-{tenant.slug}.example/cakes", shop),
    ):
        backend = Backend(server, key, website_domain=named)
        backend.say("Hello")
        assert session_of(tenant, backend).website_id == expected.id


def test_host_of_two_websites_means_the_one_that_is_called_so(
    server: LiveServer, cast: Cast, tenant: Tenant, agent: Agent
) -> None:
    domain = f"{tenant.slug}.example"
    cast.website(tenant, domain, agents=[agent], extra_origins=[f"https://shop.{domain}:8443"])
    shop = cast.website(tenant, f"shop.{domain}", agents=[agent])
    backend = Backend(server, cast.api_key(tenant)[1], website_domain=f"shop.{domain}")
    backend.say("Hello")
    assert session_of(tenant, backend).website_id == shop.id


def test_foreign_domain_is_answered_as_an_unknown_one(
    server: LiveServer, cast: Cast, tenant: Tenant, website: Website, agent: Agent, rows_written: Counter
) -> None:
    foreign = cast.website(cast.tenant(), agents=[agent])
    victim = Visitor(server, foreign.domain)
    victim.say("My name is Alice", message_id="message_0001")
    with tenant_scope(tenant.id):
        waiting = register_website(f"waiting-{tenant.slug}.example")
    _, key = cast.api_key(tenant)
    before = rows_written()
    answers = []
    for named in (foreign.domain, "nobody.example", waiting.domain, "no domain", "x" * 3000, "."):
        backend = Backend(server, key, website_domain=named, session_id=victim.session_id)
        answers.append({call: response.json() for call, response in backend.every_call().items()})
    refusal = {
        "code": "website_domain_mismatch",
        "message": "website_domain names no website of yours whose domain is proved.",
        "status": 403,
    }
    assert answers == [dict.fromkeys(NEEDED, refusal)] * 6
    assert rows_written() == before


def test_tenant_without_a_proved_website_is_told_so(server: LiveServer, cast: Cast, rows_written: Counter) -> None:
    before = rows_written()
    response = Backend(server, cast.api_key(cast.tenant())[1]).post("Hello")
    assert (response.status_code, response.json()["fields"]) == (
        400,
        {"website_domain": "You have several websites, or none whose domain is proved: name the one that is meant."},
    )
    assert rows_written() == before


def test_website_that_is_switched_off_is_refused(
    backend: Backend, cast: Cast, website: Website, rows_written: Counter
) -> None:
    cast.change(website, is_active=False)
    before = rows_written()
    assert set(codes_of(backend.every_call()).values()) == {(403, "website_inactive")}
    assert rows_written() == before


# -- whose sessions


def test_another_tenants_session_is_answered_as_an_unknown_one(
    server: LiveServer, cast: Cast, backend: Backend, visitor: Visitor, agent: Agent, rows_written: Counter
) -> None:
    visitor.say("My name is Alice", message_id="message_0001")
    stranger = cast.tenant()
    cast.website(stranger, agents=[agent])
    _, key = cast.api_key(stranger)
    before = rows_written()
    reads = []
    for session_id in (visitor.session_id, "session_that_nobody_has"):
        thief = Backend(server, key, session_id=session_id)
        reads += [
            (response.status_code, response.json())
            for response in (
                thief.messages(),
                thief.get_events("message_0001"),
                thief.stop("message_0001"),
                thief.stop(),
            )
        ]
    unknown = {"code": "not_found", "message": "This website has no session with this id.", "status": 404}
    assert reads == [(404, unknown)] * 8
    assert rows_written() == before
    thief = Backend(server, key, session_id=visitor.session_id)
    assert thief.ask("What's my name?") == "I don't know your name yet."
    assert visitor.ask("What's my name?") == "Your name is Alice!"


def test_another_websites_session_is_an_unknown_one(
    server: LiveServer, cast: Cast, tenant: Tenant, visitor: Visitor, second: Website, rows_written: Counter
) -> None:
    visitor.say("My name is Alice", message_id="message_0001")
    backend = Backend(server, cast.api_key(tenant)[1], website_domain=second.domain, session_id=visitor.session_id)
    before = rows_written()
    for response in (backend.messages(), backend.get_events("message_0001"), backend.stop("message_0001")):
        assert code_of(response) == (404, "not_found")
    assert rows_written() == before


# -- limits


def test_network_does_not_limit_servers_and_the_rest_does(server: LiveServer, cast: Cast, agent: Agent) -> None:
    tenant = cast.tenant(session_turns_per_minute=2, network_turns_per_minute=1, turns_per_minute=4)
    cast.website(tenant, agents=[agent])
    _, key = cast.api_key(tenant)
    first, second, third = (Backend(server, key) for _ in range(3))
    responses = [backend.post("Hello") for backend in (first, first, first, second, third, third)]
    assert [response.status_code for response in responses] == [200, 200, 429, 200, 200, 429]
    assert responses[0].headers["ratelimit"] == '"session";r=1;t=30'
    assert [responses[number].json()["message"] for number in (2, 5)] == [
        "You are writing very fast. Please wait a moment.",
        "Many people are chatting here right now. Please try again in a moment.",
    ]
    starts = [Backend(server, key).start() for _ in range(5)]
    assert [response.status_code for response in starts] == [201, 201, 201, 201, 429]
    assert "ratelimit" not in starts[0].headers


def test_days_budget_holds_for_servers(server: LiveServer, cast: Cast, agent: Agent) -> None:
    tenant = cast.tenant(turns_per_day=1)
    cast.website(tenant, agents=[agent])
    backend = Backend(server, cast.api_key(tenant)[1])
    backend.say("Hello", message_id="message_0001")
    assert code_of(backend.post("Hello")) == (429, "quota_exceeded")
    assert backend.post("Hello", message_id="message_0001").headers["parlour-replayed"] == "true"


# -- the key itself


def test_use_is_noted_once_a_minute(server: LiveServer, cast: Cast, tenant: Tenant, website: Website) -> None:
    key, text = cast.api_key(tenant)
    began = datetime.now(UTC)
    backend = Backend(server, text)
    for _ in range(10):  # both processes of the server
        backend.say("Hello")
    wait_until(lambda: last_used(key) is not None)
    noted = last_used(key)
    assert noted is not None
    assert abs(noted - began) < timedelta(seconds=10)
    for _ in range(10):
        backend.say("Hello")
    assert last_used(key) == noted


def test_revoked_key_is_forgotten_within_the_caches_time(cast: Cast, tenant: Tenant, website: Website) -> None:
    key, text = cast.api_key(tenant)
    with start_server(DOOR_CACHE_SECONDS="1") as server:
        backend = Backend(server, text)
        backend.say("Hello")
        cast.revoke(key)
        wait_until(lambda: backend.messages().status_code == 401)
        assert set(codes_of(backend.every_call()).values()) == {(401, "api_key_invalid")}


def test_key_moves_to_a_new_encryption_key_when_it_is_used(cast: Cast, tenant: Tenant, website: Website) -> None:
    used, used_text = cast.api_key(tenant)
    _, idle_text = cast.api_key(tenant)
    new = "new:" + base64.b64encode(b"n" * 32).decode()

    def key_id() -> str:
        with tenant_scope(tenant.id):
            return ApiKey.objects.get(pk=used.pk).hmac_key_id

    with start_server(ENCRYPTION_KEYS=f"{new},{os.environ['ENCRYPTION_KEYS']}") as server:
        Backend(server, used_text).say("Hello")
        wait_until(lambda: key_id() == "new")
        Backend(server, used_text).say("Hello")
    with start_server(ENCRYPTION_KEYS=new) as server:
        Backend(server, used_text).say("Hello")
        assert code_of(Backend(server, idle_text).post("Hello")) == (401, "api_key_invalid")


def test_key_is_in_no_log_and_in_no_table(cast: Cast, tenant: Tenant, website: Website, tmp_path: Path) -> None:
    key, text = cast.api_key(tenant)
    path = tmp_path / "log"
    with path.open("wb") as log, start_server(log=log) as server:
        backend = Backend(server, text)
        backend.every_call()
        backend.post(CANARY, user_id=7)
        wait_until(lambda: last_used(key) is not None)
        backend.headers["Origin"] = server.origin(website.domain)
        backend.every_call()
        backend.headers = {"Authorization": f"Bearer {text}{CANARY}"}
        backend.every_call()
    secret = text.removeprefix(f"sk_{key.prefix}_")
    stored = everything_stored()
    assert key.prefix in stored, "the dump holds the row"
    forms = (secret, secret.encode().hex(), CANARY, CANARY.encode().hex())
    assert [word for word in forms if word in path.read_text() + stored] == []


def everything_stored() -> str:
    """Every row of every table, as text."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        rows: list[Any] = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608  the catalogue's own names
            rows += [text for (text,) in cursor.fetchall()]
    return "\n".join(rows)
