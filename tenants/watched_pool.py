"""A connection pool that knows whether its database is there.

A pool alone cannot tell a database that is busy, for which waiting is right, from one that is away: it lets everybody
wait, and tries again after ever longer pauses. Here a watcher looks closer as soon as a connection breaks or cannot be
made, or nothing has been answered for a moment. Where the database is away it closes the pool, so that everybody is
told at once, asks twice a second, and opens a new pool when somebody answers.
"""

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection, OperationalError
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout

from tenants.errors import DatabaseAwayError

log = structlog.get_logger(__name__)

_WAIT_SECONDS: Final = 30.0
"""For a connection, where all are lent: the database is busy."""

_LOOK_EVERY_SECONDS: Final = 0.25
_QUIET_SECONDS: Final = 0.4
"""Without any answer while one is owed: time to ask whether somebody is there."""
_PROBE_SECONDS: Final = 0.8
_BLIP_SECONDS: Final = 0.25
"""Refused for this long, it is away."""
_ASK_AGAIN_SECONDS: Final = 0.5
_LONGEST_ERRAND_SECONDS: Final = 10.0
"""A statement of the chat path takes milliseconds; behind this there is a peer that is gone and did not say so."""
_MOST_READS: Final = 8

_Pool = AsyncConnectionPool[AsyncConnection[DictRow]]


@dataclass(slots=True, eq=False)
class _Errand:
    """Somebody who wants something of the database; without a connection yet, where none was free."""

    since: float
    connection: AsyncConnection[DictRow] | None = None


class WatchedPool:
    """At most ``size`` connections, and one more for a moment to ask whether the database is there.

    For one event loop. Opens at once, also where the database is away.
    """

    def __init__(self, conninfo: str, *, size: int) -> None:
        self._conninfo = conninfo
        self._size = size
        self._pool: _Pool | None = None
        self._errands: dict[_Errand, None] = {}  # the oldest first
        self._doubt = asyncio.Event()
        self._answered_at = 0.0
        self._watcher: asyncio.Task[None] | None = None
        self._refusal: Exception | None = None

    @property
    def is_away(self) -> bool:
        return self._pool is None

    async def open(self) -> None:
        await self._open_pool()
        self._watcher = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AsyncConnection[DictRow]]:
        """A connection, after 30 s at most.

        Raises ``DatabaseAwayError``, also for what breaks the connection inside, and ``PoolTimeout`` where too many
        wanted one.
        """
        pool = self._pool
        if pool is None:
            raise DatabaseAwayError
        errand = _Errand(_now())
        self._errands[errand] = None
        try:
            errand.connection = connection = await _sound_connection(pool)
            errand.since = _now()
            try:
                async with connection:
                    yield connection
            finally:
                await pool.putconn(connection)
        except PoolTimeout:
            raise
        except OperationalError as error:
            if not await self._is_lost(error, errand, pool):
                raise
            raise DatabaseAwayError from error
        else:
            self._answered_at = _now()
        finally:
            del self._errands[errand]

    async def _is_lost(self, error: OperationalError, errand: _Errand, pool: _Pool) -> bool:
        if isinstance(error, PoolClosed):
            return True
        if errand.connection is None or not errand.connection.closed:
            return False
        self._doubt.set()
        # One that broke is seldom alone: whoever tries again must not get the next broken one.
        await pool.drain()
        return True

    async def _open_pool(self) -> None:
        async def doubt(_: object) -> None:
            self._doubt.set()

        pool = _Pool(
            self._conninfo,
            name="chat",
            min_size=1,
            max_size=self._size,
            timeout=_WAIT_SECONDS,
            reconnect_timeout=0,  # the watcher knows when to try again, without the pool's growing pauses
            reconnect_failed=doubt,
            # Prepared statements break behind a transaction-mode pooler, and autocommit leaves BEGIN to the pipeline.
            kwargs={"autocommit": True, "prepare_threshold": None, "row_factory": dict_row},
            open=False,
        )
        await pool.open()
        self._answered_at = _now()
        self._pool = pool

    async def _watch(self) -> None:
        while True:
            try:
                await (self._look() if self._pool else self._look_for_its_return())
            except Exception:  # the outermost door of a task without which nothing would heal
                log.exception("watching the database went wrong")
                await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _look(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                await self._doubt.wait()
        self._cut_errands(_LONGEST_ERRAND_SECONDS)
        if self._doubt.is_set() or self._silent_seconds() > _QUIET_SECONDS:
            await self._decide(broken=self._doubt.is_set())

    async def _decide(self, *, broken: bool) -> None:
        """Asks for a quarter of a second; an errand's answer counts, too: a full server refuses newcomers only."""
        assert self._pool is not None
        self._doubt.clear()
        began = _now()
        while not await self._probe():
            if self._answered_at > began:
                return
            if _now() - began > _BLIP_SECONDS:
                await self._go_without()
                return
            await asyncio.sleep(_BLIP_SECONDS / 2)
        if broken:
            await self._pool.drain()
            await self._pool.check()  # connects for those who wait already, which nobody else would do

    async def _go_without(self) -> None:
        pool, self._pool = self._pool, None
        assert pool is not None
        log.error("the database is away", errands=len(self._errands), error=self._refusal)
        self._cut_errands(_QUIET_SECONDS)
        await pool.close(timeout=0)

    async def _look_for_its_return(self) -> None:
        self._cut_errands(_QUIET_SECONDS)
        if await self._probe():
            await self._open_pool()
            self._doubt.clear()
            log.warning("the database is back")
        else:
            await asyncio.sleep(_ASK_AGAIN_SECONDS)

    async def _probe(self) -> bool:
        try:
            async with fresh_connection(self._conninfo, seconds=_PROBE_SECONDS) as connection:
                await connection.execute("SELECT 1")
        except (psycopg.Error, OSError) as error:  # TimeoutError is an OSError
            self._refusal = error
            return False
        return True

    def _silent_seconds(self) -> float:
        """Since when an answer is owed and none came, to nobody."""
        oldest = next(iter(self._errands), None)
        return 0.0 if oldest is None else _now() - max(oldest.since, self._answered_at)

    def _cut_errands(self, seconds: float) -> None:
        """Breaks off those that take longer; whoever waits for a connection waits for the pool, not for the server."""
        for errand in self._errands:
            if errand.connection is not None and _now() - errand.since > seconds:
                _cut(errand.connection)


async def _sound_connection(pool: _Pool) -> AsyncConnection[DictRow]:
    """One that did not break while it lay in the pool, as all of them do when the server restarts."""
    while _has_hung_up(connection := await pool.getconn()):
        await pool.putconn(connection)
        await pool.drain()
    return connection


def _has_hung_up(connection: AsyncConnection[Any]) -> bool:
    """Whether the server's last words lie unread, or nothing but its end; without asking it."""
    arrival = select.poll()
    arrival.register(connection.fileno(), select.POLLIN)
    with contextlib.suppress(OperationalError):
        for _ in range(_MOST_READS):
            if not arrival.poll(0):
                break
            connection.pgconn.consume_input()
    return connection.closed


@asynccontextmanager
async def fresh_connection(conninfo: str, *, seconds: float) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection outside any pool, which is cut after ``seconds``, connecting included.

    Raises psycopg's errors, and ``TimeoutError`` while connecting.
    """
    cut_at = _now() + seconds
    async with asyncio.timeout_at(cut_at):
        connection = await AsyncConnection.connect(conninfo, autocommit=True, prepare_threshold=None)
    overdue = asyncio.get_running_loop().call_at(cut_at, _cut, connection)
    try:
        yield connection
    finally:
        overdue.cancel()
        await connection.close()


def _cut(connection: AsyncConnection[Any]) -> None:
    """Hangs up: whoever waits on the connection gets an ``OperationalError``.

    Cancelling would first ask the server to cancel, and wait for its answer.
    """
    if not connection.closed:
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
            line.shutdown(socket.SHUT_RDWR)


def _now() -> float:
    return asyncio.get_running_loop().time()
