"""This process's way to Redis, which may be gone at any time: whoever asks waits a quarter of a second at most.

What is asked in one moment travels in one pipeline. A thousand turns that begin at once are a few round trips on one
connection; one connection for each of them would be refused, or time out in a queue.
"""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import Context
from typing import Any, Final
from weakref import WeakKeyDictionary

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from tenants.errors import ParlourError

log = structlog.get_logger(__name__)

_Asked = tuple[tuple[Any, ...], "asyncio.Future[Any]"]

_PATIENCE_SECONDS: Final = 0.25
_BACKSTOP_SECONDS: Final = 2.0
"""Of the client's own timers. They would take a busy process for a slow Redis, see ``in_time``."""
_LAG_SECONDS: Final = 0.05
_LOOKS: Final = 4
_LONGEST_PIPELINE: Final = 500
_SECONDS_BETWEEN_PROBES: Final = 1.0
_SECONDS_OF_REST: Final = 30.0
_PROBE_KEY: Final = "parlour:probe"
_OUT_OF_REACH: Final = (RedisError, OSError, TimeoutError)


class RedisAwayError(ParlourError):
    """Redis does not answer, or did not a moment ago."""


class RedisLink:
    """One event loop's client. Once Redis failed, nobody waits for it again until a probe has found it back."""

    def __init__(self, url: str) -> None:
        self.client: Redis = Redis.from_url(
            url,
            socket_connect_timeout=_BACKSTOP_SECONDS,
            socket_timeout=_BACKSTOP_SECONDS,
            retry=Retry(NoBackoff(), 0),  # the default one pauses for seconds
        )
        pool = self.client.connection_pool
        self._connection = pool.connection_class(**{**pool.connection_kwargs, "socket_timeout": None})
        self._used_at = -math.inf
        self.is_away = False
        self._asked: list[_Asked] = []
        self._sending: asyncio.Task[None] | None = None
        self._probing: asyncio.Task[None] | None = None

    async def ask(self, *command: Any) -> Any:
        """Redis's answer to ``command``. Raises ``RedisAwayError``, or ``ResponseError`` for what it will not do."""
        if self.is_away:
            raise RedisAwayError
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked.append((command, answer))
        if self._sending is None:
            self._sending = asyncio.create_task(self._send(), context=Context())  # for many, in nobody's name
        return await answer

    def lose(self, error: BaseException) -> None:
        """Takes Redis for gone, until a probe could write to it."""
        if not self.is_away:
            self.is_away = True
            log.warning("Redis is away: until it is back, limits are counted per process", error=error)
            self._probing = asyncio.create_task(self._probe(), context=Context())

    async def close(self) -> None:
        tasks = [task for task in (self._sending, self._probing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connection.disconnect()
        await self.client.aclose()

    async def _send(self) -> None:
        try:
            while self._asked:
                sent, self._asked = self._asked[:_LONGEST_PIPELINE], self._asked[_LONGEST_PIPELINE:]
                await self._send_together(sent)
        finally:
            self._sending = None
            _refuse(self._asked)
            self._asked = []

    async def _send_together(self, sent: list[_Asked]) -> None:
        try:
            async with in_time():
                answers = await self._pipeline(sent)
        except _OUT_OF_REACH as error:
            self.lose(error)
            _refuse([*sent, *self._asked])
            self._asked = []
            return
        except BaseException:
            _refuse(sent)
            raise
        for (_, waiting), answer in zip(sent, answers, strict=True):
            if waiting.done():  # whoever asked has gone
                continue
            if isinstance(answer, Exception):
                waiting.set_exception(answer)
            else:
                waiting.set_result(answer)

    async def _pipeline(self, sent: list[_Asked]) -> list[Any]:
        """The answers in order, refusals among them. On a bare connection: redis-py's own pipeline costs twice that."""
        connection, now = self._connection, asyncio.get_running_loop().time()
        if now - self._used_at > _SECONDS_OF_REST:  # a server or a firewall may have closed what lay idle
            await connection.disconnect()
        self._used_at = now
        await connection.send_packed_command(connection.pack_commands([command for command, _ in sent]))
        return [await _read(connection) for _ in sent]

    async def _probe(self) -> None:
        while self.is_away:
            await asyncio.sleep(_SECONDS_BETWEEN_PROBES)
            try:
                async with in_time():
                    await self.client.set(_PROBE_KEY, "", px=1)
            except _OUT_OF_REACH:
                continue
            self.is_away = False
        log.warning("Redis is back: limits are counted for all processes together again")


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Gives what is asked inside a quarter of a second, then raises ``TimeoutError``.

    A process that was busy meanwhile looks again: a plain timer comes up together with the answer that has long been
    there, and wins.
    """
    async with asyncio.timeout(None) as limit:
        timer = _Timer(limit)
        try:
            yield
        finally:
            timer.cancel()


class _Timer:
    """Ends ``limit`` when its time is over by a clock that ran evenly."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit, self._looks_left = limit, _LOOKS
        self._loop = asyncio.get_running_loop()
        self._set()

    def cancel(self) -> None:
        self._handle.cancel()

    def _set(self) -> None:
        self._due_at = self._loop.time() + _PATIENCE_SECONDS
        self._handle = self._loop.call_at(self._due_at, self._look)

    def _look(self) -> None:
        now, self._looks_left = self._loop.time(), self._looks_left - 1
        if self._looks_left and now - self._due_at > _LAG_SECONDS:
            self._set()
        else:
            self._limit.reschedule(now)


async def _read(connection: AbstractConnection) -> Any:
    try:
        return await connection.read_response()
    except ResponseError as error:
        return error


def _refuse(asked: list[_Asked]) -> None:
    for _, waiting in asked:
        if not waiting.done():
            waiting.set_exception(RedisAwayError())


_links: WeakKeyDictionary[asyncio.AbstractEventLoop, RedisLink] = WeakKeyDictionary()


def redis_link() -> RedisLink:
    """The running event loop's link, made when it is first asked for."""
    loop = asyncio.get_running_loop()
    link = _links.get(loop)
    if link is None:
        link = _links[loop] = RedisLink(settings.REDIS_URL)
    return link


async def close_redis() -> None:
    """Closes the running event loop's link, if there is one."""
    if (link := _links.pop(asyncio.get_running_loop(), None)) is not None:
        await link.close()
