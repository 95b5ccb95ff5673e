"""``kill -9`` of the web process at any point of a turn: on retry one exchange, and nothing half."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psycopg
import pytest

from agents.models import Agent
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages, turns
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor
from tests.waiting import wait_until

WAITING_FOR_A_LOCK = "SELECT count(*) FROM pg_locks WHERE NOT granted"
SHORT_LEASE_SECONDS = 3


@pytest.fixture
def agent(cast: Cast, stub_model: StubModel) -> Agent:
    """Its model begins after 0.5 s, and takes a second or so for its words."""
    model = "stub;latency_ms=500;tokens=30;tokens_per_second=30"
    return cast.agent(connection=cast.connection(None, stub_model.url), model=model)


@contextmanager
def sent(visitor: Visitor, message: str, message_id: str) -> Iterator[None]:
    """The message is on its way meanwhile; whether an answer comes does not matter."""

    def post() -> None:
        with suppress(httpx.TransportError):
            visitor.post(message, message_id=message_id)

    sending = threading.Thread(target=post)
    sending.start()
    try:
        yield
    finally:
        sending.join()


def let_lease_run_out(stack: Stack, session_id: str) -> None:
    """As the lease's seconds without a renewal do, which a test need not wait for."""
    stack.rows(
        "UPDATE turns t SET lease_expires_at = now() - interval '1 second' FROM agent_sessions s"
        " WHERE s.id = t.agent_session_id AND s.session_id = %s AND t.state IN ('queued', 'running') RETURNING t.id",
        session_id,
    )


def test_turn_of_a_process_killed_before_the_model_answers_is_taken_over(
    stack: Stack, cast: Cast, agent: Agent
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "My name is Alice", "message_0001"):
        wait_until(lambda: [turn.state for turn in turns(stack, visitor.session_id)] == ["running"])
        stack.web[0].kill()
    assert messages(stack, visitor.session_id) == []
    let_lease_run_out(stack, visitor.session_id)
    body = visitor.at(stack.web[1]).say("My name is Alice", message_id="message_0001")
    assert body["message_count"] == 2
    check_promise(stack, visitor.session_id)


def test_turn_of_a_process_killed_in_mid_stream_leaves_no_half_answer(stack: Stack, cast: Cast, agent: Agent) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    events = visitor.stream_with_ids("My name is Alice", message_id="message_0001")
    with suppress(httpx.TransportError):
        for _, event in events:
            if event["type"] == "TEXT_MESSAGE_CONTENT" and stack.web[0].is_running:
                stack.web[0].kill()
    assert messages(stack, visitor.session_id) == []
    let_lease_run_out(stack, visitor.session_id)
    body = visitor.at(stack.web[1]).say("My name is Alice", message_id="message_0001")
    said = messages(stack, visitor.session_id)
    assert [message.role for message in said] == ["user", "assistant"]
    assert said[1].content == body["message"]["content"]
    check_promise(stack, visitor.session_id)


def test_turn_of_a_process_killed_between_model_and_save_is_there_once(stack: Stack, cast: Cast, agent: Agent) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "My name is Alice", "message_0001"), psycopg.connect(stack.postgres.owner_url) as owner:
        wait_until(lambda: [turn.state for turn in turns(stack, visitor.session_id)] == ["running"])
        owner.execute("SELECT 1 FROM agent_sessions WHERE session_id = %s FOR UPDATE", [visitor.session_id])
        wait_until(lambda: stack.value(WAITING_FOR_A_LOCK) > 0)
        stack.web[0].kill()
    let_lease_run_out(stack, visitor.session_id)
    # What had been sent may still have been saved: then this is a replay, and no second exchange.
    body = visitor.at(stack.web[1]).say("My name is Alice", message_id="message_0001")
    assert body["message_count"] == 2
    assert messages(stack, visitor.session_id)[1].content == body["message"]["content"]
    check_promise(stack, visitor.session_id)


@pytest.fixture
def short_leases(stack: Stack) -> None:
    for web in stack.web:
        web.kill()
        web.begin(TURN_LEASE_SECONDS=str(SHORT_LEASE_SECONDS))
    for web in stack.web:
        web.wait_until_ready()


@pytest.mark.usefixtures("short_leases")
def test_retry_waits_for_the_lease_of_a_dead_owner_by_itself(stack: Stack, cast: Cast, agent: Agent) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "My name is Alice", "message_0001"):
        wait_until(lambda: [turn.state for turn in turns(stack, visitor.session_id)] == ["running"])
        stack.web[0].kill()
    killed_at = time.monotonic()
    body = visitor.at(stack.web[1]).say("My name is Alice", message_id="message_0001")
    assert body["message_count"] == 2
    assert 1 < time.monotonic() - killed_at < SHORT_LEASE_SECONDS + 5
    check_promise(stack, visitor.session_id)


def test_next_message_passes_over_a_dead_owner(stack: Stack, cast: Cast, agent: Agent) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "My name is Alice", "message_0001"):
        wait_until(lambda: [turn.state for turn in turns(stack, visitor.session_id)] == ["running"])
        stack.web[0].kill()
    let_lease_run_out(stack, visitor.session_id)
    assert visitor.at(stack.web[1]).say("Hello", message_id="message_0002")["message_count"] == 2
    assert [turn.state for turn in turns(stack, visitor.session_id)] == ["abandoned", "completed"]
    check_promise(stack, visitor.session_id)


@pytest.mark.usefixtures("short_leases")
def test_slow_answer_is_not_taken_for_dead(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    model = "stub;tokens=30;tokens_per_second=3"
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model=model)
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "Hello", "message_0001"):
        time.sleep(2 * SHORT_LEASE_SECONDS)
        assert visitor.at(stack.web[1]).say("Hello", message_id="message_0001")["message_count"] == 2
    assert stub_model.calls() == 1
    check_promise(stack, visitor.session_id)


def test_owner_that_comes_back_from_a_long_sleep_writes_nothing(
    stack: Stack, cast: Cast, agent: Agent, stub_model: StubModel
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with sent(visitor, "My name is Alice", "message_0001"):
        wait_until(lambda: stub_model.calls() == 1)
        stack.web[0].pause()
        let_lease_run_out(stack, visitor.session_id)
        body = visitor.at(stack.web[1]).say("My name is Alice", message_id="message_0001")
        before = messages(stack, visitor.session_id)
        stack.web[0].resume()
    assert visitor.say("My name is Alice", message_id="message_0001") == body
    assert messages(stack, visitor.session_id) == before
    assert stub_model.calls() == 2
    check_promise(stack, visitor.session_id)
