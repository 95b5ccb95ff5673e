"""Tries are counted before they are made: no number of them at once passes more than may."""

import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import RequestFactory

from tenants.models import Throttle as ThrottleRow
from tenants.throttle import Throttle, network_behind


@pytest.fixture
def throttle() -> Throttle:
    return Throttle(f"test {secrets.token_hex(8)}", most=5, seconds=900)


def age(throttle: Throttle, seconds: int, *who: str) -> None:
    """Moves the end of the window so far into the past."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE throttles SET expires_at = expires_at - make_interval(secs => %s) WHERE key = %s",
            [seconds, throttle._key(who)],
        )


def test_throttle_lets_so_many_through_and_tells_the_wait(throttle: Throttle) -> None:
    answers = [throttle.take("alice") for _ in range(7)]
    assert answers[:5] == [None] * 5
    assert [wait is not None and 890 < wait <= 900 for wait in answers[5:]] == [True, True]


def test_throttle_counts_each_apart(throttle: Throttle) -> None:
    for _ in range(6):
        throttle.take("alice", "10.0.0.1")
    others = [("alice", "10.0.0.2"), ("bob", "10.0.0.1"), ("alice10.0.0.1",), ("alice", "10.0.0.1", "")]
    assert [throttle.take(*who) for who in others] == [None] * 4


def test_throttle_ends_with_its_time_and_the_last_try_begins_it(throttle: Throttle) -> None:
    for _ in range(4):
        throttle.take("alice")
    age(throttle, 600, "alice")
    assert throttle.take("alice") is None
    wait = throttle.take("alice")
    assert wait is not None
    assert 890 < wait <= 900
    age(throttle, 901, "alice")
    assert [throttle.take("alice") for _ in range(5)] == [None] * 5
    assert throttle.take("alice") is not None


def test_refused_tries_do_not_make_the_wait_longer(throttle: Throttle) -> None:
    for _ in range(5):
        throttle.take("alice")
    age(throttle, 600, "alice")
    waits = [throttle.take("alice") for _ in range(20)]
    assert [wait is not None and wait <= 300 for wait in waits] == [True] * 20


def test_good_try_is_taken_back(throttle: Throttle) -> None:
    for _ in range(20):
        assert throttle.take("alice") is None
        throttle.forgive("alice")
    for _ in range(5):
        throttle.take("alice")
    throttle.clear("alice")
    assert throttle.take("alice") is None


def test_a_hundred_tries_at_once_pass_as_many_as_may(throttle: Throttle) -> None:
    def one(_: int) -> bool:
        try:
            return throttle.take("alice") is None
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(one, range(100))) == 5


def test_table_tells_nobodys_name_and_is_swept(throttle: Throttle) -> None:
    throttle.take("alice", "10.0.0.1")
    row = ThrottleRow.objects.get(key=throttle._key(("alice", "10.0.0.1")))
    assert (len(row.key), b"alice" in bytes(row.key)) == (32, False)
    age(throttle, 901, "alice", "10.0.0.1")
    # A sweep takes fifty; other tests leave rows behind, too.
    for _ in range(20):
        throttle.take("bob")
    assert ThrottleRow.objects.filter(key=throttle._key(("alice", "10.0.0.1"))).exists() is False


@pytest.mark.parametrize(("proxies", "network"), [(0, "192.0.2.1"), (1, "198.51.100.7"), (2, "203.0.113.9")])
def test_network_is_believed_as_far_as_our_proxies_wrote_it(settings: LazySettings, proxies: int, network: str) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    headers = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert network_behind(RequestFactory().get("/", headers=headers, REMOTE_ADDR="192.0.2.1")) == network
