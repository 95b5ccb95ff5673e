"""Logging in is limited in tries, tells nobody who exists, and its session ends."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.admin.shops import ADMIN, Shop
from tests.cast import Cast

LOGIN = f"{ADMIN}login/"
RIGHT = "a long password"
LOCKED = "Too many tries. Please wait 15 minutes, then try again."

Enter = Callable[[User], Client]


@pytest.fixture
def address() -> str:
    """Of a network that no other test comes from."""
    return f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1"


def browser(address: str) -> Client:
    return Client(headers={"Host": "localhost"}, REMOTE_ADDR=address)


def log_in(client: Client, name: str, password: str, **headers: Any) -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, **headers)


def sentence(page: Any) -> str:
    return str(page.context["form"].non_field_errors()[0])


def test_right_password_gets_in(alice: Shop, address: str) -> None:
    response = log_in(browser(address), alice.owner.username, RIGHT)
    assert (response.status_code, response["Location"]) == (302, ADMIN)


def test_sixth_try_is_refused_even_with_the_right_password(alice: Shop, address: str) -> None:
    client = browser(address)
    answers = [log_in(client, alice.owner.username, "wrong").status_code for _ in range(5)]
    page = log_in(client, alice.owner.username, RIGHT)
    assert (answers, page.status_code, sentence(page)) == ([200] * 5, 429, LOCKED)
    assert LOCKED in page.text
    assert 890 < int(page["Retry-After"]) <= 900
    assert client.get(ADMIN).status_code == 302


def test_lock_is_of_that_name_from_that_network(alice: Shop, bob: Shop, address: str) -> None:
    client = browser(address)
    for name in (alice.owner.username, alice.owner.username.upper(), f" {alice.owner.username}") * 2:
        log_in(client, name, "wrong")
    assert log_in(client, alice.owner.username, RIGHT).status_code == 429
    assert log_in(browser(address[:-1] + "2"), alice.owner.username, RIGHT).status_code == 429
    assert log_in(browser("192.0.2.77"), alice.owner.username, RIGHT).status_code == 302
    assert log_in(client, bob.owner.username, RIGHT).status_code == 302


def test_right_password_forgets_the_wrong_ones(alice: Shop, address: str) -> None:
    for _ in range(3):
        answers = [log_in(browser(address), alice.owner.username, "wrong").status_code for _ in range(4)]
        assert answers == [200] * 4
        assert log_in(browser(address), alice.owner.username, RIGHT).status_code == 302


def test_many_names_from_one_network_are_limited(address: str) -> None:
    answers = [log_in(browser(address), f"nobody-{number}", "wrong").status_code for number in range(101)]
    assert answers == [200] * 100 + [429]


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The passwords that were looked at."""
    seen: list[str] = []
    encode = MD5PasswordHasher.encode

    def noting(self: Any, password: str, salt: str) -> str:
        seen.append(password)
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", noting)
    return seen


def test_of_tries_at_once_as_few_are_looked_at_as_of_one_after_another(
    alice: Shop, address: str, hashed: list[str]
) -> None:
    def one(_: int) -> int:
        try:
            return int(log_in(browser(address), alice.owner.username, "wrong").status_code)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(one, range(40)))
    assert answers == [200] * 5 + [429] * 35
    assert hashed == ["wrong"] * 5


def test_lock_ends(alice: Shop, address: str) -> None:
    for _ in range(6):
        log_in(browser(address), alice.owner.username, "wrong")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE throttles SET expires_at = expires_at - interval '15 minutes'")
    assert log_in(browser(address), alice.owner.username, RIGHT).status_code == 302


@pytest.mark.parametrize(("proxies", "last"), [(0, 429), (1, 200)])
def test_forwarded_address_counts_only_behind_a_trusted_proxy(
    settings: LazySettings, alice: Shop, address: str, proxies: int, last: int
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    answers = [
        log_in(browser(address), alice.owner.username, "wrong", headers={"X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(6)
    ]
    assert [page.status_code for page in answers] == [200] * 5 + [last]


def test_login_answers_alike_whoever_exists(cast: Cast, alice: Shop, address: str) -> None:
    """A member, somebody switched off, somebody who is no staff, and nobody: five wrong tries and the locks."""
    off, no_staff = cast.staff(), cast.staff()
    User.objects.filter(pk=off.pk).update(is_active=False)
    User.objects.filter(pk=no_staff.pk).update(is_staff=False)
    told = set()
    for name in (alice.owner.username, off.username, no_staff.username, f"nobody-{secrets.token_hex(6)}"):
        pages = [log_in(browser(address), name, "wrong") for _ in range(6)]
        told.add(tuple((page.status_code, sentence(page)) for page in pages))
    # Those two do not get in with the right password either, and are not told why.
    for name in (off.username, no_staff.username):
        page = log_in(browser("192.0.2.78"), name, RIGHT)
        told.add(((page.status_code, sentence(page)),) * 5 + ((429, LOCKED),))
    assert len(told) == 1


def test_login_hashes_a_password_for_everybody(cast: Cast, alice: Shop, address: str, hashed: list[str]) -> None:
    """The work, which is what a clock outside would see, is the same for a name that nobody has."""
    off = cast.staff()
    User.objects.filter(pk=off.pk).update(is_active=False)
    hashed.clear()
    work = []
    for name in (alice.owner.username, off.username, f"nobody-{secrets.token_hex(6)}"):
        hashed.clear()
        log_in(browser(address), name, "wrong")
        work.append(len(hashed))
    assert work == [1, 1, 1]


def test_empty_form_counts_for_nobody(alice: Shop, address: str) -> None:
    for _ in range(10):
        assert log_in(browser(address), alice.owner.username, "").status_code == 200
    assert log_in(browser(address), alice.owner.username, RIGHT).status_code == 302


def test_session_is_a_new_one_after_login_and_gone_after_logout(alice: Shop, address: str) -> None:
    client = browser(address)
    client.post("/invitation/open/", {"token": "x"})
    session = client.session  # what somebody may have planted
    session["planted"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    log_in(client, alice.owner.username, RIGHT)
    key = client.session.session_key
    assert key not in (None, session.session_key)
    assert Session.objects.filter(pk=session.session_key).exists() is False
    client.post(f"{ADMIN}logout/")
    assert Session.objects.filter(pk=key).exists() is False
    client.cookies["sessionid"] = str(key)
    assert client.get(ADMIN).status_code == 302


def test_session_ends_twelve_hours_after_its_last_request(alice: Shop, address: str) -> None:
    client = browser(address)
    response = log_in(client, alice.owner.username, RIGHT)
    assert response.cookies["sessionid"]["max-age"] == 12 * 3600
    session = client.session
    assert "sessionid" not in client.get(ADMIN).cookies  # not at every request
    session["written_at"] -= 301
    session.save()
    assert client.get(ADMIN).cookies["sessionid"]["max-age"] == 12 * 3600
    row = Session.objects.get(pk=session.session_key)
    Session.objects.filter(pk=row.pk).update(expire_date=timezone.now())
    assert client.get(ADMIN).status_code == 302


def test_new_password_ends_the_other_sessions(enter: Enter, alice: Shop) -> None:
    here, there = enter(alice.owner), enter(alice.owner)
    fields = {"old_password": RIGHT, "new_password1": "seven wet horses", "new_password2": "seven wet horses"}
    assert here.post(f"{ADMIN}password_change/", fields).status_code == 302
    assert (here.get(ADMIN).status_code, there.get(ADMIN).status_code) == (200, 302)
