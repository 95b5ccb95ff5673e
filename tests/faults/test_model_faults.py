"""Whatever the model's provider does, a turn ends within its time in a defined outcome, and staff can find it."""

import time
from typing import Any, NamedTuple
from uuid import uuid4

import httpx
import pytest

from agents.models import Agent
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages
from tests.faults.stack import Stack
from tests.live_server import free_port
from tests.stub_model import StubModel
from tests.visitor import Visitor

TOTAL_SECONDS = 4
ECHO = '[["user","Are you there?"]]}'
DOWN = "The assistant cannot answer right now. Please try again."
SLOW = "The assistant took too long to answer. Please try again."
OUTCOMES = {502: ("model_unavailable", DOWN), 504: ("model_timeout", SLOW)}
TOO_LONG = "The answer would have become too long. Please ask for less at once."
# What the visitor can do something about is said more exactly.
SENTENCES = {
    "rate_limited": "The assistant is very busy right now. Please try again in a minute.",
    "answer_refused": "The assistant cannot answer this message. Please put it another way.",
    "answer_too_long": TOO_LONG,
    "tokens_spent": TOO_LONG,
}

_TURNS = """
SELECT t.state, t.error_code, t.error_reason, t.model, t.message, t.partial_reply
  FROM turns t JOIN agent_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
 WHERE s.session_id = %s ORDER BY t.number
"""


class TurnRow(NamedTuple):
    """What staff see of it."""

    state: str
    error_code: str
    error_reason: str
    model: str
    message: str
    partial_reply: str


def turns(stack: Stack, visitor: Visitor) -> list[TurnRow]:
    return [TurnRow(*row) for row in stack.rows(_TURNS, visitor.session_id)]


def named(settings: str) -> str:
    """A model's name with the stub's settings in it, and a mark of its own: the stub counts by names."""
    return f"stub;{settings};mark={uuid4().hex[:8]}"


def agent_of(cast: Cast, address: str, model: str, **fields: Any) -> Agent:
    """Its model has a second to begin and a second between words."""
    connection = cast.connection(
        None, address, connect_timeout_seconds=1, first_token_timeout_seconds=1, idle_timeout_seconds=1
    )
    return cast.agent(**{"connection": connection, "model": model, "total_timeout_seconds": TOTAL_SECONDS, **fields})


def visitor_of(stack: Stack, cast: Cast, agent: Agent) -> Visitor:
    return Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)


def post(visitor: Visitor, message_id: str = "message_0001") -> tuple[httpx.Response, float]:
    """The response, and the seconds it took."""
    started = time.monotonic()
    return visitor.post("Are you there?", message_id=message_id), time.monotonic() - started


@pytest.mark.parametrize(
    ("settings", "status", "reason", "calls", "spoke"),
    [
        ("fault=400", 502, "request_rejected", 1, False),
        ("fault=401", 502, "credentials_rejected", 1, False),
        ("fault=404", 502, "request_rejected", 1, False),
        ("fault=429", 502, "rate_limited", 1, False),
        ("fault=429;retry_after=1", 502, "rate_limited", 3, False),
        ("fault=500", 502, "provider_failed", 3, False),
        ("fault=503;retry_after=date+30", 502, "provider_failed", 1, False),
        ("fault=redirect", 502, "redirected", 1, False),
        ("fault=hang_up", 502, "protocol_broken", 3, False),
        ("fault=hang", 504, "first_token", 1, False),
        ("fault=comments", 504, "first_token", 1, False),
        ("fault=garbage", 502, "protocol_broken", 3, False),
        ("fault=error_event", 502, "error_in_stream", 3, False),
        ("fault=cut_early", 502, "stream_cut", 3, False),
        ("fault=empty", 502, "answer_empty", 3, False),
        ("fault=spent", 502, "tokens_spent", 1, False),
        ("fault=content_filter", 502, "answer_refused", 1, False),
        ("fault=late_garbage;tokens=9", 502, "protocol_broken", 1, True),
        ("fault=cut;tokens=9", 502, "stream_cut", 1, True),
        ("fault=stall;tokens=9", 504, "idle", 1, True),
        ("fault=drip;tokens=16", 504, "total", 1, True),
        ("fault=no_finish", 502, "finish_missing", 1, True),
        ("fault=huge", 502, "answer_too_long", 1, True),
    ],
)
def test_fault_of_the_model_ends_in_a_failed_turn_which_may_be_sent_again(
    stack: Stack,
    cast: Cast,
    stub_model: StubModel,
    settings: str,
    status: int,
    reason: str,
    calls: int,
    spoke: bool,
) -> None:
    model = named(settings)
    agent = agent_of(cast, stub_model.url, model)
    visitor = visitor_of(stack, cast, agent)

    response, seconds = post(visitor)

    code, sentence = OUTCOMES[status]
    sentence = SENTENCES.get(reason, sentence)
    assert (response.status_code, response.json()["code"], response.json()["message"]) == (status, code, sentence)
    assert seconds < TOTAL_SECONDS + 1
    [turn] = turns(stack, visitor)
    assert turn[:5] == ("failed", code, reason, model, "Are you there?")
    assert (turn.partial_reply != "") == spoke
    assert messages(stack, visitor.session_id) == []
    assert stub_model.calls(model) == calls

    cast.change(agent, model="stub;well")
    assert visitor.say("Are you there?", message_id="message_0001")["message_count"] == 2
    assert [turn[:3] for turn in turns(stack, visitor)] == [("completed", "", "")]
    check_promise(stack, visitor.session_id)


@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ("fault=429;retry_after=1;fail_first=1", 2),
        ("fault=429;retry_after=date+2;fail_first=1", 2),
        ("fault=500;fail_first=2", 3),
        ("fault=503;retry_after=;fail_first=2", 3),
        ("fault=hang_up;fail_first=1", 2),
        ("fault=cut_early;fail_first=1", 2),
        ("fault=garbage;fail_first=1", 2),
        ("fault=empty;fail_first=1", 2),
        ("fault=length", 1),
        ("tokens=30;tokens_per_second=10", 1),
    ],
)
def test_passing_fault_of_the_model_is_not_noticed(
    stack: Stack, cast: Cast, stub_model: StubModel, settings: str, calls: int
) -> None:
    model = named(settings)
    visitor = visitor_of(stack, cast, agent_of(cast, stub_model.url, model))

    response, seconds = post(visitor)

    assert response.status_code == httpx.codes.OK
    assert response.json()["message"]["content"].removesuffix(" word" * 16).endswith(ECHO)
    assert seconds < TOTAL_SECONDS + 1
    assert [turn[:4] for turn in turns(stack, visitor)] == [("completed", "", "", model)]
    assert stub_model.calls(model) == calls
    check_promise(stack, visitor.session_id)


def test_refusal_in_words_is_the_answer(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    visitor = visitor_of(stack, cast, agent_of(cast, stub_model.url, named("fault=refusal")))
    assert post(visitor)[0].json()["message"]["content"] == "I cannot help with that."
    check_promise(stack, visitor.session_id)


def test_provider_that_is_not_there_fails_the_turn(stack: Stack, cast: Cast) -> None:
    visitor = visitor_of(stack, cast, agent_of(cast, f"http://127.0.0.1:{free_port()}/v1", "any"))
    response, seconds = post(visitor)
    assert (response.status_code, response.json()["code"]) == (502, "model_unavailable")
    assert seconds < 3
    assert [turn[:3] for turn in turns(stack, visitor)] == [("failed", "model_unavailable", "connection_failed")]


@pytest.mark.parametrize(
    ("settings", "characters", "sentence"), [("fault=cut;tokens=9", 20, DOWN), ("fault=huge", 31_999, TOO_LONG)]
)
def test_words_before_a_fault_are_streamed_once_and_the_error_after_them(
    stack: Stack, cast: Cast, stub_model: StubModel, settings: str, characters: int, sentence: str
) -> None:
    model, fallback = named(settings), named("well=1")
    connection = cast.connection(None, stub_model.url)
    agent = agent_of(cast, stub_model.url, model, fallback_connection=connection, fallback_model=fallback)
    visitor = visitor_of(stack, cast, agent)

    events = visitor.stream("Are you there?", message_id="message_0001")

    # Of three tokens of 7 characters, and of 32,000, the last is held back until it is known what follows it.
    said = "".join(event["delta"] for event in events if event["type"] == "TEXT_MESSAGE_CONTENT")
    assert len(said) == characters
    assert events[-1] == {"type": "RUN_ERROR", "code": "model_unavailable", "message": sentence}
    assert [turn.partial_reply for turn in turns(stack, visitor)] == [said]
    assert (stub_model.calls(model), stub_model.calls(fallback)) == (1, 0)


@pytest.mark.parametrize(
    ("settings", "calls"), [("fault=500", 3), ("fault=hang", 1), ("fault=429", 1), ("fault=401", 1)]
)
def test_fallback_answers_in_time_where_the_first_model_does_not(
    stack: Stack, cast: Cast, stub_model: StubModel, settings: str, calls: int
) -> None:
    model, fallback = named(settings), named("well=1")
    connection = cast.connection(None, stub_model.url)
    agent = agent_of(cast, stub_model.url, model, fallback_connection=connection, fallback_model=fallback)
    visitor = visitor_of(stack, cast, agent)

    response, seconds = post(visitor)

    assert response.status_code == httpx.codes.OK
    assert seconds < TOTAL_SECONDS
    assert [turn[:4] for turn in turns(stack, visitor)] == [("completed", "", "", fallback)]
    assert (stub_model.calls(model), stub_model.calls(fallback)) == (calls, 1)
    check_promise(stack, visitor.session_id)


def test_dead_provider_is_left_alone_and_its_visitors_hear_so_at_once(
    stack: Stack, cast: Cast, stub_model: StubModel, full_size: bool
) -> None:
    model = named("fault=500;fail_first=5")
    visitor = visitor_of(stack, cast, agent_of(cast, stub_model.url, model))
    outcomes = [post(visitor, f"message_{number:04}") for number in range(5)]

    assert {(response.status_code, response.json()["code"]) for response, _ in outcomes} == {(502, "model_unavailable")}
    assert [seconds < 0.5 for _, seconds in outcomes[2:]] == [True] * 3
    reasons = [turn.error_reason for turn in turns(stack, visitor)]
    assert reasons == ["provider_failed", "provider_failed", *["breaker_open"] * 3]
    assert stub_model.calls(model) == 5
    if full_size:
        time.sleep(10)
        assert visitor.say("Hello again")["message_count"] == 2
