"""Sessions that only their token opens, and the transcript that only its token lists."""

import hashlib
import secrets
from collections.abc import Callable

import httpx
import pytest

from agents.models import Agent
from sessions.models import AgentSession
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]


def code_of(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_start_gives_a_token_whose_hash_alone_is_stored(visitor: Visitor, tenant: Tenant, agent: Agent) -> None:
    response = visitor.start(user_id="customer 7", metadata={"page": "/cakes"})
    body = response.json()
    assert (response.status_code, body["session_id"], body["agent_id"]) == (201, visitor.session_id, agent.key)
    assert body["token"].startswith("st_")
    assert len(body["token"]) >= 43
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get(session_id=visitor.session_id)
    assert bytes(session.token_hash or b"") == hashlib.sha256(body["token"].encode()).digest()
    assert (session.user_id, session.context, session.history) == ("customer 7", {"page": "/cakes"}, [])


def test_session_started_with_a_token_is_never_served_without_it(
    visitor: Visitor, server: LiveServer, rows_written: Counter
) -> None:
    visitor.start()
    visitor.say("My name is Alice")
    thief = Visitor(server, visitor.domain, session_id=visitor.session_id)
    before = rows_written()
    assert code_of(thief.post("What's my name?")) == (403, "session_token_required")
    assert code_of(thief.messages()) == (403, "session_token_required")
    for token in ("st_" + secrets.token_urlsafe(32), "st_", "x" * 400):
        thief.token = token
        assert code_of(thief.post("What's my name?")) == (403, "session_token_invalid")
        assert code_of(thief.messages()) == (403, "session_token_invalid")
    thief.token, thief.headers["Authorization"] = None, "Basic dXNlcjpwYXNz"
    assert code_of(thief.post("What's my name?")) == (403, "session_token_invalid")
    assert rows_written() == before
    assert visitor.ask("What's my name?") == "Your name is Alice!"


def test_session_id_that_exists_cannot_be_started_again(visitor: Visitor, server: LiveServer, website: Website) -> None:
    visitor.start()
    visitor.say("My name is Alice")
    assert code_of(Visitor(server, website.domain, session_id=visitor.session_id).start()) == (409, "session_exists")
    assert visitor.ask("What's my name?") == "Your name is Alice!"
    plain = Visitor(server, website.domain)
    plain.say("My name is Bob")
    assert code_of(plain.start()) == (409, "session_exists")


def test_website_may_require_tokens(
    server: LiveServer, cast: Cast, tenant: Tenant, agent: Agent, rows_written: Counter
) -> None:
    strict = cast.website(tenant, agents=[agent], require_session_token=True)
    visitor = Visitor(server, strict.domain)
    before = rows_written()
    assert code_of(visitor.post("Hello")) == (403, "session_token_required")
    assert rows_written() == before
    visitor.start()
    assert visitor.say("Hello")["message_count"] == 2


def test_token_opens_its_own_session_alone(visitor: Visitor, server: LiveServer, cast: Cast, agent: Agent) -> None:
    visitor.start()
    neighbour = Visitor(server, visitor.domain)
    neighbour.start()
    elsewhere = Visitor(server, cast.website(cast.tenant(), agents=[agent]).domain, session_id=visitor.session_id)
    elsewhere.start()
    for intruder in (neighbour, elsewhere):
        intruder.say("Hello")
        intruder.token = visitor.token
        assert code_of(intruder.messages()) == (403, "session_token_invalid")
        assert code_of(intruder.post("Hello")) == (403, "session_token_invalid")
    assert visitor.messages().json() == {"messages": [], "next": None, "ongoing": []}


def test_plain_session_is_never_listed(visitor: Visitor) -> None:
    visitor.say("My name is Alice")
    assert code_of(visitor.messages()) == (403, "session_token_required")
    visitor.token = "st_" + secrets.token_urlsafe(32)
    assert code_of(visitor.messages()) == (403, "session_token_invalid")


def test_unknown_session_answers_as_a_foreign_one(visitor: Visitor, server: LiveServer) -> None:
    visitor.start()
    unknown = Visitor(server, visitor.domain, token="st_" + secrets.token_urlsafe(32))
    foreign = Visitor(server, visitor.domain, session_id=visitor.session_id, token=unknown.token)
    assert unknown.messages().json() == foreign.messages().json()
    assert unknown.post("Hello").json() == foreign.post("Hello").json()


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 100])
def test_messages_come_newest_first_in_pages_that_miss_and_double_nothing(visitor: Visitor, limit: int) -> None:
    visitor.start()
    for number in range(3):
        visitor.say(f"This is message {number}", message_id=f"message_{number:04}")
    page = visitor.messages(limit=limit).json()
    seen = page["messages"]
    while page["next"]:
        page = visitor.messages(limit=limit, cursor=page["next"]).json()
        assert 0 < len(page["messages"]) <= limit
        seen += page["messages"]
    assert [message["role"] for message in seen] == ["assistant", "user"] * 3
    assert [message["content"] for message in seen if message["role"] == "user"] == [
        f"This is message {number}" for number in (2, 1, 0)
    ]
    assert set(seen[0]) == {"id", "role", "content", "at"}


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "-1"}, {"cursor": "9" * 40}]
)
def test_bad_page_is_a_clear_error(visitor: Visitor, query: dict[str, str]) -> None:
    visitor.start()
    response = visitor.messages(**query)
    assert (response.status_code, list(response.json()["fields"])) == (400, list(query))


def test_widget_config_has_what_the_widget_draws(visitor: Visitor, cast: Cast, website: Website, agent: Agent) -> None:
    other = cast.agent(name="Second")
    cast.use(website, other, welcome="Hi there", starters=["Opening hours?"], accent="#123456", position="left")
    assert visitor.config().json() == {
        "agent_id": agent.key,
        "agent_name": "Robin",
        "website_title": "",
        "welcome": "Hello! How can we help?",
        "starters": [],
        "look": {"accent": "#4f46e5", "position": "right"},
        "demo": True,
    }
    assert visitor.config(agent_id=other.key).json() == {
        "agent_id": other.key,
        "agent_name": "Second",
        "website_title": "",
        "welcome": "Hi there",
        "starters": ["Opening hours?"],
        "look": {"accent": "#123456", "position": "left"},
        "demo": True,
    }
    assert visitor.config(agent_id="none").status_code == 400
