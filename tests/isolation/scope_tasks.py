"""Tasks that a worker under test runs: with a scope, without one, and with one that an error leaves."""

import os
from uuid import UUID

from celery import shared_task
from django.conf import settings
from django.db import connection
from redis import Redis

from tenants.errors import TenantScopeMissingError
from tenants.models import Website
from tenants.scoping import tenant_scope


def tell(key: str, seen: str) -> None:
    """What was seen, and by which process."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.rpush(key, f"{os.getpid()} {seen}")


@shared_task
def look_without_a_scope(key: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM websites")
        (rows,) = cursor.fetchone()
    try:
        tell(key, f"{Website.objects.count()} websites")
    except TenantScopeMissingError:
        tell(key, f"no scope, {rows} rows")


@shared_task
def look_in_scope(key: str, tenant_id: str) -> None:
    with tenant_scope(UUID(tenant_id)):
        tell(key, ", ".join(Website.objects.values_list("title", flat=True)))


@shared_task
def fail_in_scope(key: str, tenant_id: str) -> None:
    with tenant_scope(UUID(tenant_id)):
        tell(key, "fails")
        raise RuntimeError("as the test wants it")
