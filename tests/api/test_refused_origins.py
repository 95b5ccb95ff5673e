"""Origins that tried a website's key and were refused are counted for its owner, and nothing else of them is kept."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from redis import Redis

from sessions.refusal_counts import flush_refused_origins
from sessions.refusals import DUE_KEY, ORIGINS_A_DAY
from tenants.models import RefusedOrigin, Tenant, Website
from tenants.refused_origins import Refusals, refusals_of, store_refusals
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer, start_server
from tests.redis_server import own_redis
from tests.visitor import Visitor
from tests.waiting import wait_until

Counter = Callable[[], dict[str, str]]
STRANGER = "https://stranger.example"


def counted(website: Website) -> dict[str, int]:
    """What Redis has counted of today, by origin."""
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        [*keys] = redis.scan_iter(f"parlour:refused:*:{website.pk}:*")
        fields = {name: value for key in keys for name, value in redis.hgetall(key).items()}
    return {name[1:]: int(value) for name, value in fields.items() if name.startswith("n")}


def written(website: Website) -> dict[str, int]:
    with tenant_scope(website.tenant_id):
        return {one.origin: one.times for one in refusals_of(website)}


def knock(server: LiveServer, origin: str | None, key: str | None, *, at: str = "header", **more: Any) -> None:
    """A request that is refused."""
    headers = {"Origin": origin, "X-Parlour-Key": key if at == "header" else None}
    response = server.http.get(
        "/api/v1/widget/config/",
        params={"site_key": key} if at == "query" else {},
        headers={name: value for name, value in {**headers, **more}.items() if value is not None},
    )
    assert (response.status_code, response.json()["code"]) == (403, "origin_not_allowed")


@pytest.mark.parametrize("at", ["header", "query"])
def test_refused_origin_is_counted_and_written_down(server: LiveServer, website: Website, at: str) -> None:
    before = datetime.now(UTC) - timedelta(seconds=2)
    for _ in range(3):
        knock(server, STRANGER, website.site_key, at=at)
    wait_until(lambda: counted(website) == {STRANGER: 3})
    flush_refused_origins()
    flush_refused_origins()  # twice is harmless
    assert written(website) == {STRANGER: 3}
    knock(server, STRANGER, website.site_key, at=at)
    wait_until(lambda: counted(website) == {STRANGER: 4})
    flush_refused_origins()
    with tenant_scope(website.tenant_id):
        [one] = refusals_of(website)
    assert (one.origin, one.times) == (STRANGER, 4)
    assert before <= one.first_at <= one.last_at <= datetime.now(UTC) + timedelta(seconds=2)


def test_every_call_with_the_key_counts(server: LiveServer, website: Website, rows_written: Counter) -> None:
    visitor = Visitor(server, website.domain)
    visitor.headers = {"Origin": STRANGER, "X-Parlour-Key": website.site_key}
    before = rows_written()
    for response in (visitor.post("A canary"), visitor.start(), visitor.messages(), visitor.config()):
        assert response.status_code == 403
    wait_until(lambda: counted(website) == {STRANGER: 4})
    assert rows_written() == before


def test_key_of_another_website_counts_there(server: LiveServer, cast: Cast, website: Website, tenant: Tenant) -> None:
    other = cast.website(tenant, agents=[cast.agent()])
    knock(server, server.origin(website.domain), other.site_key)
    wait_until(lambda: counted(other) == {server.origin(website.domain): 1})
    assert counted(website) == {}


def test_registered_origin_is_not_counted(server: LiveServer, website: Website) -> None:
    visitor = Visitor(server, website.domain)
    visitor.headers["X-Parlour-Key"] = website.site_key
    assert visitor.config().status_code == 200
    assert visitor.config(site_key=website.site_key).status_code == 200
    knock(server, STRANGER, website.site_key)
    wait_until(lambda: counted(website) == {STRANGER: 1})


def test_key_in_the_query_must_fit_the_origin(server: LiveServer, cast: Cast, website: Website, tenant: Tenant) -> None:
    other = cast.website(tenant, agents=[cast.agent()])
    knock(server, server.origin(website.domain), other.site_key, at="query")


def test_unknown_key_and_missing_key_leave_nothing(server: LiveServer, website: Website) -> None:
    before = _all_keys()
    for key in (None, "", "pk_" + secrets.token_urlsafe(18), "nonsense", "pk_" + "x" * 500, website.site_key[:-1]):
        knock(server, STRANGER, key)
    knock(server, None, website.site_key)
    knock(server, STRANGER, website.site_key)  # comes after them
    wait_until(lambda: counted(website) == {STRANGER: 1})
    assert {key for key in _all_keys() - before if str(website.pk) not in key} == set()


def _all_keys() -> set[str]:
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        return set(redis.scan_iter("parlour:refused:*")) - {DUE_KEY}


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("null", "null"),
        ("http://192.168.1.20:3000", "http://192.168.1.20:3000"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("chrome-extension://abcdef", ""),
        ("https://user:secret@stranger.example", ""),
        ("https://stranger.example/path?canary", ""),
        ("HTTPS://Stranger.example", ""),
        ("https://" + "x" * 400, ""),
    ],
)
def test_origins_are_counted_as_browsers_write_them(
    server: LiveServer, website: Website, origin: str, name: str
) -> None:
    knock(server, origin, website.site_key)
    wait_until(lambda: counted(website) == {name: 1})


def test_nothing_else_of_the_request_is_kept(server: LiveServer, website: Website) -> None:
    knock(
        server,
        STRANGER,
        website.site_key,
        **{"X-Forwarded-For": "203.0.113.77", "User-Agent": "canary", "Referer": f"{STRANGER}/canary"},
    )
    wait_until(lambda: counted(website) == {STRANGER: 1})
    flush_refused_origins()
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        [key] = redis.scan_iter(f"parlour:refused:*:{website.pk}:*")
        assert redis.hgetall(key).keys() == {f"n{STRANGER}", f"f{STRANGER}", f"l{STRANGER}"}
        assert 0 < redis.ttl(key) <= 172_800
    with tenant_scope(website.tenant_id):
        [row] = RefusedOrigin.objects.values()
    assert row.keys() == {
        "id",
        "tenant_id",
        "created_at",
        "website_id",
        "day",
        "origin",
        "first_at",
        "last_at",
        "times",
    }


def test_origins_past_the_first_hundred_are_counted_together(server: LiveServer, website: Website) -> None:
    many = [f"https://{number}.stranger.example" for number in range(ORIGINS_A_DAY + 20)]
    for number, origin in enumerate(many, start=1):
        knock(server, origin, website.site_key)
        wait_until(lambda number=number: sum(counted(website).values()) == number)  # type: ignore[misc]
    knock(server, many[0], website.site_key)
    knock(server, many[-1], website.site_key)
    expected = {**dict.fromkeys(many[:ORIGINS_A_DAY], 1), many[0]: 2, "": 21}
    wait_until(lambda: counted(website) == expected)


def test_refusals_are_answered_while_redis_is_away() -> None:
    with own_redis() as redis, start_server(REDIS_URL=redis.url) as server:
        redis.kill()
        for _ in range(20):
            knock(server, STRANGER, "pk_demo_bakery_mill_lane")


def test_month_old_refusals_are_deleted(website: Website) -> None:
    now = datetime.now(UTC)
    with tenant_scope(website.tenant_id):
        for days in (0, 30, 31, 60):
            at = now - timedelta(days=days)
            store_refusals(website.pk, at.date(), [Refusals(f"https://{days}.example", at, at, 1)])
    flush_refused_origins()
    with tenant_scope(website.tenant_id):
        kept = set(RefusedOrigin.objects.values_list("origin", flat=True))
    assert kept - {"https://30.example"} == {"https://0.example"}


def test_refusals_of_a_website_are_summed_over_its_days(website: Website) -> None:
    now = datetime.now(UTC)
    with tenant_scope(website.tenant_id):
        for days, times in ((0, 5), (1, 7)):
            at = now - timedelta(days=days)
            store_refusals(website.pk, at.date(), [Refusals(STRANGER, at, at, times)])
        assert refusals_of(website) == [Refusals(STRANGER, now - timedelta(days=1), now, 12)]


def test_foreign_websites_figures_are_neither_written_nor_read(cast: Cast, website: Website) -> None:
    now = datetime.now(UTC)
    with tenant_scope(website.tenant_id):
        store_refusals(website.pk, now.date(), [Refusals(STRANGER, now, now, 5)])
    with tenant_scope(cast.tenant().pk):
        store_refusals(website.pk, now.date(), [Refusals("https://canary.example", now, now, 9)])
        assert (refusals_of(website), RefusedOrigin.objects.count()) == ([], 0)
    assert written(website) == {STRANGER: 5}


def test_deleted_websites_figures_are_dropped(server: LiveServer, cast: Cast, tenant: Tenant) -> None:
    website = cast.website(tenant)
    knock(server, STRANGER, website.site_key)
    wait_until(lambda: counted(website) == {STRANGER: 1})
    with tenant_scope(tenant.pk):
        Website.objects.filter(pk=website.pk).delete()
    flush_refused_origins()
    with tenant_scope(tenant.pk):
        assert RefusedOrigin.objects.count() == 0
