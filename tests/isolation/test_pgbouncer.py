"""Behind PgBouncer two server connections serve everybody: what one tenant set must not be there for the next."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import connection, connections

from tenants.database import Statement, close_chat_pool, in_tenant, open_chat_pool, through_door
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.isolation.pgbouncer import PROGRAM, SERVER_CONNECTIONS, running_pgbouncer

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="PgBouncer is not installed: apt-get install pgbouncer")

TENANTS = 5
ROUNDS = 30
LIST: Statement = ("SELECT title, pg_backend_pid() AS server FROM websites", {})


@pytest.fixture
def pooled(database: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """New connections, of the chat pool as of the ORM in new threads, go through PgBouncer."""
    with running_pgbouncer() as port:
        monkeypatch.setitem(settings.DATABASES["default"], "PORT", str(port))
        monkeypatch.setitem(connections.settings["default"], "PORT", str(port))
        yield port


def orm_visits(tenant: Tenant) -> list[str]:
    """What pages see of websites, and what they see after their scope: in a thread, as a page has."""
    seen: list[str] = []
    try:
        for _ in range(ROUNDS):
            with tenant_scope(tenant.id):
                seen += Website.objects.values_list("title", flat=True)
                with connection.cursor() as cursor:
                    cursor.execute("SELECT title FROM websites")  # past the manager: the database alone
                    seen += [title for (title,) in cursor.fetchall()]
            with connection.cursor() as cursor:
                cursor.execute("SELECT 'seen without a scope: ' || title FROM websites")
                seen += [title for (title,) in cursor.fetchall()]
    finally:
        connection.close()
    return seen


async def chat_visits(tenant: Tenant) -> list[str]:
    seen: list[str] = []
    for _ in range(ROUNDS):
        [rows] = await in_tenant(tenant.id, [LIST])
        seen += [row["title"] for row in rows]
        rows = await through_door("SELECT 'seen without a tenant: ' || title AS title FROM websites", {})
        seen += [row["title"] for row in rows]
    return seen


async def failing_visits(tenant: Tenant) -> None:
    """Transactions that break off in the middle leave nothing behind either."""
    for _ in range(ROUNDS):
        with pytest.raises(psycopg.errors.DivisionByZero):
            await in_tenant(tenant.id, [LIST, ("SELECT 1 / 0", {})])


@pytest.fixture
def tenants(cast: Cast) -> list[Tenant]:
    """Each with one website, whose title is the tenant's name."""
    made = [cast.tenant(f"Tenant {number}") for number in range(TENANTS)]
    for tenant in made:
        cast.website(tenant, title=tenant.name)
    return made


async def test_tenants_that_share_server_connections_see_their_own_rows(tenants: list[Tenant], pooled: int) -> None:
    await open_chat_pool()
    try:
        pages = [asyncio.to_thread(orm_visits, tenant) for tenant in tenants]
        chats = [chat_visits(tenant) for tenant in tenants]
        *seen, _ = await asyncio.gather(*pages, *chats, failing_visits(tenants[0]))
        servers = [await in_tenant(tenants[0].id, [LIST]) for _ in range(ROUNDS)]
    finally:
        await close_chat_pool()
    by_pages = [Counter({tenant.name: 2 * ROUNDS}) for tenant in tenants]
    by_chats = [Counter({tenant.name: ROUNDS}) for tenant in tenants]
    assert [Counter(titles) for titles in seen] == by_pages + by_chats
    assert len({rows[0]["server"] for [rows] in servers}) <= SERVER_CONNECTIONS
