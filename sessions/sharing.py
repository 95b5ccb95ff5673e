"""The words of a running turn for the other processes, where somebody there asked for them.

Most turns are read by the process that runs them. Only a turn that is asked for is written to Redis, whole, a few
times a second, and forgotten when it ends: what nobody follows costs nothing.
"""

import asyncio
import contextlib
from typing import Final
from uuid import UUID

from redis.exceptions import RedisError

from sessions.in_flight import find_running
from sessions.live import LiveTurn
from sessions.redis_link import RedisAwayError, redis_link

_SECONDS_BETWEEN: Final = 0.25
_SECONDS_KEPT: Final = 30

_shared: Final[dict[UUID, asyncio.Task[None]]] = {}


def share_text(turn_id: UUID) -> None:
    """Begins to share the turn's words, where this process runs it. A private one's are not told to anybody."""
    live = find_running(turn_id)
    if live is not None and not live.is_private and turn_id not in _shared:
        task = asyncio.create_task(_share(turn_id, live))
        _shared[turn_id] = task
        task.add_done_callback(lambda _: _shared.pop(turn_id, None))


async def shared_text(turn_id: UUID, fence: int, bytes_known: int) -> str:
    """What the turn has said beyond the first ``bytes_known`` bytes of UTF-8; empty where nothing is shared."""
    with contextlib.suppress(RedisAwayError, RedisError):
        data: bytes = await redis_link().ask("GETRANGE", _key(turn_id, fence), bytes_known, -1)
        return data.decode()
    return ""


async def _share(turn_id: UUID, live: LiveTurn) -> None:
    while not live.ended:
        with contextlib.suppress(RedisAwayError, RedisError):
            await redis_link().ask("SET", _key(turn_id, live.fence), live.text, "EX", _SECONDS_KEPT)
        await asyncio.sleep(_SECONDS_BETWEEN)
    with contextlib.suppress(RedisAwayError, RedisError):  # who follows reads the end in the database
        await redis_link().ask("DEL", _key(turn_id, live.fence))


def _key(turn_id: UUID, fence: int) -> str:
    return f"parlour:turn:{turn_id}:{fence}:text"
