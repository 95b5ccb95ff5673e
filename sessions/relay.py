"""What web processes tell each other over Redis, so that a wish reaches the process that runs a turn.

Every word is a kindness and none is needed: who waits in line also looks for itself, who asked a turn to stop wrote
it down, and who follows a turn reads its end in the database. With Redis away all of it is only slower.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterable
from typing import Any, Final, Literal
from uuid import UUID

import structlog
from django.conf import settings
from redis import Redis as SyncRedis
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.in_flight import find_running, ring_bell
from sessions.redis_link import RedisAwayError, redis_link
from sessions.sharing import share_text

log = structlog.get_logger(__name__)

Word = Literal["stop", "gone", "next", "share"]

_CHANNEL: Final = "parlour:turns"
_SECONDS_BETWEEN_LOOKS: Final = 5.0
_SECONDS_UNTIL_AGAIN: Final = 1.0

_telling: Final[set[asyncio.Task[None]]] = set()


def tell(word: Word, subject: UUID) -> None:
    """Acts on it here, and tells the other processes without waiting for it.

    ``stop``, ``gone`` and ``share`` are about a turn, ``next`` about a session whose line moved on.
    """
    _ACTIONS[word](subject)
    task = asyncio.create_task(_publish(f"{word} {subject}"))
    _telling.add(task)
    task.add_done_callback(_telling.discard)


def tell_of_erased(turn_ids: Iterable[UUID]) -> None:
    """Tells the web processes from a worker that these turns are gone; with Redis away they find it out themselves."""
    with contextlib.suppress(RedisError), SyncRedis.from_url(settings.REDIS_URL, socket_timeout=2) as redis:
        for turn_id in turn_ids:
            redis.publish(_CHANNEL, f"gone {turn_id}")


async def listen() -> None:
    """Acts on what other processes tell, until it is cancelled."""
    while True:
        try:
            await _listen_once()
        except (RedisError, OSError):
            pass  # readiness says so
        except Exception:
            log.exception("listening to the other processes broke")
        await asyncio.sleep(_SECONDS_UNTIL_AGAIN)


async def _publish(message: str) -> None:
    with contextlib.suppress(RedisAwayError, RedisError):
        await redis_link().ask("PUBLISH", _CHANNEL, message)


async def _listen_once() -> None:
    """On a connection of its own. Raises ``RedisError`` where even a ping brings nothing back."""
    async with (
        Redis.from_url(settings.REDIS_URL, socket_connect_timeout=2) as redis,
        redis.pubsub(ignore_subscribe_messages=True) as subscription,
    ):
        await subscription.subscribe(_CHANNEL)
        is_silent = False
        while True:
            message = await subscription.get_message(timeout=_SECONDS_BETWEEN_LOOKS)
            if message is None and is_silent:
                raise RedisError("nothing comes back")
            if message is None:
                await subscription.ping()
            elif message["type"] == "message":
                _hear(message["data"])
            is_silent = message is None


def _hear(data: Any) -> None:
    try:
        word, subject = bytes(data).decode().split(" ")
        _ACTIONS[word](UUID(subject))
    except (KeyError, ValueError):
        log.warning("another process said something that this one does not understand")


def _stop(turn_id: UUID) -> None:
    if (live := find_running(turn_id)) is not None:
        live.interrupt("stopped")


def _give_up(turn_id: UUID) -> None:
    """It was erased: nobody may hear more of it, nor would it be stored."""
    if (live := find_running(turn_id)) is not None:
        live.interrupt("lost")


_ACTIONS: Final[dict[str, Callable[[UUID], None]]] = {
    "stop": _stop,
    "gone": _give_up,
    "next": ring_bell,
    "share": share_text,
}
