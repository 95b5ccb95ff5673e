"""Work over many tenants: one scope after another, never all at once."""

import time
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from psycopg import sql
from structlog.contextvars import bound_contextvars

from tenants.errors import TenantsFailedError
from tenants.scoping import tenant_scope

log = structlog.get_logger(__name__)

SECONDS_A_TENANT: Final = 25.0
"""So that one tenant with much to do leaves time for the others."""

SECONDS_A_ROUND: Final = 200.0
"""Less than CELERY_TASK_SOFT_TIME_LIMIT by more than any chunk takes. What is left waits for the next round."""

LONGEST_REST_SECONDS: Final = 0.25
"""After a chunk. One that takes longer than that works outside of the database, too."""


def each_tenant(door: str, chunk: Callable[[], int], *, reason: str) -> int:
    """Calls ``chunk`` for the tenants that ``door`` names, each call in a scope of its own, until it gives 0.

    ``chunk`` does a bounded piece of work and gives how much; the sum is given back. A tenant has ``SECONDS_A_TENANT``
    and the round ``SECONDS_A_ROUND``, looked at between two calls: whoever is not reached is left to the next round,
    in another order. Where ``chunk`` raises, the error is logged, the other tenants have their turn, and
    ``TenantsFailedError`` is raised at the end. The worker's own time limit ends the round.
    """
    return each_tenant_outside_scopes(door, lambda tenant_id: _in_scope(tenant_id, chunk), reason=reason)


def each_tenant_outside_scopes(door: str, chunk: Callable[[UUID], int], *, reason: str) -> int:
    """As ``each_tenant``, for a ``chunk`` that waits for something else than the database and opens its own scopes."""
    return each_of_tenants(tenants_behind(door), chunk, reason=reason)


def each_of_tenants(tenant_ids: Iterable[UUID], chunk: Callable[[UUID], int], *, reason: str) -> int:
    """As ``each_tenant_outside_scopes``, for tenants that something else than a door names."""
    total, failed, end = 0, 0, time.monotonic() + SECONDS_A_ROUND
    waiting = list(tenant_ids)
    while waiting and time.monotonic() < end:
        tenant_id = waiting.pop()
        try:
            with bound_contextvars(tenant_id=tenant_id):
                done = _work_off(tenant_id, chunk, end)
        except SoftTimeLimitExceeded:
            raise  # the worker's time is over, whosever turn it was
        except Exception:  # whatever stops one tenant must not stop the others; it is raised below
            log.exception("a round failed for a tenant", job=reason, tenant_id=tenant_id)
            connection.close_if_unusable_or_obsolete()
            failed += 1
        else:
            log.info("a round is done with a tenant", job=reason, rows=done, tenant_id=tenant_id)
            total += done
    if waiting:
        log.warning("a round is out of time", job=reason, tenants=len(waiting))
    if failed:
        raise TenantsFailedError(failed)
    return total


def tenants_behind(door: str, *values: int) -> list[UUID]:
    """Those that ``door`` names, which may take ``values``.

    In a random order: were it always the same, a round cut short would leave out the same tenants every time.
    """
    places = sql.SQL(", ").join([sql.Placeholder()] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT * FROM {}({}) ORDER BY random()").format(sql.Identifier(door), places), list(values)
        )
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def _in_scope(tenant_id: UUID, chunk: Callable[[], int]) -> int:
    with tenant_scope(tenant_id):
        return chunk()


def _work_off(tenant_id: UUID, chunk: Callable[[UUID], int], end: float) -> int:
    total, deadline = 0, min(end, time.monotonic() + SECONDS_A_TENANT)
    while (began_at := time.monotonic()) < deadline:
        done = chunk(tenant_id)
        total += done
        if not done:
            break
        _rest(time.monotonic() - began_at)
    return total


def _rest(worked_seconds: float) -> None:
    """As long as it worked: the database is a job's for half of the time at most, for visitors are waiting."""
    time.sleep(min(worked_seconds, LONGEST_REST_SECONDS))
