"""Origins that tried a website's key and were refused, by day, for a month."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Max, Min, Sum
from django.utils import timezone

from tenants.identifiers import new_id
from tenants.models import RefusedOrigin, Website
from tenants.rounds import each_tenant
from tenants.scoping import active_tenant_id

KEPT_DAYS: Final = 30
_SHOWN: Final = 20

# The figures are a day's so far: written twice they stay the same. A website deleted meanwhile gets none.
_STORE: Final = """
INSERT INTO refused_origins AS r (id, tenant_id, website_id, day, origin, first_at, last_at, times)
SELECT %(id)s, w.tenant_id, w.id, %(day)s, %(origin)s, %(first_at)s, %(last_at)s, %(times)s
  FROM websites w WHERE w.tenant_id = %(tenant_id)s AND w.id = %(website_id)s
    ON CONFLICT (tenant_id, website_id, day, origin) DO UPDATE
   SET first_at = least(r.first_at, excluded.first_at), last_at = greatest(r.last_at, excluded.last_at),
       times = greatest(r.times, excluded.times)
"""


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often an origin was refused, and when. An empty ``origin`` stands for all that were too many to name."""

    origin: str
    first_at: datetime
    last_at: datetime
    times: int


def store_refusals(website_id: UUID, day: date, refusals: Iterable[Refusals]) -> None:
    """Writes a day's figures of one of the active tenant's websites."""
    tenant_id = active_tenant_id()
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "tenant_id": tenant_id,
            "website_id": website_id,
            "day": day,
            "origin": one.origin,
            "first_at": one.first_at,
            "last_at": one.last_at,
            "times": one.times,
        }
        for one in refusals
    ]
    with connection.cursor() as cursor:
        cursor.executemany(_STORE, rows)


def refusals_of(website: Website) -> list[Refusals]:
    """The last month's, the latest first."""
    rows = (
        RefusedOrigin.objects.filter(website=website, day__gte=timezone.now().date() - timedelta(days=KEPT_DAYS))
        .values("origin")
        .annotate(first=Min("first_at"), last=Max("last_at"), sum=Sum("times"))
        .order_by("-last")[:_SHOWN]
    )
    return [Refusals(row["origin"], row["first"], row["last"], row["sum"]) for row in rows]


def delete_old_refusals() -> int:
    """Gives the number of rows, each of which is an origin's day."""
    return each_tenant("door_tenants_with_old_refusals", _delete_old, reason="refused origins of last month")


def _delete_old() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM refused_origins WHERE tenant_id = %s AND day < current_date - %s",
            [active_tenant_id(), KEPT_DAYS],
        )
        return int(cursor.rowcount)
