"""``stop`` ends a turn at whatever process runs it, and keeps what was said."""

import threading
import time
from typing import Any

import pytest

from agents.models import Agent
from tenants.models import Website
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages, turns
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor


@pytest.fixture
def agent(cast: Cast, stub_model: StubModel) -> Agent:
    """Its model begins after a second, and takes half a minute for its words."""
    model = "stub;latency_ms=1000;tokens=300;tokens_per_second=10"
    return cast.agent(connection=cast.connection(None, stub_model.url), model=model)


@pytest.fixture
def visitor(stack: Stack, website: Website) -> Visitor:
    return Visitor(stack.web[0], website.domain)


@pytest.mark.parametrize("process", [0, 1], ids=["same process", "another process"])
def test_stopped_answer_keeps_what_was_said(stack: Stack, visitor: Visitor, process: int) -> None:
    heard, asked_at = "", 0.0
    for _, event in visitor.stream_with_ids("Hello", message_id="message_0001"):
        if event["type"] == "TEXT_MESSAGE_CONTENT":
            heard += event["delta"]
            if not asked_at:
                asked_at = time.monotonic()
                response = visitor.at(stack.web[process]).stop("message_0001")
                assert response.json() == {
                    "session_id": visitor.session_id,
                    "message_id": "message_0001",
                    "stopped": True,
                }
    assert time.monotonic() - asked_at < 3
    result: dict[str, Any] = event["result"]
    assert (result["stopped"], result["message"]["stopped"], result["message"]["content"]) == (True, True, heard)
    assert result["usage"]["input_tokens"] > 0
    assert [turn.state for turn in turns(stack, visitor.session_id)] == ["stopped"]
    assert messages(stack, visitor.session_id)[1].content == heard
    assert visitor.say("Hello", message_id="message_0001") == result
    check_promise(stack, visitor.session_id)


def test_turn_stopped_before_its_first_word_leaves_no_exchange(
    stack: Stack, visitor: Visitor, stub_model: StubModel
) -> None:
    answers: list[dict[str, Any]] = []
    asking = threading.Thread(target=lambda: answers.append(visitor.say("Hello", message_id="message_0001")))
    asking.start()
    while not stub_model.calls():
        time.sleep(0.02)
    assert visitor.stop("message_0001").json()["stopped"] is True
    asking.join()
    [body] = answers
    assert (body["stopped"], body["message"], body["message_count"]) == (True, None, 0)
    assert messages(stack, visitor.session_id) == []
    assert [turn.state for turn in turns(stack, visitor.session_id)] == ["stopped"]
    assert visitor.say("Hello", message_id="message_0001") == body
    assert stub_model.calls() == 1
    check_promise(stack, visitor.session_id)


def test_queued_turn_can_be_stopped_alone(stack: Stack, visitor: Visitor, stub_model: StubModel) -> None:
    answers: dict[str, dict[str, Any]] = {}

    def ask(message_id: str) -> threading.Thread:
        thread = threading.Thread(target=lambda: answers.update({message_id: visitor.say("Hi", message_id=message_id)}))
        thread.start()
        while message_id not in {turn.message_id for turn in turns(stack, visitor.session_id)}:
            time.sleep(0.02)
        return thread

    first, second = ask("message_0001"), ask("message_0002")
    assert visitor.at(stack.web[1]).stop("message_0002").json()["stopped"] is True
    second.join()
    assert first.is_alive()
    assert answers["message_0002"]["message"] is None
    visitor.stop("message_0001")
    first.join()
    assert stub_model.calls() == 1
    check_promise(stack, visitor.session_id)


def test_nothing_to_stop_is_no_error(stack: Stack, website: Website) -> None:
    visitor = Visitor(stack.web[0], website.domain)
    visitor.start()
    nothing = {"session_id": visitor.session_id, "message_id": None, "stopped": False}
    assert visitor.stop().json() == nothing
    assert visitor.stop("message_0001").json() == nothing


def test_stop_needs_the_right_to_the_session(stack: Stack, website: Website, visitor: Visitor) -> None:
    owner = Visitor(stack.web[0], website.domain)
    owner.start()
    stranger = Visitor(stack.web[0], website.domain, session_id=owner.session_id)
    assert stranger.stop("message_0001").json()["code"] == "session_token_required"
    stranger.token = "st_" + "x" * 43
    assert stranger.stop().json()["code"] == "session_token_invalid"
    assert (visitor.stop().status_code, list(visitor.stop().json()["fields"])) == (400, ["message_id"])


def test_stop_reaches_another_process_without_redis(stack: Stack, visitor: Visitor) -> None:
    stack.redis.kill()
    stopped_at = 0.0
    for _, event in visitor.stream_with_ids("Hello", message_id="message_0001"):
        if event["type"] == "TEXT_MESSAGE_CONTENT" and not stopped_at:
            stopped_at = time.monotonic()
            assert visitor.at(stack.web[1]).stop("message_0001").json()["stopped"] is True
    assert event["result"]["stopped"] is True
    assert time.monotonic() - stopped_at < 10


@pytest.mark.parametrize("process", [0, 1], ids=["same process", "another process"])
def test_stopping_closes_the_connection_to_the_model(
    stack: Stack, website: Website, stub_model: StubModel, process: int
) -> None:
    def lines_to_the_model() -> int:
        lines = stack.web[0].process.net_connections("tcp")
        return sum(bool(line.raddr) and line.raddr.port == stub_model.port for line in lines)

    before = lines_to_the_model()
    for _ in range(5):
        visitor = Visitor(stack.web[0], website.domain)
        for _, event in visitor.stream_with_ids("Hello", message_id="message_0001"):
            if event["type"] == "TEXT_MESSAGE_START":
                visitor.at(stack.web[process]).stop("message_0001")
    deadline = time.monotonic() + 3
    while lines_to_the_model() > before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_stop_outlives_the_owner_that_should_have_heard_it(
    stack: Stack, visitor: Visitor, stub_model: StubModel
) -> None:
    stack.web[1].pause()
    dead = visitor.at(stack.web[0])
    for _, event in dead.stream_with_ids("Hello", message_id="message_0001"):
        if event["type"] == "TEXT_MESSAGE_START":
            break
    stack.web[0].pause()
    stack.web[1].resume()
    alive = visitor.at(stack.web[1])
    assert alive.stop("message_0001").json()["stopped"] is True
    stack.rows("UPDATE turns SET lease_expires_at = now() - interval '1 s' WHERE state = 'running' RETURNING id")
    body = alive.say("Hello", message_id="message_0001")
    assert (body["stopped"], body["message"], body["message_count"]) == (True, None, 0)
    assert stub_model.calls() == 1
    check_promise(stack, visitor.session_id)
