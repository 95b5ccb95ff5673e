"""The pool of the chat path tells a busy database from one that is away."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from tenants import watched_pool
from tenants.errors import DatabaseAwayError
from tenants.watched_pool import WatchedPool
from tests.faults.stack import Stack

ANSWER_SECONDS = 2.0


@asynccontextmanager
async def opened(stack: Stack, *, size: int) -> AsyncIterator[WatchedPool]:
    pool = WatchedPool(stack.postgres.app_url, size=size)
    await pool.open()
    try:
        yield pool
    finally:
        await pool.close()


async def ask(pool: WatchedPool, query: str = "SELECT 1") -> Any:
    """The only value of the only row."""
    async with pool.connection() as connection:
        row = await (await connection.execute(query.encode())).fetchone()
    assert row is not None
    return next(iter(row.values()))


async def outcomes(pool: WatchedPool, *queries: str) -> list[Any]:
    return await asyncio.gather(*(ask(pool, query) for query in queries), return_exceptions=True)


@contextmanager
def connections_limited(stack: Stack, limit: int) -> Iterator[None]:
    """The server refuses the application's new connections past ``limit``, and keeps those it has."""
    statement = "ALTER ROLE parlour_app CONNECTION LIMIT {}"
    with psycopg.connect(stack.postgres.superuser_url, autocommit=True) as superuser:
        superuser.execute(statement.format(limit).encode())
        try:
            yield
        finally:
            superuser.execute(statement.format(-1).encode())


async def test_full_server_is_busy_and_not_away(stack: Stack) -> None:
    async with opened(stack, size=4) as pool:
        await ask(pool)
        with connections_limited(stack, 1):
            assert await outcomes(pool, *["SELECT 1 FROM pg_sleep(0.2)"] * 8) == [1] * 8
            assert not pool.is_away


async def test_quiet_server_that_takes_its_time_is_not_away(stack: Stack) -> None:
    async with opened(stack, size=1) as pool:
        assert await outcomes(pool, "SELECT 1 FROM pg_sleep(1.5)", "SELECT 2") == [1, 2]
        assert not pool.is_away


async def test_one_who_waits_too_long_for_a_connection_is_told_that_it_is_busy(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_pool, "_WAIT_SECONDS", 0.2)
    async with opened(stack, size=1) as pool:
        first, second = await outcomes(pool, "SELECT 1 FROM pg_sleep(0.6)", "SELECT 2")
        assert (first, type(second), pool.is_away) == (1, PoolTimeout, False)


async def test_refused_statement_says_nothing_about_the_server(stack: Stack) -> None:
    async with opened(stack, size=1) as pool:
        with pytest.raises(psycopg.errors.ProgramLimitExceeded):
            await ask(pool, "SELECT repeat('x', 2000000000)")
        assert (await ask(pool), pool.is_away) == (1, False)


@pytest.mark.parametrize("how", ["killed", "hanging"])
async def test_all_who_ask_and_wait_are_told_that_it_is_away(stack: Stack, how: str) -> None:
    async with opened(stack, size=2) as pool:
        await outcomes(pool, "SELECT 1", "SELECT 1")
        asking = asyncio.create_task(outcomes(pool, *["SELECT 1 FROM pg_sleep(20)"] * 10))
        await asyncio.sleep(0.1)
        (stack.postgres.pause if how == "hanging" else stack.postgres.kill)()
        began = time.monotonic()
        assert {type(outcome) for outcome in await asking} == {DatabaseAwayError}
        assert time.monotonic() - began < ANSWER_SECONDS
        stack.mend()
        await asyncio.sleep(ANSWER_SECONDS)
        assert await ask(pool) == 1


async def test_connection_whose_peer_fell_silent_is_given_up_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_pool, "_LONGEST_ERRAND_SECONDS", 0.5)
    async with opened(stack, size=1) as pool:
        backend = await ask(pool, "SELECT pg_backend_pid()")
        os.kill(backend, signal.SIGSTOP)
        try:
            with pytest.raises(DatabaseAwayError):
                await ask(pool)
            assert (await ask(pool), pool.is_away) == (1, False)
        finally:
            os.kill(backend, signal.SIGCONT)


async def test_connections_that_broke_in_the_pool_are_not_handed_out(stack: Stack) -> None:
    async with opened(stack, size=4) as pool:
        await outcomes(pool, *["SELECT 1 FROM pg_sleep(0.2)"] * 4)
        stack.postgres.restart()
        assert await outcomes(pool, *["SELECT 1"] * 8) == [1] * 8


async def test_what_breaks_a_connection_is_told_apart_and_the_next_works(stack: Stack) -> None:
    async with opened(stack, size=1) as pool:
        with pytest.raises(DatabaseAwayError) as raised:
            await ask(pool, "SELECT pg_terminate_backend(pg_backend_pid())")
        assert isinstance(raised.value, psycopg.OperationalError)
        assert isinstance(raised.value.__cause__, psycopg.errors.AdminShutdown)
        assert await ask(pool) == 1
