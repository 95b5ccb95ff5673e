"""Counting turns, in a real Redis and without one: exact, all or nothing, and on Redis's clock."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from uuid import uuid4

import pytest

from sessions.errors import QuotaExceededError, RateLimitedError
from sessions.limits import admission, shared
from sessions.limits.admission import admit_start, admit_turn, count_tokens, give_back_turn
from sessions.limits.local import LocalCounter
from sessions.limits.rules import DAY, Budget, Question, Rate
from sessions.redis_link import RedisLink, close_redis, redis_link
from tenants.doors import Limits, TokenLife, WebsiteProfile
from tests.sessions.talk import USUAL_POLICY

HOME = ip_address("192.0.2.7")
ELSEWHERE = ip_address("192.0.2.8")


def website(**limits: Any) -> WebsiteProfile:
    """Of a tenant of its own, whose limits nobody meets but those that are named."""
    plenty = Limits(1_000_000, 1_000_000, 1_000_000, None, None, None, None)
    return WebsiteProfile(
        tenant_id=uuid4(),
        website_id=uuid4(),
        domain="shop.example",
        title="Shop",
        site_key="pk_shop",
        require_session_token=True,
        is_active=True,
        hosts=frozenset({"shop.example"}),
        double_send="enqueue",
        quota_message="",
        time_zone="UTC",
        limits=replace(plenty, **limits),
        token_life=TokenLife(token_idle_days=30, token_lifetime_days=180),
        privacy=USUAL_POLICY,
    )


async def outcome(asked: Any) -> str:
    """``ok``, the name of the limit that refused, or ``day``."""
    try:
        await asked
    except RateLimitedError as error:
        return error.limit
    except QuotaExceededError:
        return "day"
    return "ok"


@pytest.fixture(autouse=True)
async def link() -> AsyncIterator[RedisLink]:
    yield redis_link()
    await close_redis()


@pytest.fixture
async def lost(link: RedisLink) -> None:
    """Redis is away, as far as this process knows."""
    link.lose(ConnectionError())
    assert link.is_away


# -- rates


@pytest.mark.parametrize("most", [1, 7, 40])
async def test_exactly_so_many_of_a_hundred_at_once_pass(most: int) -> None:
    shop = website(session_turns_per_minute=most)
    outcomes = await asyncio.gather(*(outcome(admit_turn(shop, "session_1", HOME)) for _ in range(100)))
    assert sorted(outcomes) == ["ok"] * most + ["session"] * (100 - most)


async def test_each_limit_counts_its_own() -> None:
    shop = website(session_turns_per_minute=2, network_turns_per_minute=3, tenant_turns_per_minute=4)
    asked = [("a", HOME), ("a", HOME), ("a", HOME), ("b", HOME), ("c", HOME), ("c", ELSEWHERE), ("d", ELSEWHERE)]
    outcomes = [await outcome(admit_turn(shop, session, address)) for session, address in asked]
    assert outcomes == ["ok", "ok", "session", "ok", "network", "ok", "tenant"]
    neighbour = replace(shop, website_id=uuid4())
    assert await outcome(admit_turn(neighbour, "a", HOME)) == "tenant"
    assert await outcome(admit_turn(website(), "a", HOME)) == "ok"


async def test_network_is_an_ipv4_address_or_an_ipv6_household() -> None:
    shop = website(network_turns_per_minute=1)
    addresses = ["2001:db8::1", "2001:db8::ffff", "2001:db8:0:1::1", "192.0.2.7", "192.0.2.8"]
    outcomes = [await outcome(admit_turn(shop, f"s{n}", ip_address(text))) for n, text in enumerate(addresses)]
    assert outcomes == ["ok", "network", "ok", "ok", "ok"]


async def test_refused_request_uses_up_nothing_of_the_other_limits(link: RedisLink) -> None:
    shop = website(session_turns_per_minute=1, network_turns_per_minute=3, website_turns_per_day=3)
    assert await outcome(admit_turn(shop, "a", HOME)) == "ok"
    for _ in range(10):
        assert await outcome(admit_turn(shop, "a", HOME)) == "session"
    assert [await outcome(admit_turn(shop, name, HOME)) for name in "bcd"] == ["ok", "ok", "day"]


async def test_limit_refills_one_by_one() -> None:
    shop = website(session_turns_per_minute=600)  # one every 100 ms
    assert await outcome(asyncio.gather(*(admit_turn(shop, "a", HOME) for _ in range(600)))) == "ok"
    with pytest.raises(RateLimitedError) as refused:
        await asyncio.gather(*(admit_turn(shop, "a", HOME) for _ in range(20)))
    assert refused.value.retry_after_seconds == 1
    await asyncio.sleep(0.35)
    outcomes = [await outcome(admit_turn(shop, "a", HOME)) for _ in range(20)]
    assert 3 <= outcomes.count("ok") <= 6


async def test_lowered_limit_holds_nobody_longer_than_a_minute() -> None:
    shop = website(session_turns_per_minute=1)
    assert await outcome(admit_turn(shop, "a", HOME)) == "ok"
    slower = replace(shop, limits=replace(shop.limits, session_turns_per_minute=1_000))
    assert await outcome(admit_turn(slower, "a", HOME)) == "session"
    with pytest.raises(RateLimitedError) as refused:
        await admit_turn(slower, "a", HOME)
    assert refused.value.retry_after_seconds == 1


async def test_starts_are_counted_apart_from_turns() -> None:
    shop = website(network_turns_per_minute=2, website_turns_per_day=1)
    assert [await outcome(admit_start(shop, HOME)) for _ in range(3)] == ["ok", "ok", "network"]
    assert [await outcome(admit_turn(shop, "a", HOME)) for _ in range(2)] == ["ok", "day"]


async def test_neither_address_nor_session_id_lies_in_redis(link: RedisLink) -> None:
    shop = website(session_turns_per_minute=1, network_turns_per_minute=1, tenant_turns_per_minute=1)
    await admit_turn(shop, "session_of_alice", HOME)
    keys = [str(key) for key in await link.ask("KEYS", f"parlour:limits:{{{shop.tenant_id}}}:*")]
    assert len(keys) == 5
    assert not [key for key in keys if "alice" in key or str(HOME) in key]


async def test_everything_in_redis_expires(link: RedisLink) -> None:
    shop = website(session_turns_per_minute=1, network_turns_per_minute=1, tenant_turns_per_minute=1)
    await admit_turn(shop, "session_of_alice", HOME)
    keys = await link.ask("KEYS", f"parlour:limits:{{{shop.tenant_id}}}:*")
    seconds = sorted([await link.ask("TTL", key) for key in keys])
    assert [59 <= left <= 60 for left in seconds[:3]] == [True] * 3
    assert [2 * DAY - 2 <= left <= 2 * DAY for left in seconds[3:]] == [True] * 2


# -- the day


async def test_turns_of_a_day_are_a_budget_of_website_and_tenant() -> None:
    shop = website(website_turns_per_day=2, tenant_turns_per_day=3)
    assert [await outcome(admit_turn(shop, "a", HOME)) for _ in range(3)] == ["ok", "ok", "day"]
    neighbour = replace(shop, website_id=uuid4())
    assert [await outcome(admit_turn(neighbour, "a", HOME)) for _ in range(2)] == ["ok", "day"]


async def test_exactly_the_day_s_turns_pass_at_once() -> None:
    shop = website(website_turns_per_day=17)
    outcomes = await asyncio.gather(*(outcome(admit_turn(shop, f"s{n}", HOME)) for n in range(100)))
    assert sorted(outcomes) == ["day"] * 83 + ["ok"] * 17


async def test_tokens_of_a_day_end_it_once_a_turn_passed_them() -> None:
    shop = website(website_tokens_per_day=100)
    first = await admit_turn(shop, "a", HOME)
    await count_tokens(first, 99)
    second = await admit_turn(shop, "a", HOME)
    await count_tokens(second, 5_000)
    assert await outcome(admit_turn(shop, "a", HOME)) == "day"
    neighbour = replace(shop, website_id=uuid4())
    assert await outcome(admit_turn(neighbour, "a", HOME)) == "ok"


async def test_turn_that_is_given_back_does_not_count_against_the_day() -> None:
    shop = website(website_turns_per_day=1)
    allowance = await admit_turn(shop, "a", HOME)
    await give_back_turn(allowance)
    await give_back_turn(allowance)
    assert [await outcome(admit_turn(shop, "a", HOME)) for _ in range(2)] == ["ok", "day"]


async def test_owner_s_words_and_the_day_s_end_are_in_the_refusal() -> None:
    shop = replace(website(website_turns_per_day=1), quota_message="Call us: 01632 960 142", time_zone="Asia/Tokyo")
    await admit_turn(shop, "a", HOME)
    with pytest.raises(QuotaExceededError) as refused:
        await admit_turn(shop, "a", HOME)
    assert refused.value.message == "Call us: 01632 960 142"
    seconds_left = DAY - (time.time() + 9 * 3600) % DAY
    assert refused.value.retry_after_seconds == pytest.approx(seconds_left, abs=3)


async def test_day_begins_at_the_tenant_s_midnight_by_redis_s_clock(link: RedisLink) -> None:
    """Moves midnight about instead of the clock: an offset that makes today's last second, then tomorrow's first."""
    now = int((await link.client.time())[0])
    before_midnight = (DAY - 30 - now) % DAY
    key = f"parlour:limits:test:{uuid4()}"

    async def ask(offset: int) -> Any:
        return await shared.decide(link, Question((), (Budget(key, 1, None),), offset))

    first, spent, tomorrow = [await ask(before_midnight), await ask(before_midnight), await ask(before_midnight + 60)]
    assert (first.refused_by, spent.refused_by, tomorrow.refused_by) == (None, 0, None)
    assert tomorrow.day == first.day + 1
    assert 0 < spent.wait <= 30_000_000
    assert (await ask(before_midnight)).refused_by == 0, "a process whose offset lags must not open yesterday again"


async def test_tokens_of_a_day_that_is_over_are_nobody_s(link: RedisLink) -> None:
    key = f"parlour:limits:test:{uuid4()}"
    today = await shared.decide(link, Question((), (Budget(key, None, 10),)))
    await shared.count(link, [key], today.day - 1, tokens=10)
    assert (await shared.decide(link, Question((), (Budget(key, None, 10),)))).refused_by is None
    await shared.count(link, [key], today.day, tokens=10)
    assert (await shared.decide(link, Question((), (Budget(key, None, 10),)))).refused_by == 0


def test_unknown_time_zone_is_utc() -> None:
    assert admission._utc_offset_seconds("Atlantis/Sunken") == 0
    assert admission._utc_offset_seconds("Asia/Tokyo") == 9 * 3600


# -- the clock


@pytest.mark.parametrize("hours", [-1, 1])
async def test_clock_of_a_process_an_hour_off_changes_nothing(monkeypatch: pytest.MonkeyPatch, hours: int) -> None:
    shop = website(session_turns_per_minute=2, website_turns_per_day=3)
    assert [await outcome(admit_turn(shop, "a", HOME)) for _ in range(3)] == ["ok", "ok", "session"]
    real = time.time()

    class WrongDatetime(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.fromtimestamp(real + hours * 3600, tz)

    monkeypatch.setattr(time, "time", lambda: real + hours * 3600)
    monkeypatch.setattr(admission, "datetime", WrongDatetime)
    assert await outcome(admit_turn(shop, "a", HOME)) == "session"
    assert [await outcome(admit_turn(shop, "b", HOME)) for _ in range(2)] == ["ok", "day"]
    with pytest.raises(QuotaExceededError) as refused:
        await admit_turn(shop, "b", HOME)
    assert refused.value.retry_after_seconds == pytest.approx(DAY - real % DAY, abs=3)


# -- the header fields


async def test_headers_tell_the_visitor_s_own_limits() -> None:
    shop = website(session_turns_per_minute=6, network_turns_per_minute=60)
    await admit_turn(shop, "a", HOME)
    allowance = await admit_turn(shop, "a", HOME)
    assert allowance.headers == {
        "RateLimit-Policy": '"session";q=6;w=60, "network";q=60;w=60',
        "RateLimit": '"session";r=4;t=20, "network";r=58;t=2',
    }


async def test_headers_of_a_refusal_agree_with_retry_after() -> None:
    shop = website(session_turns_per_minute=6, network_turns_per_minute=60, tenant_turns_per_minute=1)
    await admit_turn(shop, "a", HOME)
    with pytest.raises(RateLimitedError) as refused:
        await admit_turn(shop, "a", HOME)
    assert refused.value.retry_after_seconds == 60
    assert refused.value.headers == {
        "RateLimit-Policy": '"session";q=6;w=60, "network";q=60;w=60, "tenant";q=1;w=60',
        "RateLimit": '"session";r=5;t=10, "network";r=59;t=1, "tenant";r=0;t=60',
    }


# -- without Redis


async def test_process_counts_for_itself_while_redis_is_away(lost: None) -> None:
    shop = website(session_turns_per_minute=3, website_turns_per_day=5)
    outcomes = await asyncio.gather(*(outcome(admit_turn(shop, "a", HOME)) for _ in range(10)))
    assert sorted(outcomes) == ["ok"] * 3 + ["session"] * 7
    assert [await outcome(admit_turn(shop, "b", HOME)) for _ in range(3)] == ["ok", "ok", "day"]


async def test_process_counts_tokens_for_itself_while_redis_is_away(lost: None) -> None:
    shop = website(tenant_tokens_per_day=10)
    await count_tokens(await admit_turn(shop, "a", HOME), 10)
    assert await outcome(admit_turn(shop, "a", HOME)) == "day"


def test_local_counter_refills_and_begins_days() -> None:
    now = datetime(2026, 3, 1, 23, 59, 40, tzinfo=UTC).timestamp()
    clock = {"monotonic": 1_000.0, "wall": now}
    counter = LocalCounter(lambda: clock["monotonic"], lambda: clock["wall"])
    question = Question((Rate("session", "a", 6),), (Budget("day", 7, None),))

    def asked(times: int) -> list[int | None]:
        return [counter.decide(question).refused_by for _ in range(times)]

    assert asked(7) == [None] * 6 + [0]
    clock["monotonic"] += 10
    assert asked(2) == [None, 1]
    assert counter.decide(question).wait == 20_000_000
    clock["monotonic"], clock["wall"] = clock["monotonic"] + 10, clock["wall"] + 20
    assert asked(2) == [None, 0]


def test_local_counter_forgets_the_longest_untouched() -> None:
    counter = LocalCounter(size=100)

    def ask(name: str) -> int | None:
        return counter.decide(Question((Rate("session", name, 1),), (Budget(f"day {name}", None, None),))).refused_by

    assert ask("first") is None
    assert [ask(f"other {n}") for n in range(1_000)] == [None] * 1_000
    assert (len(counter._moments), len(counter._spent)) == (100, 100)
    assert (ask("other 999"), ask("first")) == (0, None)
