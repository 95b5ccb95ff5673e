"""POST /api/v1/chat/: what it answers, in both forms, and what a message id is worth."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from agents.models import Agent
from sessions.models import AgentSession, Turn
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]


def test_answer_has_the_documented_body(visitor: Visitor, agent: Agent) -> None:
    body = visitor.say("My name is Alice", message_id="message_0001")
    at = datetime.fromisoformat(body["message"].pop("at"))
    assert abs(datetime.now(UTC) - at) < timedelta(minutes=1)
    assert body["message"].pop("id").startswith("reply_")
    assert body["usage"].pop("input_tokens") > 0
    assert body["usage"].pop("output_tokens") > 0
    assert body == {
        "session_id": visitor.session_id,
        "message_id": "message_0001",
        "agent_id": agent.key,
        "message": {"role": "assistant", "content": "Nice to meet you, Alice!"},
        "message_count": 2,
        "demo": True,
        "usage": {},
    }


def test_stream_tells_the_turn_as_ag_ui_events(visitor: Visitor) -> None:
    events = list(visitor.stream_with_ids("My name is Alice", message_id="message_0001"))
    types = [event["type"] for _, event in events]
    contents = [event["delta"] for _, event in events if event["type"] == "TEXT_MESSAGE_CONTENT"]
    answer = "Nice to meet you, Alice!"
    assert types == [
        "RUN_STARTED",
        "TEXT_MESSAGE_START",
        *["TEXT_MESSAGE_CONTENT"] * len(contents),
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ]
    assert "".join(contents) == answer
    assert events[0][1]["threadId"] == visitor.session_id
    assert events[0][1]["runId"] == "message_0001"
    result = events[-1][1]["result"]
    assert result["message"]["content"] == answer
    assert {event["messageId"] for _, event in events[1:-1]} == {result["message"]["id"]}
    assert events[-1][0] == len(answer)


def test_event_ids_count_the_characters_sent(visitor: Visitor) -> None:
    sent = 0
    for position, event in visitor.stream_with_ids("What can you tell me about your opening hours?"):
        sent += len(event.get("delta", ""))
        assert position == sent


def test_stream_brings_words_before_the_model_has_ended(
    server: LiveServer, cast: Cast, tenant: Tenant, stub_process: StubModel
) -> None:
    connection = cast.connection(None, stub_process.url)
    agent = cast.agent(connection=connection, model="stub;tokens=20;tokens_per_second=20")
    visitor = Visitor(server, cast.website(tenant, agents=[agent]).domain)
    moments = [(datetime.now(UTC), event["type"]) for _, event in visitor.stream_with_ids("Tell me something")]
    first_word = next(moment for moment, kind in moments if kind == "TEXT_MESSAGE_CONTENT")
    end = moments[-1][0]
    assert end - first_word > timedelta(milliseconds=500)


def test_replay_gives_the_first_answer_again_and_asks_nobody(visitor: Visitor, rows_written: Counter) -> None:
    first = visitor.post("My name is Alice", message_id="message_0001")
    before = rows_written()
    again = visitor.post("My name is Alice", message_id="message_0001")
    assert "Parlour-Replayed" not in first.headers
    assert again.headers["Parlour-Replayed"] == "true"
    assert again.json() == first.json()
    assert rows_written() == before
    events = visitor.stream("My name is Alice", message_id="message_0001")
    assert events[-1]["result"] == first.json()


def test_replay_of_an_old_message_keeps_its_own_answer(visitor: Visitor) -> None:
    first = visitor.say("My name is Alice", message_id="message_0001")
    visitor.say("What's my name?", message_id="message_0002")
    assert visitor.say("My name is Alice", message_id="message_0001") == first


def test_message_id_with_other_words_is_refused(visitor: Visitor, rows_written: Counter) -> None:
    visitor.say("My name is Alice", message_id="message_0001")
    before = rows_written()
    response = visitor.post("My name is Bob", message_id="message_0001", user_id="mallory", metadata={"page": "/x"})
    assert (response.status_code, response.json()["code"]) == (409, "message_id_reused")
    assert rows_written() == before


def test_idempotency_key_is_the_message_id(visitor: Visitor) -> None:
    visitor.headers["Idempotency-Key"] = "message_0001"
    assert visitor.say("My name is Alice")["message_id"] == "message_0001"
    assert visitor.post("My name is Alice", message_id="message_0001").headers["Parlour-Replayed"] == "true"
    refused = visitor.post("My name is Alice", message_id="message_0002")
    assert (refused.status_code, list(refused.json()["fields"])) == (400, ["message_id"])


def test_unknown_agent_is_refused(visitor: Visitor, rows_written: Counter) -> None:
    before = rows_written()
    response = visitor.post("Hello", agent_id="agent_of_nobody")
    assert (response.status_code, list(response.json()["fields"])) == (400, ["agent_id"])
    assert rows_written() == before


def test_session_keeps_the_agent_it_began_with(
    visitor: Visitor, cast: Cast, website: Website, agent: Agent, rows_written: Counter
) -> None:
    other = cast.agent()
    cast.use(website, other)
    assert visitor.say("Hello", agent_id=other.key)["agent_id"] == other.key
    assert visitor.say("Hello again")["agent_id"] == other.key
    before = rows_written()
    response = visitor.post("Hello", agent_id=agent.key, user_id="mallory", metadata={"page": "/x"})
    assert (response.status_code, response.json()["code"]) == (409, "agent_mismatch")
    assert rows_written() == before


def test_website_domain_confirms_but_never_chooses(
    visitor: Visitor, website: Website, cast: Cast, tenant: Tenant, agent: Agent, rows_written: Counter
) -> None:
    neighbour = cast.website(tenant, agents=[agent])
    assert visitor.say("Hello", metadata={"website_domain": website.domain})["message_count"] == 2
    assert visitor.say("Hello", metadata={"website_domain": website.domain.upper()})["message_count"] == 4
    before = rows_written()
    for domain in (neighbour.domain, f"{website.domain}.evil.net", "example.com", "", "not a domain"):
        response = visitor.post("Hello", metadata={"website_domain": domain})
        assert (response.status_code, response.json()["code"]) == (403, "website_domain_mismatch")
    assert rows_written() == before


def test_metadata_and_claimed_user_are_stored_as_such(visitor: Visitor, tenant: Tenant) -> None:
    visitor.say("Hello", user_id="customer 7", metadata={"website_domain": visitor.domain, "page": "/cakes"})
    visitor.say("Hello", metadata={"website_domain": visitor.domain})
    visitor.say("Hello")
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get(session_id=visitor.session_id)
    assert (session.user_id, session.user_verified, session.context) == ("customer 7", False, {"page": "/cakes"})


@pytest.mark.parametrize(
    ("fault", "status", "code", "reason"),
    [("500", 502, "model_unavailable", "provider_failed"), ("stall", 504, "model_timeout", "idle")],
)
def test_turn_without_an_answer_is_kept_for_staff_and_may_be_sent_again(
    server: LiveServer,
    cast: Cast,
    tenant: Tenant,
    stub_process: StubModel,
    fault: str,
    status: int,
    code: str,
    reason: str,
) -> None:
    connection = cast.connection(None, stub_process.url, idle_timeout_seconds=1)
    agent = cast.agent(connection=connection, model=f"stub;tokens=9;fault={fault}")
    visitor = Visitor(server, cast.website(tenant, agents=[agent]).domain)
    response = visitor.post("Are you there?", message_id="message_0001")
    assert (response.status_code, response.json()["code"]) == (status, code)
    with tenant_scope(tenant.id):
        turn = Turn.objects.get(message_id="message_0001")
        session = AgentSession.objects.get(session_id=visitor.session_id)
    assert (turn.state, turn.error_code, turn.error_reason, turn.message) == (
        Turn.State.FAILED,
        code,
        reason,
        "Are you there?",
    )
    assert session.history == []

    cast.change(agent, model="stub;well")
    assert visitor.say("Are you there?", message_id="message_0001")["message_count"] == 2


def test_failing_stream_ends_with_run_error(
    server: LiveServer, cast: Cast, tenant: Tenant, stub_process: StubModel
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;tokens=9;fault=cut")
    visitor = Visitor(server, cast.website(tenant, agents=[agent]).domain)
    last = visitor.stream("Are you there?")[-1]
    assert last == {
        "type": "RUN_ERROR",
        "code": "model_unavailable",
        "message": "The assistant cannot answer right now. Please try again.",
    }


def test_visitor_who_leaves_does_not_lose_the_answer(
    server: LiveServer, cast: Cast, tenant: Tenant, stub_process: StubModel
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;tokens=20;tokens_per_second=20")
    visitor = Visitor(server, cast.website(tenant, agents=[agent]).domain)
    for _, event in visitor.stream_with_ids("Tell me something", message_id="message_0001"):
        if event["type"] == "TEXT_MESSAGE_CONTENT":
            break
    body = visitor.wait_for("Tell me something", message_id="message_0001")
    assert body["message_count"] == 2
    with tenant_scope(tenant.id):
        assert Turn.objects.filter(agent_session__session_id=visitor.session_id).count() == 1


def test_api_sets_no_cookie_and_reads_none(visitor: Visitor) -> None:
    visitor.headers["Cookie"] = "sessionid=whatever; csrftoken=whatever"
    for response in (visitor.post("Hello"), visitor.start(), visitor.messages(), visitor.http.get("/healthz")):
        assert "set-cookie" not in response.headers
