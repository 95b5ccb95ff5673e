"""Can this process serve a turn, and is the rest of the installation there?"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from functools import cache
from typing import Final

import psycopg
from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.migrations.loader import MigrationLoader
from psycopg import AsyncConnection
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.heartbeats import BEAT_KEY, WORKER_KEY
from sessions.redis_link import RedisAwayError, redis_link
from tenants.database import chat_conninfo, database_is_away
from tenants.role import IS_UNSAFE_ROLE
from tenants.walls import BROKEN_WALLS
from tenants.watched_pool import fresh_connection

_SECONDS_TO_ANSWER: Final = 1.5
_OK: Final = "ok"
_NECESSARY: Final = ("database", "role", "walls", "migrations")

_SILENT: Final = "does not answer"
_DATABASE_PARTS: Final = (*_NECESSARY, "jobs")
_OUT_OF_REACH: Final = (psycopg.Error, RedisError, OSError, TimeoutError)


@dataclass(frozen=True, slots=True)
class Readiness:
    parts: dict[str, str]
    """Each part with ``ok`` or a sentence saying what is wrong."""

    @property
    def can_serve(self) -> bool:
        return all(self.parts[name] == _OK for name in _NECESSARY)

    @property
    def status(self) -> str:
        if not self.can_serve:
            return "unavailable"
        return _OK if set(self.parts.values()) == {_OK} else "degraded"


async def check_readiness() -> Readiness:
    """Asks every part, each for a second and a half at most."""
    database, redis, limits, worker, beat = await asyncio.gather(
        _database_parts(),
        _verdict(_redis()),
        _limits(),
        _verdict(_heartbeat(WORKER_KEY)),
        _verdict(_heartbeat(BEAT_KEY)),
    )
    return Readiness({**database, "redis": redis, "limits": limits, "worker": worker, "beat": beat})


async def _verdict(check: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            return await check
    except _OUT_OF_REACH:
        return _SILENT


async def _database_parts() -> dict[str, str]:
    """On a connection of its own: a pool that is busy with turns is no reason to send visitors elsewhere."""
    if database_is_away():
        return dict.fromkeys(_DATABASE_PARTS, _SILENT)
    try:
        async with fresh_connection(chat_conninfo(), seconds=_SECONDS_TO_ANSWER) as connection:
            return {
                "database": _OK,
                "role": await _role(connection),
                "walls": await _walls(connection),
                "migrations": await _migrations(connection),
                "jobs": await _jobs(connection),
            }
    except _OUT_OF_REACH:
        return dict.fromkeys(_DATABASE_PARTS, _SILENT)


async def _role(connection: AsyncConnection) -> str:
    [(unsafe,)] = await (await connection.execute(IS_UNSAFE_ROLE)).fetchall()
    return "the application's role could pass the row policies" if unsafe else _OK


async def _walls(connection: AsyncConnection) -> str:
    """Which they are is told by ``manage.py check --deploy``, not to whoever asks."""
    broken = await (await connection.execute(BROKEN_WALLS)).fetchall()
    return f"broken walls between tenants: {len(broken)}" if broken else _OK


async def _migrations(connection: AsyncConnection) -> str:
    rows = await (await connection.execute("SELECT app, name FROM django_migrations")).fetchall()
    missing = await sync_to_async(_migrations_on_disk)() - set(rows)
    return f"{len(missing)} migrations are not applied" if missing else _OK


# Late by more than two periods: one may be missed, and a run may take long.
_JOBS: Final = """
SELECT name, now() - COALESCE(last_finished_at, registered_at) > make_interval(secs => 2 * period_seconds) AS is_late,
       last_error_code, COALESCE((last_outcome ->> 'skipped')::int, 0)
  FROM job_heartbeats WHERE name = ANY(%s) ORDER BY name
"""


async def _jobs(connection: AsyncConnection) -> str:
    """Beat's jobs that are late, failed when they last ran, or left something out; none that beat does not know yet."""
    try:
        rows = await (await connection.execute(_JOBS, [list(settings.CELERY_BEAT_SCHEDULE)])).fetchall()
    except psycopg.errors.UndefinedTable:
        return "not known before the migrations are applied"
    late = [f"{name} is late" for name, is_late, *_ in rows if is_late]
    failed = [f"{name} failed ({code})" for name, is_late, code, _ in rows if code and not is_late]
    skipped = [f"{name} skipped {count}, see the log" for name, _, _, count in rows if count]
    return ", ".join([*late, *failed, *skipped]) or _OK


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


async def _redis() -> str:
    async with Redis.from_url(settings.REDIS_URL) as redis:
        await redis.ping()
    return _OK


async def _limits() -> str:
    """What this process does, which may lag a second behind Redis itself."""
    try:
        await redis_link().ask("PING")
    except RedisAwayError:
        return "Redis is away: limits are counted per process"
    return _OK


async def _heartbeat(key: str) -> str:
    async with Redis.from_url(settings.REDIS_URL) as redis:
        return _OK if await redis.exists(key) else "has not been heard of for a minute"
