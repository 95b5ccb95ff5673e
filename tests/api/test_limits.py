"""Limits and budgets over real HTTP: what a visitor is told, what counts, and that chat outlives Redis."""

import os
import secrets
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from redis import Redis as RedisClient

from tenants.models import Tenant, Website
from tests.cast import Cast
from tests.faults.stack import Redis
from tests.live_server import LiveServer, start_server
from tests.redis_server import own_redis
from tests.visitor import Visitor

LIMIT_HEADERS = ("RateLimit-Policy", "RateLimit", "Retry-After")


LIMIT_OF_SENTENCE = {
    "You are writing very fast. Please wait a moment.": "session",
    "Many messages come from your network right now. Please try again in a moment.": "network",
    "Many people are chatting here right now. Please try again in a moment.": "tenant",
}


class Shop(NamedTuple):
    tenant: Tenant
    website: Website


def make_shop(cast: Cast, website: dict[str, Any] | None = None, **limits: Any) -> Shop:
    tenant = cast.tenant(**limits)
    return Shop(tenant, cast.website(tenant, agents=[cast.agent()], **(website or {})))


def status_and_code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "")


def outcomes(responses: list[httpx.Response]) -> list[str]:
    """``ok``, the limit that refused, or another code."""
    return ["ok" if response.is_success else _refusal(response.json()) for response in responses]


def _refusal(body: dict[str, Any]) -> str:
    code: str = body["code"]
    return LIMIT_OF_SENTENCE.get(body["message"], code)


def test_answer_tells_what_is_left(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, session_turns_per_minute=6, network_turns_per_minute=60).website.domain)
    response = visitor.post("Hello")
    assert [response.headers.get(name) for name in LIMIT_HEADERS] == [
        '"session";q=6;w=60, "network";q=60;w=60',
        '"session";r=5;t=10, "network";r=59;t=1',
        None,
    ]


def test_stream_tells_what_is_left(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, session_turns_per_minute=6, network_turns_per_minute=60).website.domain)
    body = {"message": "Hello", "session_id": visitor.session_id}
    headers = {"Accept": "text/event-stream", **visitor.all_headers}
    response = server.http.post("/api/v1/chat/", json=body, headers=headers)
    assert response.headers["content-type"] == "text/event-stream"
    assert response.headers["RateLimit"] == '"session";r=5;t=10, "network";r=59;t=1'


def test_refusal_after_admission_tells_what_is_left(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, session_turns_per_minute=6, network_turns_per_minute=60).website.domain)
    visitor.say("Hello", message_id="message_0001")
    response = visitor.post("Something else", message_id="message_0001")
    assert status_and_code(response) == (409, "message_id_reused")
    assert response.headers["RateLimit"] == '"session";r=4;t=20, "network";r=58;t=2'


def test_session_that_writes_too_fast_is_told_how_long_to_wait(
    server: LiveServer, cast: Cast, rows_written: Any
) -> None:
    shop = make_shop(cast, session_turns_per_minute=2, network_turns_per_minute=60)
    visitor = Visitor(server, shop.website.domain)
    assert [visitor.post("Hello").status_code for _ in range(2)] == [200, 200]
    before = rows_written()
    for stream in (False, True):
        if stream:
            visitor.headers["Accept"] = "text/event-stream"
        response = visitor.post("Hello")
        seconds = int(response.headers["Retry-After"])
        assert 25 <= seconds <= 30
        assert response.headers["content-type"] == "application/json"
        assert response.json() == {
            "code": "rate_limited",
            "message": "You are writing very fast. Please wait a moment.",
            "status": 429,
        }
        assert response.headers["RateLimit"].endswith(f'"session";r=0;t={seconds}')
        assert response.headers["Access-Control-Allow-Origin"] == visitor.headers["Origin"]
        assert response.headers["Access-Control-Expose-Headers"] == (
            "Parlour-Replayed, Parlour-Request-Id, RateLimit, RateLimit-Policy, Retry-After"
        )
    assert rows_written() == before
    assert Visitor(server, shop.website.domain).post("Hello").status_code == 200


def test_exactly_so_many_of_a_hundred_at_once_are_answered(server: LiveServer, cast: Cast) -> None:
    domain = make_shop(cast, network_turns_per_minute=20).website.domain
    visitors = [Visitor(server, domain) for _ in range(100)]
    began = time.monotonic()
    with ThreadPoolExecutor(25) as threads:
        responses = list(threads.map(lambda visitor: visitor.post("Hello"), visitors))
    refilled = (time.monotonic() - began) / 3  # one every three seconds
    assert 20 <= outcomes(responses).count("ok") <= 20 + refilled
    assert set(outcomes(responses)) == {"ok", "network"}


def test_network_and_tenant_are_limited_over_all_sessions(server: LiveServer, cast: Cast) -> None:
    shop = make_shop(cast, network_turns_per_minute=2, turns_per_minute=3)
    neighbour = cast.website(shop.tenant, agents=[cast.agent()])
    responses = [Visitor(server, shop.website.domain).post("Hello") for _ in range(3)]
    responses += [Visitor(server, neighbour.domain).post("Hello") for _ in range(2)]
    assert outcomes(responses) == ["ok", "ok", "network", "ok", "tenant"]
    assert "tenant" not in responses[0].headers["RateLimit"]
    assert responses[-1].json()["message"] == "Many people are chatting here right now. Please try again in a moment."
    assert Visitor(server, make_shop(cast).website.domain).post("Hello").status_code == 200


def test_starting_sessions_is_limited_apart_from_turns(server: LiveServer, cast: Cast, rows_written: Any) -> None:
    domain = make_shop(cast, network_turns_per_minute=2).website.domain
    visitors = [Visitor(server, domain) for _ in range(3)]
    responses = [visitor.start() for visitor in visitors[:2]]
    before = rows_written()
    responses.append(visitors[2].start())
    assert rows_written() == before
    assert outcomes(responses) == ["ok", "ok", "network"]
    assert responses[0].headers["RateLimit"] == '"network";r=1;t=30'
    assert visitors[0].post("Hello").status_code == 200


# -- the day


def test_spent_budget_is_told_in_the_owners_words(server: LiveServer, cast: Cast, rows_written: Any) -> None:
    words = {"turns_per_day": 2, "quota_message": "Bitte rufen Sie uns an: 01632 960 142"}
    shop = make_shop(cast, website=words, time_zone="Asia/Tokyo")
    visitor = Visitor(server, shop.website.domain)
    assert [visitor.post("Hello").status_code for _ in range(2)] == [200, 200]
    before = rows_written()
    response = visitor.post("Hello")
    left = 86_400 - (time.time() + 9 * 3600) % 86_400
    assert int(response.headers["Retry-After"]) == pytest.approx(left, abs=5)
    assert response.json() == {
        "code": "quota_exceeded",
        "message": "Bitte rufen Sie uns an: 01632 960 142",
        "status": 429,
    }
    assert f'"day";r=0;t={response.headers["Retry-After"]}' in response.headers["RateLimit"]
    assert rows_written() == before


def test_spent_budget_without_words_of_the_owner_is_told_in_ours(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, turns_per_day=1).website.domain)
    visitor.say("Hello")
    response = visitor.post("Hello")
    assert status_and_code(response) == (429, "quota_exceeded")
    assert response.json()["message"] == ("The assistant has answered all it can for today. Please come back tomorrow.")


def test_tokens_of_the_answers_are_counted(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, website={"tokens_per_day": 10}).website.domain)
    usage = visitor.say("What can you tell me about your opening hours?")["usage"]
    assert sum(usage.values()) >= 10
    deadline = time.monotonic() + 5  # they are counted just after the answer has gone
    while (response := visitor.post("Hello")).status_code == 200:
        assert time.monotonic() < deadline
    assert status_and_code(response) == (429, "quota_exceeded")


def test_replays_and_refusals_do_not_count_against_the_day(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, website={"turns_per_day": 2}).website.domain)
    first = visitor.say("My name is Alice", message_id="message_0001")
    for _ in range(3):
        assert visitor.say("My name is Alice", message_id="message_0001") == first
    assert visitor.post("Other words", message_id="message_0001").status_code == 409
    time.sleep(0.2)  # given back just after the refusal has gone
    assert visitor.post("Hello").status_code == 200
    assert status_and_code(visitor.post("Hello")) == (429, "quota_exceeded")


# -- the address


@pytest.fixture(scope="module")
def behind_a_proxy(database: None) -> Iterator[LiveServer]:
    with start_server(TRUSTED_PROXY_COUNT="1") as started:
        yield started


def from_addresses(server: LiveServer, domain: str, *forwarded_for: str) -> list[str]:
    """What a new visitor of each address is told."""
    responses = []
    for entries in forwarded_for:
        visitor = Visitor(server, domain)
        visitor.headers["X-Forwarded-For"] = entries
        responses.append(visitor.post("Hello"))
    return outcomes(responses)


def test_forged_address_changes_nothing_without_a_proxy(server: LiveServer, cast: Cast) -> None:
    domain = make_shop(cast, network_turns_per_minute=2).website.domain
    forged = ("198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4, 198.51.100.5", "nonsense", "")
    assert from_addresses(server, domain, *forged) == ["ok", "ok", *["network"] * 4]


def test_proxy_names_the_visitor_and_what_stands_left_of_it_is_forged(behind_a_proxy: LiveServer, cast: Cast) -> None:
    domain = make_shop(cast, network_turns_per_minute=2).website.domain
    entries = ("198.51.100.1", "203.0.113.1, 198.51.100.1", "203.0.113.2, 198.51.100.1", "203.0.113.3, 198.51.100.2")
    assert from_addresses(behind_a_proxy, domain, *entries) == ["ok", "ok", "network", "ok"]


def test_forged_headers_break_nothing(behind_a_proxy: LiveServer, cast: Cast) -> None:
    domain = make_shop(cast).website.domain
    garbage = ("", ",", "unknown", "::", "[::1", "999.999.999.999", "1" * 5_000, "a, b, c", "%00", "<script>")
    assert from_addresses(behind_a_proxy, domain, *garbage) == ["ok"] * len(garbage)


def test_household_of_ipv6_is_one_visitor(behind_a_proxy: LiveServer, cast: Cast) -> None:
    domain = make_shop(cast, network_turns_per_minute=1).website.domain
    entries = ("2001:db8:1:1::1", "2001:db8:1:1:ffff::1", "2001:db8:1:2::1")
    assert from_addresses(behind_a_proxy, domain, *entries) == ["ok", "network", "ok"]


def test_no_address_is_stored_or_logged(cast: Cast, tmp_path: Path) -> None:
    domain = make_shop(cast, network_turns_per_minute=1).website.domain
    address = "198.51.100.77"
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        start_server(TRUSTED_PROXY_COUNT="1", log=stream) as server,
        RedisClient.from_url(os.environ["REDIS_URL"]) as redis,
    ):
        assert from_addresses(server, domain, address, address) == ["ok", "network"]
        kept = [key for key in redis.keys("*") if address.encode() in key]
    assert kept == []
    assert address not in log.read_text()


# -- without Redis


@pytest.fixture
def redis() -> Iterator[Redis]:
    with own_redis() as started:
        yield started


def limits_part(server: LiveServer) -> tuple[int, str, str]:
    response = server.http.get("/readyz")
    return response.status_code, response.json()["status"], response.json()["parts"]["limits"]


def test_chat_outlives_redis_with_limits_of_each_process(cast: Cast, redis: Redis, tmp_path: Path) -> None:
    domain = make_shop(cast, session_turns_per_minute=3).website.domain
    log = tmp_path / "log"
    with log.open("wb") as stream, start_server(REDIS_URL=redis.url, log=stream) as server:
        assert limits_part(server)[2] == "ok"
        visitor = Visitor(server, domain)
        assert [visitor.post("Hello").status_code for _ in range(4)] == [200, 200, 200, 429]

        redis.kill()
        visitor = Visitor(server, domain)
        began = time.monotonic()
        assert [visitor.post("Hello").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert time.monotonic() - began < 2
        assert limits_part(server) == (200, "degraded", "Redis is away: limits are counted per process")

        redis.start()
        deadline = time.monotonic() + 15
        while limits_part(server)[2] != "ok":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        visitor = Visitor(server, domain)
        assert [visitor.post("Hello").status_code for _ in range(4)] == [200, 200, 200, 429]
    lines = [line.partition("sessions.redis_link: ")[2].partition("  ")[0] for line in log.read_text().splitlines()]
    assert [line for line in lines if line] == [
        "Redis is away: until it is back, limits are counted per process",
        "Redis is back: limits are counted for all processes together again",
    ]


def test_chat_does_not_wait_for_a_redis_that_hangs(cast: Cast, redis: Redis) -> None:
    domain = make_shop(cast).website.domain
    with start_server(REDIS_URL=redis.url) as server:
        Visitor(server, domain).say("Hello")
        redis.pause()
        visitor = Visitor(server, domain, session_id=f"s_{secrets.token_hex(12)}")
        began = time.monotonic()
        visitor.say("Hello")
        assert time.monotonic() - began < 1
        began = time.monotonic()
        for _ in range(5):
            visitor.say("Hello")
        assert time.monotonic() - began < 1


def test_spent_budget_does_not_hold_back_what_it_has_paid_for(server: LiveServer, cast: Cast) -> None:
    visitor = Visitor(server, make_shop(cast, website={"turns_per_day": 1}).website.domain)
    first = visitor.say("Hello", message_id="message_0001")
    again = visitor.post("Hello", message_id="message_0001")
    assert (again.json(), again.headers["Parlour-Replayed"]) == (first, "true")
    assert status_and_code(visitor.post("Hello", message_id="message_0002")) == (429, "quota_exceeded")
    assert status_and_code(visitor.post("Other words", message_id="message_0001")) == (409, "message_id_reused")
