"""Session tokens are bound, they age, and they end: refused then by every call, exactly as a random one."""

import secrets
from collections.abc import Callable
from copy import copy

import httpx
import pytest
from django.db import connections

from agents.models import Agent
from sessions.ending_access import end_access
from sessions.models import AgentSession
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.api.session_calls import MESSAGE_ID, METHODS, NAMES_NO_SESSION, SESSION_CALLS
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]
Call = Callable[[Visitor], httpx.Response]

# Logging out ends a token that is too old already, and again one that has ended.
NEEDS_A_LIVING_TOKEN = [path for path in SESSION_CALLS if not path.endswith("/logout/")]


@pytest.fixture
def alice(server: LiveServer, website: Website) -> Visitor:
    """With a session of her own and a turn in it, on a website that allows the plain flow."""
    return told(Visitor(server, website.domain))


def told(visitor: Visitor) -> Visitor:
    visitor.start()
    visitor.say("My name is Alice", message_id=MESSAGE_ID)
    return visitor


def with_token(visitor: Visitor, token: str) -> Visitor:
    other = copy(visitor)
    other.token = token
    return other


def random_token() -> str:
    return f"st_{secrets.token_urlsafe(32)}"


def said(response: httpx.Response) -> tuple[int, str, str | None]:
    """All of an answer that could tell one refusal from another."""
    return response.status_code, response.text, response.headers.get("access-control-allow-origin")


def test_every_call_that_names_a_session_is_tested_here(server: LiveServer) -> None:
    schema = server.http.get("/api/v1/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).json()
    assert set(schema["paths"]) == {*SESSION_CALLS, *NAMES_NO_SESSION}


@pytest.fixture(params=["session", "agent", "website", "tenant"])
def bob(
    request: pytest.FixtureRequest, server: LiveServer, cast: Cast, tenant: Tenant, website: Website, alice: Visitor
) -> Visitor:
    """Whose session differs from Alice's in this, and has its id where it can."""
    own_agent = cast.agent(tenant)
    cast.use(website, own_agent)
    if request.param == "session":
        return told(Visitor(server, website.domain))
    if request.param == "agent":
        visitor = Visitor(server, website.domain)
        assert visitor.start(agent_id=own_agent.key).status_code == httpx.codes.CREATED
        return visitor
    owner = tenant if request.param == "website" else cast.tenant()
    elsewhere = cast.website(owner, agents=[cast.agent(owner)])
    return told(Visitor(server, elsewhere.domain, session_id=alice.session_id))


@pytest.mark.parametrize("path", SESSION_CALLS)
def test_token_opens_its_own_session_alone(alice: Visitor, bob: Visitor, rows_written: Counter, path: str) -> None:
    before = rows_written()
    for victim, thief in ((alice, bob), (bob, alice)):
        refused = SESSION_CALLS[path](with_token(victim, thief.token or ""))
        assert (refused.status_code, refused.json()["code"]) == (403, "session_token_invalid")
        assert said(refused) == said(SESSION_CALLS[path](with_token(victim, random_token())))
    assert rows_written() == before
    assert [visitor.messages().status_code for visitor in (alice, bob)] == [200, 200]


@pytest.mark.parametrize("path", SESSION_CALLS)
def test_session_with_a_token_is_refused_without_it(
    server: LiveServer, alice: Visitor, rows_written: Counter, path: str
) -> None:
    before = rows_written()
    refused = SESSION_CALLS[path](Visitor(server, alice.domain, session_id=alice.session_id))
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_required")
    assert refused.headers["access-control-allow-origin"] == alice.headers["Origin"]
    assert rows_written() == before


@pytest.mark.parametrize("path", SESSION_CALLS)
def test_token_in_the_address_is_none(alice: Visitor, server: LiveServer, path: str) -> None:
    address = path.format(session_id=alice.session_id, message_id=MESSAGE_ID)
    body = {"message": "Hello", "session_id": alice.session_id, "token": alice.token, "message_id": MESSAGE_ID}
    query = {"token": alice.token or "", "access_token": alice.token or ""}
    method = METHODS.get(path, "POST")
    refused = server.http.request(
        method, address, params=query, headers=alice.headers, json=body if method == "POST" else None
    )
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_required")


@pytest.mark.parametrize("path", SESSION_CALLS)
@pytest.mark.parametrize("website_requires", [True, False])
def test_unknown_session_is_refused_where_a_website_requires_tokens(
    server: LiveServer,
    cast: Cast,
    tenant: Tenant,
    agent: Agent,
    rows_written: Counter,
    path: str,
    website_requires: bool,
) -> None:
    """The plain flow is one call, of one kind of website: a chat that makes its session."""
    site = cast.website(tenant, agents=[agent], require_session_token=website_requires)
    visitor = Visitor(server, site.domain)
    before = rows_written()
    answer = SESSION_CALLS[path](visitor)
    if path == "/api/v1/chat/" and not website_requires:
        assert (answer.status_code, answer.json()["message_count"]) == (200, 2)
        return
    assert (answer.status_code, answer.json()["code"]) == (403, "session_token_required")
    assert rows_written() == before


@pytest.mark.parametrize("path", SESSION_CALLS)
def test_plain_session_is_closed_when_its_website_requires_tokens(
    server: LiveServer, cast: Cast, website: Website, rows_written: Counter, path: str
) -> None:
    plain = Visitor(server, website.domain)
    plain.say("My name is Alice", message_id=MESSAGE_ID)
    cast.change(website, require_session_token=True)
    before = rows_written()
    refused = SESSION_CALLS[path](plain)
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_required")
    assert rows_written() == before


# -- age


def age(visitor: Visitor, *, silent_days: float = 0, issued_days: float = 0) -> None:
    """As if the session's last message and its token were so many days older."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE agent_sessions SET last_activity_at = last_activity_at - make_interval(secs => %s),"
            " token_issued_at = token_issued_at - make_interval(secs => %s) WHERE session_id = %s",
            [silent_days * 86_400, issued_days * 86_400, visitor.session_id],
        )


def set_life(tenant: Tenant, idle_days: int, lifetime_days: int) -> None:
    with tenant_scope(OPERATOR_ID):
        Tenant.objects.filter(pk=tenant.pk).update(token_idle_days=idle_days, token_lifetime_days=lifetime_days)


@pytest.mark.parametrize("path", NEEDS_A_LIVING_TOKEN)
@pytest.mark.parametrize("too_old", [{"silent_days": 30.01}, {"issued_days": 180.01}], ids=["idle", "absolute"])
def test_token_that_is_too_old_is_refused_as_a_random_one(
    alice: Visitor, rows_written: Counter, path: str, too_old: dict[str, float]
) -> None:
    age(alice, **too_old)
    before = rows_written()
    refused = SESSION_CALLS[path](alice)
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_invalid")
    assert said(refused) == said(SESSION_CALLS[path](with_token(alice, random_token())))
    assert rows_written() == before


@pytest.mark.parametrize("young", [{"silent_days": 29.9}, {"issued_days": 179.9}], ids=["idle", "absolute"])
def test_token_just_young_enough_is_served(alice: Visitor, young: dict[str, float]) -> None:
    age(alice, **young)
    assert alice.messages().status_code == 200
    assert alice.ask("What's my name?") == "Your name is Alice!"


def test_message_makes_a_silent_session_young_again_and_an_old_token_not(alice: Visitor) -> None:
    age(alice, silent_days=29.9)
    alice.say("Hello again")
    age(alice, silent_days=29.9, issued_days=100)
    alice.say("And again")
    age(alice, issued_days=80.01)
    assert alice.post("And again").json()["code"] == "session_token_invalid"


def test_tenants_policy_holds_at_once_and_for_that_tenant_alone(
    server: LiveServer, cast: Cast, agent: Agent, tenant: Tenant, alice: Visitor
) -> None:
    neighbour = told(Visitor(server, cast.website(cast.tenant(), agents=[agent]).domain))
    for visitor in (alice, neighbour):
        age(visitor, silent_days=2)
    set_life(tenant, 1, 180)
    assert [who.messages().status_code for who in (alice, neighbour)] == [403, 200]
    set_life(tenant, 3, 180)
    assert alice.messages().status_code == 200
    for visitor in (alice, neighbour):
        age(visitor, issued_days=4)
    set_life(tenant, 3, 3)
    assert [who.messages().status_code for who in (alice, neighbour)] == [403, 200]


def test_plain_session_has_no_token_that_could_age(server: LiveServer, website: Website) -> None:
    plain = Visitor(server, website.domain)
    plain.say("My name is Alice")
    age(plain, silent_days=31, issued_days=200)
    assert plain.ask("What's my name?") == "Your name is Alice!"


# -- ending


def session_of(tenant: Tenant, visitor: Visitor) -> AgentSession:
    with tenant_scope(tenant.id):
        return AgentSession.objects.get(session_id=visitor.session_id)


@pytest.mark.parametrize("path", NEEDS_A_LIVING_TOKEN)
@pytest.mark.parametrize("ended_by", ["visitor", "staff"])
def test_token_that_was_ended_is_refused_and_the_transcript_stays(
    alice: Visitor, tenant: Tenant, rows_written: Counter, path: str, ended_by: str
) -> None:
    before = session_of(tenant, alice)
    if ended_by == "visitor":
        assert alice.log_out().json() == {"session_id": alice.session_id, "logged_out": True}
    else:
        with tenant_scope(tenant.id):
            assert end_access(before) is True
            assert end_access(before) is False
    written = rows_written()
    refused = SESSION_CALLS[path](alice)
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_invalid")
    assert said(refused) == said(SESSION_CALLS[path](with_token(alice, random_token())))
    assert rows_written() == written
    after = session_of(tenant, alice)
    assert (after.history, after.message_count, bytes(after.token_hash or b"")) == (
        before.history,
        2,
        bytes(before.token_hash or b""),
    )


@pytest.mark.parametrize("path", SESSION_CALLS)
def test_plain_session_that_staff_ended_is_refused(
    server: LiveServer, website: Website, tenant: Tenant, rows_written: Counter, path: str
) -> None:
    plain = Visitor(server, website.domain)
    plain.say("My name is Alice", message_id=MESSAGE_ID)
    with tenant_scope(tenant.id):
        assert end_access(AgentSession.objects.get(session_id=plain.session_id)) is True
    before = rows_written()
    refused = SESSION_CALLS[path](plain)
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_required")
    assert rows_written() == before


def test_session_that_was_ended_cannot_be_started_again(alice: Visitor) -> None:
    alice.log_out()
    again = alice.start()
    assert (again.status_code, again.json()["code"]) == (409, "session_exists")


def test_logging_out_twice_is_as_once(alice: Visitor, tenant: Tenant, rows_written: Counter) -> None:
    first = alice.log_out()
    written, ended_at = rows_written(), session_of(tenant, alice).access_ended_at
    assert ended_at is not None
    second = alice.log_out()
    assert (first.status_code, first.json()) == (second.status_code, second.json()) == (200, second.json())
    assert rows_written() == written


def test_token_that_is_too_old_may_still_log_out(alice: Visitor, tenant: Tenant) -> None:
    age(alice, silent_days=31)
    assert alice.log_out().status_code == 200
    assert session_of(tenant, alice).access_ended_at is not None


def test_logging_out_ends_one_session_alone(server: LiveServer, alice: Visitor) -> None:
    bob = told(Visitor(server, alice.domain))
    alice.log_out()
    assert bob.messages().status_code == 200


def test_logging_out_needs_no_body(alice: Visitor) -> None:
    address = f"/api/v1/sessions/{alice.session_id}/logout/"
    answer = alice.http.post(address, headers=alice.all_headers)
    assert (answer.status_code, answer.json()["logged_out"]) == (200, True)


@pytest.mark.parametrize(
    ("body", "status"), [(b"[]", 400), (b"{", 400), (b'"x"', 400), (b"\xff", 400), (b" " * 65_537, 413)]
)
def test_logging_out_with_a_bad_body_does_nothing(
    alice: Visitor, rows_written: Counter, body: bytes, status: int
) -> None:
    before = rows_written()
    headers = {**alice.all_headers, "Content-Type": "application/json"}
    answer = alice.http.post(f"/api/v1/sessions/{alice.session_id}/logout/", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["access-control-allow-origin"] == alice.headers["Origin"]
    assert rows_written() == before


@pytest.mark.parametrize("what", ["logout", "identify"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(alice: Visitor, rows_written: Counter, what: str, method: str) -> None:
    before = rows_written()
    address = f"/api/v1/sessions/{alice.session_id}/{what}/"
    answer = alice.http.request(method, address, headers=alice.all_headers)
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")
    assert answer.headers["access-control-allow-origin"] == alice.headers["Origin"]
    preflight = alice.http.options(address, headers=alice.headers)
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "POST")
    assert rows_written() == before


@pytest.mark.parametrize("path", SESSION_CALLS)
@pytest.mark.parametrize("origin", [None, "https://nobody-registered-this.example"])
def test_without_the_websites_origin_a_good_token_does_nothing(
    alice: Visitor, rows_written: Counter, path: str, origin: str | None
) -> None:
    before = rows_written()
    own = alice.headers.pop("Origin")
    if origin is not None:
        alice.headers["Origin"] = origin
    refused = SESSION_CALLS[path](alice)
    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert "access-control-allow-origin" not in refused.headers
    assert rows_written() == before
    alice.headers["Origin"] = own
    assert alice.messages().status_code == 200


def test_answer_under_way_is_stored_though_its_visitor_logs_out(
    server: LiveServer, tenant: Tenant, alice: Visitor
) -> None:
    stream = alice.stream_with_ids("What's my name?", message_id="message_0002")
    next(stream)
    alice.log_out()
    assert [event["type"] for _, event in stream][-1] == "RUN_FINISHED"
    assert session_of(tenant, alice).message_count == 4
    with pytest.raises(AssertionError, match="session_token_invalid"):
        list(alice.join("message_0002"))
