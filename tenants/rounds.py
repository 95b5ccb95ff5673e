"""Work over many tenants: one scope after another, never all at once."""

import logging
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

from django.db import connection
from psycopg import sql

from tenants.scoping import tenant_scope

log = logging.getLogger(__name__)

SECONDS_A_TENANT: Final = 25.0
"""A task longer than the broker's patience is delivered again; the next round goes on where this one stopped."""


def each_tenant(door: str, chunk: Callable[[], int], *, reason: str) -> int:
    """Calls ``chunk`` for every tenant that ``door`` names, each call in a scope of its own, until it gives 0.

    ``chunk`` does a bounded piece of work and gives how much. The sum is given back, and logged with ``reason``.
    """
    total = 0
    for tenant_id in _tenants_behind(door):
        done = _work_off(tenant_id, chunk)
        log.info("%s: %d rows of tenant %s", reason, done, tenant_id)
        total += done
    return total


def _tenants_behind(door: str) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("SELECT * FROM {}()").format(sql.Identifier(door)))
        return [tenant_id for (tenant_id,) in cursor.fetchall()]


def _work_off(tenant_id: UUID, chunk: Callable[[], int]) -> int:
    total, deadline = 0, time.monotonic() + SECONDS_A_TENANT
    while time.monotonic() < deadline:
        with tenant_scope(tenant_id):
            done = chunk()
        total += done
        if not done:
            break
    return total
