"""Writing the refusals that Redis has counted down, where a website's owner sees them."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Final, cast
from uuid import UUID

from django.conf import settings
from redis import Redis

from sessions.refusals import DUE_KEY, WebsiteDay
from tenants.refused_origins import Refusals, delete_old_refusals, store_refusals
from tenants.rounds import each_of_tenants
from tenants.scoping import tenant_scope

_WEBSITES_AT_ONCE: Final = 20


def flush_refused_origins() -> int:
    """Gives the number of websites' days written. May run twice: what is written is a day's figure so far."""
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        due: dict[UUID, list[WebsiteDay]] = defaultdict(list)
        for name in redis.sscan_iter(DUE_KEY):
            counted = WebsiteDay.named(str(name))
            due[counted.tenant_id].append(counted)
        flushed = each_of_tenants(
            list(due), lambda tenant_id: _write_some(redis, tenant_id, due[tenant_id]), reason="refused origins"
        )
    delete_old_refusals()
    return flushed


def _write_some(redis: Redis, tenant_id: UUID, due: list[WebsiteDay]) -> int:
    """Takes a day off the list before it is read, so that what is counted meanwhile puts it there again."""
    some, due[:] = due[:_WEBSITES_AT_ONCE], due[_WEBSITES_AT_ONCE:]
    for counted in some:
        redis.srem(DUE_KEY, counted.name)
        refusals = _refusals(cast("dict[str, str]", redis.hgetall(counted.key)))
        try:
            with tenant_scope(tenant_id):
                store_refusals(counted.website_id, counted.day, refusals)
        except Exception:
            redis.sadd(DUE_KEY, counted.name)
            raise
    return len(some)


def _refusals(fields: dict[str, str]) -> list[Refusals]:
    origins = [name[1:] for name in fields if name.startswith("n")]
    return [
        Refusals(origin, _moment(fields[f"f{origin}"]), _moment(fields[f"l{origin}"]), int(fields[f"n{origin}"]))
        for origin in origins
    ]


def _moment(seconds: str) -> datetime:
    return datetime.fromtimestamp(int(seconds), UTC)
