"""SIGTERM: no new connections, running turns end, what does not end in time is let go, and no message is lost."""

import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from agents.models import Agent
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages, turns
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor

ENDED_IN_ORDER = -signal.SIGTERM  # uvicorn dies of the signal once everything is closed


def stubborn_send(stack: Stack, visitor: Visitor, message_id: str) -> None:
    """As the widget does: the same message again, at whatever process takes it."""
    deadline = time.monotonic() + 60
    while True:
        for web in stack.web:
            try:
                response = visitor.at(web).post("Hello", message_id=message_id)
            except httpx.TransportError:
                continue
            if response.status_code == httpx.codes.OK:
                return
            assert response.status_code in {409, 503}, response.text
        assert time.monotonic() < deadline, message_id
        time.sleep(0.1)


@pytest.fixture
def slow_agent(stack: Stack, cast: Cast, stub_model: StubModel) -> Agent:
    """Its answers take twenty seconds, and the first server gives its turns two."""
    stack.web[0].kill()
    stack.web[0].start(SHUTDOWN_GRACE_SECONDS="2")
    model = "stub;latency_ms=500;tokens=200;tokens_per_second=10"
    return cast.agent(connection=cast.connection(None, stub_model.url), model=model)


def test_no_accepted_message_is_lost_when_a_process_is_told_to_end_under_load(
    stack: Stack, cast: Cast, stub_model: StubModel, full_size: bool
) -> None:
    model = "stub;latency_ms=300;tokens=10;tokens_per_second=20"
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model=model)
    domain = cast.website(cast.tenant(), agents=[agent]).domain
    visitors = [Visitor(stack.web[0], domain) for _ in range(100 if full_size else 20)]
    ids = [f"message_{number:04}" for number in range(6)]

    def talk(visitor: Visitor) -> None:
        for message_id in ids:
            stubborn_send(stack, visitor, message_id)

    with ThreadPoolExecutor(len(visitors)) as pool:
        talks = [pool.submit(talk, visitor) for visitor in visitors]
        time.sleep(2)
        stack.web[0].terminate()
        assert stack.web[0].wait() == ENDED_IN_ORDER
        for each in talks:
            each.result()
    for visitor in visitors:
        assert [message.id for message in messages(stack, visitor.session_id)][::2] == ids
        check_promise(stack, visitor.session_id)


def test_running_turn_is_let_to_its_end(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=1500")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(visitor.post, "Hello", message_id="message_0001")
        while not turns(stack, visitor.session_id):
            time.sleep(0.02)
        stack.web[0].terminate()
        assert answer.result().status_code == httpx.codes.OK
    assert stack.web[0].wait() == ENDED_IN_ORDER
    check_promise(stack, visitor.session_id)


def test_turn_whose_visitor_has_left_is_let_to_its_end_too(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=3000")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    events = visitor.stream_with_ids("Hello", message_id="message_0001")
    next(events)
    events.close()
    stack.web[0].terminate()
    assert stack.web[0].wait() == ENDED_IN_ORDER
    assert [turn.state for turn in turns(stack, visitor.session_id)] == ["completed"]
    assert stub_model.calls() == 1
    check_promise(stack, visitor.session_id)


def test_visitors_of_turns_that_go_on_too_long_are_told_to_try_again(
    stack: Stack, cast: Cast, slow_agent: Agent
) -> None:
    domain = cast.website(cast.tenant(), agents=[slow_agent]).domain
    whole, streaming = Visitor(stack.web[0], domain), Visitor(stack.web[0], domain)
    with ThreadPoolExecutor(2) as pool:
        answer = pool.submit(whole.post, "Hello", message_id="message_0001")
        events = pool.submit(streaming.stream, "Hello", message_id="message_0001")
        while not (turns(stack, whole.session_id) and turns(stack, streaming.session_id)):
            time.sleep(0.02)
        stack.web[0].terminate()
        response, last = answer.result(), events.result()[-1]
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    assert response.headers["Retry-After"] == "1"
    assert response.headers["Access-Control-Allow-Origin"] == whole.headers["Origin"]
    assert (last["type"], last["code"]) == ("RUN_ERROR", "overloaded")
    assert stack.web[0].wait() == ENDED_IN_ORDER
    assert "Traceback" not in stack.web[0].log_text()


def test_new_connections_are_refused_meanwhile(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=1500")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    sending = threading.Thread(target=visitor.post, args=["Hello"], kwargs={"message_id": "message_0001"})
    sending.start()
    while not turns(stack, visitor.session_id):
        time.sleep(0.02)
    stack.web[0].terminate()
    time.sleep(0.3)
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"http://127.0.0.1:{stack.web[0].port}/healthz")
    sending.join()
    assert stack.web[0].wait() == ENDED_IN_ORDER


def test_turn_that_does_not_end_in_time_is_let_go_and_taken_over_at_once(
    stack: Stack, cast: Cast, slow_agent: Agent
) -> None:
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[slow_agent]).domain)
    heard = []
    try:
        for _, event in visitor.stream_with_ids("Hello", message_id="message_0001"):
            heard.append(event["type"])
            if len(heard) == 3:
                stack.web[0].terminate()
    except httpx.TransportError:
        pass
    assert stack.web[0].wait() == ENDED_IN_ORDER
    [turn] = turns(stack, visitor.session_id)
    assert (turn.state, turn.error_reason) == ("abandoned", "process_ended")
    said = (
        "SELECT t.partial_reply FROM turns t JOIN agent_sessions s ON s.id = t.agent_session_id WHERE session_id = %s"
    )
    assert stack.value(said, visitor.session_id)
    cast.change(slow_agent, model="stub;latency_ms=50")
    began = time.monotonic()
    assert visitor.at(stack.web[1]).say("Hello", message_id="message_0001")["message_count"] == 2
    assert time.monotonic() - began < 8
    assert Counter(turn.state for turn in turns(stack, visitor.session_id)) == {"completed": 1}
    check_promise(stack, visitor.session_id)
