"""Redis killed and back: turns go on without it."""

import time
from collections.abc import Callable

import pytest

from tests.cast import Cast
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor


@pytest.fixture
def domain(cast: Cast, stub_model: StubModel) -> str:
    """Its model takes its time: a third of a second for the first word, and one for the others."""
    agent = cast.agent(
        connection=cast.connection(None, stub_model.url), model="stub;latency_ms=300;tokens=20;tokens_per_second=20"
    )
    return cast.website(cast.tenant(), agents=[agent]).domain


BROKEN: dict[str, Callable[[Stack], None]] = {
    "killed": lambda stack: stack.redis.kill(),
    "hanging": lambda stack: stack.redis.pause(),
}


@pytest.mark.parametrize("how", ["killed", "hanging"])
def test_turns_go_on_without_redis_and_after_it_is_back(stack: Stack, domain: str, how: str) -> None:
    visitor = Visitor(stack.web[0], domain)
    visitor.say("Hello")
    BROKEN[how](stack)
    assert visitor.say("Are you open?")["message_count"] == 4
    assert [event["type"] for event in visitor.stream("And tomorrow?")][-1] == "RUN_FINISHED"
    assert redis_part(stack) == (200, "degraded", "does not answer")
    stack.mend()
    other = Visitor(stack.web[1], domain, session_id=visitor.session_id)
    assert other.say("Thank you")["message_count"] == 8
    assert redis_part(stack)[2] == "ok"


@pytest.mark.parametrize("how", ["killed", "hanging"])
def test_turn_is_answered_whole_though_redis_dies_mid_stream(
    stack: Stack, domain: str, how: str, stub_model: StubModel
) -> None:
    visitor = Visitor(stack.web[0], domain)
    events = visitor.stream_with_ids("Hello", message_id="message_0001")
    for _, event in events:
        if event["type"] == "TEXT_MESSAGE_CONTENT":
            break
    words = event["delta"]
    began = time.monotonic()
    BROKEN[how](stack)
    rest = [event for _, event in events]
    words += "".join(event["delta"] for event in rest if event["type"] == "TEXT_MESSAGE_CONTENT")
    assert rest[-1]["type"] == "RUN_FINISHED"
    assert words == rest[-1]["result"]["message"]["content"]
    assert time.monotonic() - began < 8
    again = visitor.post("Hello", message_id="message_0001")
    assert (again.json(), again.headers["Parlour-Replayed"]) == (rest[-1]["result"], "true")
    assert stub_model.calls() == 1


@pytest.mark.parametrize("how", ["killed", "hanging"])
def test_joining_and_limits_work_again_once_redis_is_back(
    stack: Stack, cast: Cast, stub_model: StubModel, how: str
) -> None:
    model = "stub;tokens=40;tokens_per_second=10"
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model=model)
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(session_turns_per_minute=3), agents=[agent]).domain)
    visitor.start()
    BROKEN[how](stack)
    assert visitor.say("Hello")["message_count"] == 2
    stack.mend()
    wait_until_ok(stack)
    events = visitor.stream_with_ids("Hello again", message_id="message_0001")
    next(events)
    heard = [event for _, event in visitor.at(stack.web[1]).join("message_0001")]
    pieces = [event["delta"] for event in heard if event["type"] == "TEXT_MESSAGE_CONTENT"]
    assert len(pieces) > 1
    assert "".join(pieces) == heard[-1]["result"]["message"]["content"]
    events.close()
    cast.change(agent, model="stub")
    statuses = [visitor.at(stack.web[number % 2]).post("Hello").status_code for number in range(4)]
    # A Redis that only hung counts what it was asked meanwhile.
    assert statuses in ([200, 200, 429, 429], [200, 429, 429, 429])


def wait_until_ok(stack: Stack) -> None:
    deadline = time.monotonic() + 10
    while {web.http.get("/readyz").json()["parts"]["limits"] for web in stack.web} != {"ok"}:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def redis_part(stack: Stack) -> tuple[int, str, str]:
    response = stack.web[0].http.get("/readyz")
    body = response.json()
    return response.status_code, body["status"], body["parts"]["redis"]
