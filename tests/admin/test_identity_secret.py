"""The website's identity secret, as its people make, replace and lose it."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from tenants.identity_secrets import open_identity_secrets
from tenants.models import Website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, switch_to

Enter = Callable[[User], Client]

SHOWN = re.compile(r'<code id="identity-secret">(is_[A-Za-z0-9_-]{43})</code>')


def page_of(shop: Shop) -> str:
    return shop.pages()["website"] + "identity-secret/"


def kept(shop: Shop) -> list[str]:
    """The secrets that the website has, opened: the current one, and the one before it."""
    with tenant_scope(shop.tenant.pk):
        saved = Website.objects.get(pk=shop.website.pk)
    sealed = (saved.identity_secret_sealed, saved.former_identity_secret_sealed)
    return open_identity_secrets(saved.tenant_id, saved.pk, sealed)


def make(client: Client, shop: Shop, **fields: str) -> str:
    [secret] = SHOWN.findall(client.post(page_of(shop), fields).text)
    return str(secret)


def test_new_secret_is_shown_once_and_kept_sealed(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    assert "None yet" in client.get(page_of(alice)).text
    answer = client.post(page_of(alice))
    [secret] = SHOWN.findall(answer.text)
    assert "no-store" in answer["Cache-Control"]
    assert kept(alice) == [secret]
    with tenant_scope(alice.tenant.pk):
        assert secret.encode() not in bytes(Website.objects.get(pk=alice.website.pk).identity_secret_sealed)
    everywhere = [
        client.get(address).text
        for address in (
            page_of(alice),
            alice.pages()["website"] + "change/",
            alice.pages()["website"] + "history/",
            f"{ADMIN}tenants/website/",
            ADMIN,
        )
    ]
    assert [page for page in everywhere if secret in page or secret[3:] in page] == []
    assert "<dt>Identity secret made at</dt>" in everywhere[2]
    assert [cookie for cookie in client.cookies.values() if secret in cookie.value] == []
    assert [one for one in Session.objects.all() if secret in str(one.get_decoded())] == []
    assert [entry for entry in LogEntry.objects.all() if secret in entry.change_message] == []


def test_replacing_keeps_the_former_one_unless_it_has_leaked(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    first, second = make(client, alice), make(client, alice)
    assert kept(alice) == [second, first]
    assert "is believed until" in client.get(page_of(alice)).text
    third = make(client, alice, former_ends="on")
    assert kept(alice) == [third]
    assert "is believed until" not in client.get(page_of(alice)).text
    notes = [entry.change_message for entry in LogEntry.objects.filter(user=alice.owner).order_by("pk")]
    assert notes == ["Made a new identity secret."] * 2 + [
        "Made a new identity secret. The one before it ended at once."
    ]


def test_auditor_sees_whether_there_is_one_and_cannot_make_one(enter: Enter, alice: Shop) -> None:
    secret = make(enter(alice.owner), alice)
    client = enter(alice.auditor)
    page = client.get(page_of(alice)).text
    assert (">Set</span>" in page, "<button" in page.partition('id="content-main"')[2]) == (True, False)
    assert client.post(page_of(alice)).status_code == 403
    assert kept(alice) == [secret]


@pytest.mark.parametrize("method", ["get", "post"])
def test_foreign_website_is_answered_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop, method: str) -> None:
    secret = make(enter(bob.owner), bob)
    client = enter(alice.owner)
    unknown_id = str(alice.agent.pk)
    foreign = getattr(client, method)(page_of(bob))
    unknown = getattr(client, method)(f"{ADMIN}tenants/website/{unknown_id}/identity-secret/")
    assert (foreign.status_code, foreign["Location"]) == (unknown.status_code, unknown["Location"]) == (302, ADMIN)
    assert kept(bob) == [secret]


def test_operator_makes_one_where_it_has_entered(enter: Enter, operator: User, alice: Shop) -> None:
    client = enter(operator)
    assert client.post(page_of(alice))["Location"] == ADMIN
    assert kept(alice) == []
    switch_to(client, alice.tenant)
    assert kept(alice) == [] != [make(client, alice)] == kept(alice)


def test_making_one_needs_the_forms_own_token(alice: Shop) -> None:
    client = Client(headers={"Host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(alice.owner)
    assert client.post(page_of(alice)).status_code == 403
    assert kept(alice) == []


def test_stranger_is_sent_to_the_login_page(alice: Shop) -> None:
    answer: Any = Client(headers={"Host": "localhost"}).post(page_of(alice))
    assert (answer.status_code, answer["Location"].startswith("/admin/login/")) == (302, True)
    assert kept(alice) == []
