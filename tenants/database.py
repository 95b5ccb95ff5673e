"""The chat path's connections: an async pool of the application's role, and one-trip transactions on it.

Django's ORM serves the admin and the jobs; here a turn's few statements go to PostgreSQL without a thread. A
transaction is sent as one pipeline: BEGIN, the tenant, the statements and COMMIT travel together.
"""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

from django.conf import settings
from psycopg.conninfo import make_conninfo
from psycopg.rows import DictRow

from tenants.scoping import SET_TENANT
from tenants.watched_pool import WatchedPool

Row = DictRow
Statement = tuple[LiteralString, dict[str, Any]]
"""SQL with named placeholders, and their values."""

_pool: WatchedPool | None = None


async def open_chat_pool() -> None:
    """Opens this process's pool. Returns at once: a database that is away now may be there for the first request."""
    global _pool  # noqa: PLW0603  one pool a process, opened and closed with it
    pool = WatchedPool(chat_conninfo(), size=settings.CHAT_POOL_SIZE)
    await pool.open()
    _pool = pool


async def close_chat_pool() -> None:
    global _pool  # noqa: PLW0603
    if _pool is not None:
        await _pool.close()
        _pool = None


async def in_tenant(tenant_id: UUID, statements: Sequence[Statement]) -> list[list[Row]]:
    """Runs ``statements`` in one transaction of ``tenant_id`` and one round trip; gives the rows of each.

    An error of any statement undoes all of them. Raises psycopg's errors: ``DatabaseAwayError`` where the database is
    out of reach or the connection broke, perhaps after the commit, and ``PoolTimeout`` where it is busy.
    """
    async with _chat_pool().connection() as connection:
        async with connection.pipeline():
            await connection.execute("BEGIN")
            await connection.execute(SET_TENANT, [str(tenant_id)])
            cursors = [await connection.execute(query, values) for query, values in statements]
            await connection.execute("COMMIT")
        return [await cursor.fetchall() if cursor.description else [] for cursor in cursors]


async def through_door(query: LiteralString, values: dict[str, Any]) -> list[Row]:
    """Asks one of the definer functions, before any tenant is known. Raises as ``in_tenant``."""
    async with _chat_pool().connection() as connection:
        return await (await connection.execute(query, values)).fetchall()


def database_is_away() -> bool:
    """Whether this process's pool waits for its database to come back; False without a pool, and from any thread."""
    return _pool is not None and _pool.is_away


def _chat_pool() -> WatchedPool:
    if _pool is None:
        raise RuntimeError("the chat pool is opened by the server's lifespan, which has not started")
    return _pool


def chat_conninfo() -> str:
    return conninfo("parlour-chat")


def conninfo(application_name: str) -> str:
    """For a connection of the application's role that is not Django's."""
    database = settings.DATABASES["default"]
    options = {name: value for name, value in database.get("OPTIONS", {}).items() if name != "pool"}
    return make_conninfo(
        **options,
        host=database["HOST"],
        port=database["PORT"] or None,
        dbname=database["NAME"],
        user=database["USER"],
        password=database["PASSWORD"],
        application_name=application_name,
    )
