"""More than fits: never more in flight than fit, every other refused at once, and all well again afterwards."""

import asyncio
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import orjson
import pytest

from bench.connection import Connection, Reply
from bench.plan import Target
from tests.cast import Cast
from tests.faults.conversations import check_promise
from tests.faults.stack import Stack, Web
from tests.stub_model import StubModel
from tests.visitor import Visitor

FIT = 20
TIMES_TOO_MANY = 10
MODEL_SECONDS = 1.0
PROBES_PER_SECOND = 20


@pytest.fixture
def small(stack: Stack) -> Web:
    """A server that takes few turns at once."""
    stack.web[0].kill()
    stack.web[0].start(MAX_TURNS_IN_FLIGHT=str(FIT), DOOR_CACHE_SECONDS="5")
    return stack.web[0]


async def offer(web: Web, visitors: list[Visitor], per_second: float) -> list[Reply]:
    """A message of every visitor, one after another in this rhythm, whether or not answers come."""
    target = Target(web.port, "/api/v1/chat/", headers={"Origin": visitors[0].headers["Origin"]})

    async def post(number: int, visitor: Visitor) -> Reply:
        await asyncio.sleep(number / per_second)
        connection = Connection(target)
        try:
            return await connection.post(target.path, {"message": "Hello", "session_id": visitor.session_id})
        finally:
            connection.close()

    return await asyncio.gather(*(post(number, visitor) for number, visitor in enumerate(visitors)))


async def offer_and_probe(web: Web, visitors: list[Visitor], per_second: float) -> tuple[list[Reply], list[Reply]]:
    """The same, with a question all the while that nothing has to be done for."""
    health = Target(web.port, "/healthz", is_conversation=False)

    async def probe(number: int) -> Reply:
        await asyncio.sleep(number / PROBES_PER_SECOND)
        connection = Connection(health)
        try:
            return await connection.post(health.path, {})  # 405, which costs no more than 200
        finally:
            connection.close()

    probes = range(round(len(visitors) / per_second * PROBES_PER_SECOND))
    heard, probed = await asyncio.gather(
        offer(web, visitors, per_second), asyncio.gather(*(probe(number) for number in probes))
    )
    return heard, probed


def slowest(replies: list[Reply]) -> float:
    """ms, but for the slowest twentieth."""
    return sorted(reply.total_ms for reply in replies)[round(len(replies) * 0.95)]


@contextmanager
def watched(stack: Stack) -> Iterator[list[int]]:
    """How many turns were in flight, looked at all the time meanwhile."""
    seen: list[int] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.2):
            seen.append(stack.value("SELECT count(*) FROM turns WHERE state IN ('queued', 'running')"))

    watching = threading.Thread(target=look)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def test_readers_who_join_take_places_too(stack: Stack, cast: Cast, stub_model: StubModel) -> None:
    stack.web[0].kill()
    stack.web[0].start(MAX_TURNS_IN_FLIGHT="3", DOOR_CACHE_SECONDS="5")
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=6000")
    visitor = Visitor(stack.web[1], cast.website(cast.tenant(), agents=[agent]).domain)
    visitor.start()
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(visitor.say, "Hello", message_id="message_0001")
        while not stack.rows("SELECT 1 FROM turns WHERE message_id = 'message_0001' AND state = 'running'"):
            time.sleep(0.02)
        here = visitor.at(stack.web[0])
        joined = [here.join("message_0001") for _ in range(3)]
        for events in joined:
            next(events)
        refused = here.get_events("message_0001")
        assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
        for events in joined:
            events.close()
        deadline = time.monotonic() + 3
        while here.post("Hello", message_id="message_0002").status_code == httpx.codes.SERVICE_UNAVAILABLE:
            assert time.monotonic() < deadline, "a reader who left keeps its place"
            time.sleep(0.1)
        assert answer.result()["message_count"] == 2


def test_what_does_not_fit_is_refused_at_once(
    stack: Stack, small: Web, cast: Cast, stub_model: StubModel, full_size: bool
) -> None:
    model = f"stub;latency_ms={MODEL_SECONDS * 1000:.0f}"
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model=model)
    domain = cast.website(cast.tenant(), agents=[agent]).domain
    seconds = 20 if full_size else 4
    per_second = TIMES_TOO_MANY * FIT / MODEL_SECONDS
    asyncio.run(offer(small, [Visitor(small, domain) for _ in range(FIT)], per_second))
    before_mb = small.memory_mb
    visitors = [Visitor(small, domain) for _ in range(round(seconds * per_second))]
    with watched(stack) as in_flight:
        heard, probes = asyncio.run(offer_and_probe(small, visitors, per_second))
    assert max(in_flight) == FIT
    assert {reply.status for reply in heard} == {200, 503}
    refused = [reply for reply in heard if reply.status == httpx.codes.SERVICE_UNAVAILABLE]
    assert {orjson.loads(reply.body)["code"] for reply in refused} == {"overloaded"}
    assert len(heard) - len(refused) >= FIT * seconds * 0.5
    # Whatever else the machine has to do, it does to a refusal what it does to the cheapest question there is.
    assert slowest(refused) < 200 + slowest(probes)
    assert small.memory_mb - before_mb < 30
    sessions = stack.value(
        "SELECT count(*) FROM agent_sessions WHERE session_id = ANY(%s)", [visitor.session_id for visitor in visitors]
    )
    assert sessions == len(heard) - len(refused)
    assert visitors[-1].say("Hello")["message_count"] in {2, 4}
    for visitor in visitors[:FIT]:
        check_promise(stack, visitor.session_id)
