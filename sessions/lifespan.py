"""What opens and closes with a web process."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from agents.llm import close_clients
from sessions.following import stop_watching
from sessions.redis_link import close_redis
from sessions.refusals import stop_counting
from sessions.relay import listen
from sessions.turns import finish_running_turns
from tenants.database import close_chat_pool, open_chat_pool


async def serve(receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
    """Answers the server's ASGI lifespan events."""
    await receive()
    await open_chat_pool()
    listening = asyncio.create_task(listen())
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await finish_running_turns(settings.SHUTDOWN_GRACE_SECONDS / 2)
    await stop_watching()
    listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await close_clients()
    await stop_counting()
    await close_redis()
    await close_chat_pool()
    await send({"type": "lifespan.shutdown.complete"})
