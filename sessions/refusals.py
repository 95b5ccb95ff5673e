"""Origins that tried a website's key and were refused: counted in Redis, for the website's owner to see.

Only the origin and the time are kept. The refusal does not wait for it, and what cannot be counted at once, because
Redis is away or too many come together, is not counted.
"""

import asyncio
import contextlib
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from uuid import UUID

import psycopg
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from sessions.redis_link import redis_link
from tenants.bounded_lookups import BoundedLookups
from tenants.database import through_door
from tenants.errors import ParlourError

DUE_KEY: Final = "parlour:refused:due"
"""The days of websites that were counted on since they were last written down."""

ORIGINS_A_DAY: Final = 100
"""Of one website; all further ones are counted together."""

_COUNTING_AT_ONCE: Final = 50
_LOOKUPS_A_SECOND: Final = 50
"""Of keys that are not remembered: random keys cost no more than that."""
_KEYS_REMEMBERED: Final = 1_000
_SECONDS_REMEMBERED: Final = 60.0

_SITE_KEY: Final = re.compile(r"pk_[A-Za-z0-9_-]{1,61}")
_ORIGIN: Final = re.compile(r"https?://[a-z0-9._:\[\]-]{1,280}")

# KEYS: the hash of a website's day. ARGV: the origin, how many may be named. Fields: n, f, l: times, first, last.
_COUNT: Final = """
local now, origin = redis.call('TIME')[1], ARGV[1]
if redis.call('HEXISTS', KEYS[1], 'n' .. origin) == 0 and redis.call('HLEN', KEYS[1]) >= 3 * tonumber(ARGV[2]) then
  origin = ''
end
redis.call('HINCRBY', KEYS[1], 'n' .. origin, 1)
redis.call('HSETNX', KEYS[1], 'f' .. origin, now)
redis.call('HSET', KEYS[1], 'l' .. origin, now)
redis.call('EXPIRE', KEYS[1], 172800)
"""
_DAYS_KEPT: Final = 2
"""Since it was last counted on: as the script has it."""


@dataclass(frozen=True, slots=True)
class WebsiteDay:
    """What is counted on together. A day is UTC's."""

    tenant_id: UUID
    website_id: UUID
    day: date

    @property
    def key(self) -> str:
        return f"parlour:refused:{{{self.tenant_id}}}:{self.website_id}:{self.day}"

    @property
    def name(self) -> str:
        return f"{self.tenant_id}/{self.website_id}/{self.day}"

    @classmethod
    def named(cls, name: str) -> "WebsiteDay":
        tenant_id, website_id, day = name.split("/")
        return cls(UUID(tenant_id), UUID(website_id), date.fromisoformat(day))


_websites: BoundedLookups[str, tuple[UUID, UUID]] = BoundedLookups(
    seconds=_SECONDS_REMEMBERED, size=_KEYS_REMEMBERED, most_a_second=_LOOKUPS_A_SECOND
)
"""By their keys: the tenant's id and the website's."""

_counting: set[asyncio.Task[None]] = set()


def note_refusal(site_key: str | None, origin: str | None) -> None:
    """Counts the refusal of an origin that tried ``site_key``, some time soon or not at all. Returns at once."""
    if not site_key or not origin or not _SITE_KEY.fullmatch(site_key) or len(_counting) >= _COUNTING_AT_ONCE:
        return
    if redis_link().is_away:
        return
    task = asyncio.create_task(_count(site_key, _named(origin)))
    _counting.add(task)
    task.add_done_callback(_counting.discard)


async def stop_counting() -> None:
    """Ends what is under way, before what it needs is closed."""
    for task in _counting:
        task.cancel()
    await asyncio.gather(*_counting, return_exceptions=True)


async def _count(site_key: str, origin: str) -> None:
    with contextlib.suppress(ParlourError, psycopg.Error, RedisError):
        website = await _websites.get(site_key, lambda: _website_of(site_key))
        if website is None:
            return
        counted = WebsiteDay(*website, datetime.now(UTC).date())
        link = redis_link()
        await asyncio.gather(
            link.ask("EVAL", _COUNT, 1, counted.key, origin, ORIGINS_A_DAY), link.ask("SADD", DUE_KEY, counted.name)
        )


async def _website_of(site_key: str) -> tuple[UUID, UUID] | None:
    rows = await through_door("SELECT * FROM door_website_by_site_key(%(key)s)", {"key": site_key})
    return (rows[0]["tenant_id"], rows[0]["website_id"]) if rows else None


def forget_website(tenant_id: UUID, website_id: UUID) -> None:
    """For the worker: nothing that was counted of the website stays in Redis."""
    today = datetime.now(UTC).date()
    days = [WebsiteDay(tenant_id, website_id, today - timedelta(days=ago)) for ago in range(-1, _DAYS_KEPT + 1)]
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.srem(DUE_KEY, *(day.name for day in days))
        redis.delete(*(day.key for day in days))


def _named(origin: str) -> str:
    """A web origin as browsers write it, or ``null``; anything else goes with the unnamed ones."""
    return origin if origin == "null" or _ORIGIN.fullmatch(origin) else ""
