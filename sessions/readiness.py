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
from psycopg_pool import PoolTimeout
from redis.asyncio import Redis
from redis.exceptions import RedisError

from sessions.heartbeats import BEAT_KEY, WORKER_KEY
from tenants.database import through_door

_SECONDS_TO_ANSWER: Final = 2.0
_OK: Final = "ok"
_NECESSARY: Final = ("database", "role", "migrations")

_IS_UNSAFE_ROLE: Final = """
SELECT r.rolsuper OR r.rolbypassrls OR EXISTS (
           SELECT FROM pg_class c WHERE c.relname = 'agent_sessions' AND pg_has_role(r.oid, c.relowner, 'MEMBER')
       ) AS unsafe
  FROM pg_roles r WHERE r.rolname = current_user
"""


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
    """Asks every part, each for two seconds at most."""
    names = ("database", "role", "migrations", "redis", "worker", "beat")
    checks = (_database(), _role(), _migrations(), _redis(), _heartbeat(WORKER_KEY), _heartbeat(BEAT_KEY))
    verdicts = await asyncio.gather(*(_verdict(check) for check in checks))
    return Readiness(dict(zip(names, verdicts, strict=True)))


async def _verdict(check: Awaitable[str]) -> str:
    try:
        async with asyncio.timeout(_SECONDS_TO_ANSWER):
            return await check
    except (psycopg.Error, PoolTimeout, RedisError, OSError, TimeoutError):
        return "does not answer"


async def _database() -> str:
    await through_door("SELECT 1 AS one", {})
    return _OK


async def _role() -> str:
    [row] = await through_door(_IS_UNSAFE_ROLE, {})
    return "the application's role could pass the row policies" if row["unsafe"] else _OK


async def _migrations() -> str:
    rows = await through_door("SELECT app, name FROM django_migrations", {})
    missing = await sync_to_async(_migrations_on_disk)() - {(row["app"], row["name"]) for row in rows}
    return f"{len(missing)} migrations are not applied" if missing else _OK


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


async def _redis() -> str:
    async with Redis.from_url(settings.REDIS_URL) as redis:
        await redis.ping()
    return _OK


async def _heartbeat(key: str) -> str:
    async with Redis.from_url(settings.REDIS_URL) as redis:
        return _OK if await redis.exists(key) else "has not been heard of for a minute"
