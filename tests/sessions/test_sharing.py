"""The words of a running turn in Redis: they go by themselves, also when their process does not live to take them."""

import asyncio
from uuid import uuid4

from django.conf import settings
from redis.asyncio import Redis

from sessions import sharing
from sessions.live import LiveTurn
from sessions.redis_link import close_redis


async def test_shared_words_expire_within_half_a_minute() -> None:
    live = LiveTurn(session_id="session_0001", message_id="message_0001", fence=1, reply_id="reply_0001")
    live.add("Alice")
    turn_id = uuid4()
    sharer = asyncio.create_task(sharing._share(turn_id, live))
    async with Redis.from_url(settings.REDIS_URL) as redis:
        async with asyncio.timeout(30):
            while not (keys := [key async for key in redis.scan_iter(f"*{turn_id}*")]):  # noqa: ASYNC110  Redis tells nobody
                await asyncio.sleep(0.01)
        seconds = [await redis.ttl(key) for key in keys]
        live.complete({})
        await sharer
        await redis.delete(*keys)
    await close_redis()
    assert [0 < one <= 30 for one in seconds] == [True]
