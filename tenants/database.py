"""The chat path's connections: an async pool of the application's role, and one-trip transactions on it.

Django's ORM serves the admin and the jobs; here a turn's few statements go to PostgreSQL without a thread. A
transaction is sent as one pipeline: BEGIN, the tenant, the statements and COMMIT travel together.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings
from psycopg import AsyncConnection, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from tenants.scoping import SET_TENANT

Row = DictRow
Statement = tuple[LiteralString, dict[str, Any]]
"""SQL with named placeholders, and their values."""

_pool: AsyncConnectionPool[AsyncConnection[Row]] | None = None


async def open_chat_pool() -> None:
    """Opens this process's pool. Returns at once: a database that is away now may be there for the first request."""
    global _pool  # noqa: PLW0603  one pool a process, opened and closed with it
    _pool = AsyncConnectionPool(
        chat_conninfo(),
        min_size=1,
        max_size=settings.CHAT_POOL_SIZE,
        timeout=30,
        # Prepared statements break behind a transaction-mode pooler, and autocommit leaves BEGIN to the pipeline.
        kwargs={"autocommit": True, "prepare_threshold": None, "row_factory": dict_row},
        open=False,
    )
    await _pool.open()


async def close_chat_pool() -> None:
    global _pool  # noqa: PLW0603
    if _pool is not None:
        await _pool.close()
        _pool = None


async def in_tenant(tenant_id: UUID, statements: Sequence[Statement]) -> list[list[Row]]:
    """Runs ``statements`` in one transaction of ``tenant_id`` and one round trip; gives the rows of each.

    An error of any statement undoes all of them. Raises psycopg's errors.
    """
    async with _connection() as connection:
        async with connection.pipeline():
            await connection.execute("BEGIN")
            await connection.execute(SET_TENANT, [str(tenant_id)])
            cursors = [await connection.execute(query, values) for query, values in statements]
            await connection.execute("COMMIT")
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]


async def through_door(query: LiteralString, values: dict[str, Any]) -> list[Row]:
    """Asks one of the definer functions, before any tenant is known."""
    async with _connection() as connection:
        return await (await connection.execute(query, values)).fetchall()


@asynccontextmanager
async def _connection() -> AsyncIterator[AsyncConnection[Row]]:
    """One of the pool's connections. One that broke is seldom alone: the idle ones are looked through, too."""
    pool = chat_pool()
    try:
        async with pool.connection() as connection:
            yield connection
    except PoolTimeout:
        raise
    except OperationalError:
        await pool.check()
        raise


def chat_pool() -> AsyncConnectionPool[AsyncConnection[Row]]:
    """This process's pool; opened by ``sessions.lifespan``."""
    if _pool is None:
        raise RuntimeError("the chat pool is opened by the server's lifespan, which has not started")
    return _pool


def chat_conninfo() -> str:
    database = settings.DATABASES["default"]
    options = {name: value for name, value in database.get("OPTIONS", {}).items() if name != "pool"}
    return make_conninfo(
        **options,
        host=database["HOST"],
        port=database["PORT"] or None,
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        application_name="parlour-chat",
    )
