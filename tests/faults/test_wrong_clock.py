"""A process whose clock is an hour off: leases, limits, expiry and the order of messages go by the servers' clocks."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
import time_machine

from sessions.cleanup import delete_expired_sessions
from tests.cast import Cast
from tests.faults.conversations import check_promise, messages
from tests.faults.stack import Stack
from tests.stub_model import StubModel
from tests.visitor import Visitor

HOUR = 3600


@pytest.fixture(params=[-HOUR, HOUR], ids=["an hour slow", "an hour fast"])
def wrong(request: pytest.FixtureRequest, stack: Stack) -> int:
    """The second server's clock is off by this much. It renews its leases every two seconds."""
    seconds: int = request.param
    stack.web[1].kill()
    stack.web[1].start(
        PYTHONPATH=str(Path(__file__).with_name("shifted_clock")),
        CLOCK_SHIFT_SECONDS=str(seconds),
        TURN_LEASE_SECONDS="8",
    )
    return seconds


def test_running_turn_is_not_taken_for_dead(stack: Stack, wrong: int, cast: Cast, stub_model: StubModel) -> None:
    assert wrong
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=1000")
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[agent]).domain)
    with ThreadPoolExecutor(8) as pool:
        ids = [f"message_{number:04}" for number in range(6)]
        sent = [
            pool.submit(visitor.at(stack.web[number % 2]).post, "Hello", message_id=message_id)
            for number, message_id in enumerate(ids)
        ]
        assert Counter(answer.result().status_code for answer in sent) == {200: len(ids)}
    assert stub_model.calls() == len(ids)
    said = [m.id for m in messages(stack, visitor.session_id) if m.role == "user"]
    assert sorted(said) == ids
    check_promise(stack, visitor.session_id)


@pytest.mark.parametrize("wrong", [HOUR], ids=["an hour fast"], indirect=True)
def test_messages_carry_the_databases_time(stack: Stack, wrong: int, cast: Cast) -> None:
    assert wrong
    visitor = Visitor(stack.web[0], cast.website(cast.tenant(), agents=[cast.agent()]).domain)
    visitor.start()
    for number in range(4):
        visitor.at(stack.web[number % 2]).say("Hello")
    moments = [datetime.fromisoformat(message["at"]) for message in visitor.messages().json()["messages"]]
    assert all(newer >= older for newer, older in pairwise(moments))
    assert abs(datetime.now(UTC) - moments[0]) < timedelta(minutes=1)


@pytest.mark.parametrize("wrong", [HOUR], ids=["an hour fast"], indirect=True)
def test_limits_are_counted_together(stack: Stack, wrong: int, cast: Cast) -> None:
    assert wrong
    tenant = cast.tenant(session_turns_per_minute=6)
    visitor = Visitor(stack.web[0], cast.website(tenant, agents=[cast.agent()]).domain)
    answers = [visitor.at(stack.web[number % 2]).post("Hello") for number in range(12)]
    assert sum(answer.status_code == httpx.codes.OK for answer in answers) in {6, 7}  # one more after ten seconds
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["Retry-After"]) <= 60 for answer in answers if answer.is_client_error)


def test_expiry_goes_by_the_databases_clock(stack: Stack, cast: Cast) -> None:
    tenant = cast.tenant(retention_days=1)
    domain = cast.website(tenant, agents=[cast.agent()]).domain
    fresh, old = Visitor(stack.web[0], domain), Visitor(stack.web[0], domain)
    for visitor, hours in ((fresh, 23.5), (old, 24.5)):
        visitor.say("Hello")
        stack.rows(
            "UPDATE agent_sessions SET last_activity_at = now() - make_interval(secs => %s) WHERE session_id = %s"
            " RETURNING id",
            hours * HOUR,
            visitor.session_id,
        )
    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1), tick=True):
        delete_expired_sessions()
    left = stack.rows("SELECT session_id FROM agent_sessions WHERE tenant_id = %s", tenant.id)
    assert left == [(fresh.session_id,)]
