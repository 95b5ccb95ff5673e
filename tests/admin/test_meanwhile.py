"""What somebody else did to a row between a form's reading it and its saving it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from agents.models import ModelConnection
from tenants.identity_secrets import make_identity_secret
from tenants.models import Website
from tenants.registration import unprove_website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop
from tests.cast import Cast

Enter = Callable[[User], Client]

NO_ROWS = {"website_agents-TOTAL_FORMS": "0", "website_agents-INITIAL_FORMS": "0"}


def done_elsewhere(deed: Callable[[], None]) -> None:
    try:
        deed()
    finally:
        connection.close()


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], None]], None]:
    """Lets something happen, in a transaction of its own, once the next form has read its row."""

    def happen(deed: Callable[[], None]) -> None:
        clean = forms.BaseModelForm.full_clean

        def interrupted(form: Any) -> None:
            monkeypatch.setattr(forms.BaseModelForm, "full_clean", clean)
            with ThreadPoolExecutor(1) as pool:
                pool.submit(done_elsewhere, deed).result(timeout=20)
            clean(form)

        monkeypatch.setattr(forms.BaseModelForm, "full_clean", interrupted)

    return happen


def test_replaced_secret_and_withdrawn_proof_stay_so(
    enter: Enter, alice: Shop, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    def leak_and_lose() -> None:
        with tenant_scope(alice.tenant.pk):
            make_identity_secret(alice.website, keep_former=False)
            unprove_website(Website.objects.get(pk=alice.website.pk))

    def secret_and_proof() -> tuple[bytes, bool, str]:
        with tenant_scope(alice.tenant.pk):
            saved = Website.objects.get(pk=alice.website.pk)
            return bytes(saved.identity_secret_sealed), saved.is_proved, saved.title

    client = enter(alice.owner)
    with tenant_scope(alice.tenant.pk):
        make_identity_secret(alice.website)
    before = secret_and_proof()
    meanwhile(leak_and_lose)
    fields = {"title": "New title", "double_send": "enqueue", **NO_ROWS}
    assert client.post(alice.pages()["website"] + "change/", fields).status_code == 302
    secret, is_proved, title = secret_and_proof()
    assert (secret != before[0], is_proved, title) == (True, False, "New title")


def test_password_that_was_changed_meanwhile_stays_so(
    cast: Cast, enter: Enter, operator: User, meanwhile: Callable[[Callable[[], None]], None]
) -> None:
    person = cast.staff()
    meanwhile(lambda: cast.let_log_in(User.objects.get(pk=person.pk), "another long password"))
    fields = {"username": person.username, "email": "new@example.com", "is_active": "on", "is_staff": "on"}
    assert enter(operator).post(f"{ADMIN}auth/user/{person.pk}/change/", fields).status_code == 302
    saved = User.objects.get(pk=person.pk)
    assert (saved.email, saved.password != person.password) == ("new@example.com", True)


def test_key_of_a_connection_is_saved_when_it_is_typed(enter: Enter, alice: Shop) -> None:
    def sealed() -> bytes:
        with tenant_scope(alice.tenant.pk):
            return bytes(ModelConnection.objects.get(pk=alice.connection.pk).api_key_sealed)

    client, before = enter(alice.owner), sealed()
    timeouts = ("connect_timeout_seconds", "first_token_timeout_seconds", "idle_timeout_seconds")
    fields = {name: str(getattr(alice.connection, name)) for name in ("name", "base_url", *timeouts)}
    assert client.post(alice.pages()["connection"] + "change/", fields).status_code == 302
    assert sealed() == before
    assert client.post(alice.pages()["connection"] + "change/", {**fields, "api_key": "sk-new"}).status_code == 302
    assert sealed() != before
