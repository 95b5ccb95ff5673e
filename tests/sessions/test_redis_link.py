"""The link to a real Redis that is killed, hangs, fills up and comes back."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from redis.exceptions import NoScriptError
from structlog.testing import capture_logs

from sessions.limits import shared
from sessions.limits.rules import Question, Rate
from sessions.redis_link import RedisAwayError, RedisLink
from tests.faults.stack import Redis
from tests.redis_server import own_redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    with own_redis() as server:
        yield server


@pytest.fixture
async def own_link(redis: Redis) -> AsyncIterator[RedisLink]:
    link = RedisLink(redis.url)
    yield link
    await link.close()


async def test_link_asks_for_many_in_few_trips(own_link: RedisLink) -> None:
    await own_link.ask("PING")
    answers = await asyncio.gather(*(own_link.ask("INCR", "counter") for _ in range(1_200)))
    assert sorted(answers) == list(range(1, 1_201))
    information: Any = await own_link.client.info("clients")
    assert information["connected_clients"] <= 2


async def test_link_hands_each_its_own_error(own_link: RedisLink) -> None:
    answers = await asyncio.gather(
        own_link.ask("SET", "text", "x"),
        own_link.ask("EVALSHA", "0" * 40, 0),
        own_link.ask("GET", "text"),
        return_exceptions=True,
    )
    assert [answers[0], type(answers[1]), answers[2]] == [b"OK", NoScriptError, b"x"]
    assert not own_link.is_away


async def test_link_never_waits_long_and_notices_the_return(redis: Redis, own_link: RedisLink) -> None:
    with capture_logs() as lines:
        await _lose_and_find(redis, own_link)
    assert [(line["event"], type(line.get("error"))) for line in lines] == [
        ("Redis is away: until it is back, limits are counted per process", TimeoutError),
        ("Redis is back: limits are counted for all processes together again", type(None)),
    ]


async def _lose_and_find(redis: Redis, own_link: RedisLink) -> None:
    await own_link.ask("PING")
    redis.pause()
    began = time.monotonic()
    answers = await asyncio.gather(*(own_link.ask("PING") for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {RedisAwayError}
    assert 0.2 < time.monotonic() - began < 0.5
    began = time.monotonic()
    with pytest.raises(RedisAwayError):
        await own_link.ask("PING")
    assert time.monotonic() - began < 0.05, "once it is known to be away, nobody waits"
    redis.kill()
    await asyncio.sleep(1.5)
    assert own_link.is_away
    redis.start()
    await _until_back(own_link)
    assert await own_link.ask("PING") == b"PONG"


async def test_busy_process_does_not_take_itself_for_a_slow_redis(own_link: RedisLink) -> None:
    asked = asyncio.create_task(own_link.ask("INCR", "counter"))
    for _ in range(3):  # it connects meanwhile, which takes several looks at the socket
        await asyncio.sleep(0)
        time.sleep(0.4)  # noqa: ASYNC251  the loop is stuck, on purpose
    assert await asked == 1
    assert not own_link.is_away


async def test_full_redis_counts_as_away(redis: Redis, own_link: RedisLink) -> None:
    await own_link.ask("CONFIG", "SET", "maxmemory", "1")
    with pytest.raises(RedisAwayError):
        await shared.decide(own_link, Question((Rate("session", "a", 1),)))
    await asyncio.sleep(1.3)
    assert own_link.is_away, "the probe must write"
    await own_link.client.config_set("maxmemory", "0")
    await _until_back(own_link)


async def test_scripts_come_back_after_redis_forgot_them(redis: Redis, own_link: RedisLink) -> None:
    question = Question((Rate("session", "a", 1),))
    assert (await shared.decide(own_link, question)).refused_by is None
    await own_link.ask("SCRIPT", "FLUSH")
    assert (await shared.decide(own_link, question)).refused_by == 0


async def test_whoever_leaves_takes_no_answer_from_the_others(own_link: RedisLink) -> None:
    leaving, staying = (asyncio.create_task(own_link.ask("INCR", "counter")) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == 2
    assert not own_link.is_away


async def _until_back(link: RedisLink) -> None:
    async with asyncio.timeout(10):
        while link.is_away:  # noqa: ASYNC110  as a bystander sees it
            await asyncio.sleep(0.05)
