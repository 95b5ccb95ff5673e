"""API keys as staff make and revoke them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from tenants.api_key_hmac import fits
from tenants.models import ApiKey, Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, make_shop, sentences
from tests.admin.test_websites import errors
from tests.cast import Cast

Enter = Callable[[User], Client]

LIST = f"{ADMIN}tenants/apikey/"
NEW = {"name": "Help desk", "scopes": ["chat"], "expires_at_0": "", "expires_at_1": ""}


def keys_of(tenant: Tenant) -> list[ApiKey]:
    with tenant_scope(tenant.pk):
        return list(ApiKey.objects.order_by("created_at"))


def everything_about(tenant: Tenant) -> list[Any]:
    with tenant_scope(tenant.pk):
        return list(ApiKey.objects.order_by("created_at").values())


def shown_key(page: str) -> str:
    [key] = set(re.findall(r"sk_[0-9a-f]{12}_[A-Za-z0-9_-]{43}", page))
    return str(key)


def stored(*tables: str) -> str:
    with connections["owner"].cursor() as cursor:
        rows = []
        for table in tables:
            cursor.execute(f"SELECT t::text FROM {table} t")  # noqa: S608  names of this file
            rows += [text for (text,) in cursor.fetchall()]
    return "\n".join(rows)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_key_is_made_and_shown_once(cast: Cast, enter: Enter, alice: Shop, role: str) -> None:
    user = cast.staff((alice.tenant, role))
    client = enter(user)
    response = client.post(f"{LIST}add/", {**NEW, "scopes": ["chat", "sessions:read"]})
    assert response.status_code == 200
    assert "no-store" in response["Cache-Control"]
    key = shown_key(response.text)
    row = keys_of(alice.tenant)[-1]
    assert (row.name, row.scopes, row.expires_at, row.created_by_id) == (
        "Help desk",
        ["chat", "sessions:read"],
        None,
        user.pk,
    )
    assert fits(key, row.hmac_key_id, bytes(row.secret_hmac))
    secret = key[16:]
    pages = [client.get(LIST + path).text for path in ("", f"{row.pk}/change/", f"{row.pk}/history/", "add/")]
    assert [f"sk_{row.prefix}_…" in page for page in pages] == [True, True, False, False]
    assert [page for page in pages if secret in page] == []
    everywhere = stored("api_keys", "django_session", "django_admin_log")
    assert row.prefix in everywhere
    assert [form for form in (secret, secret.encode().hex()) if form in everywhere] == []


def test_key_expires_when_it_is_told_to(enter: Enter, alice: Shop) -> None:
    """In the tenant's time zone, as the rest of the page."""
    enter(alice.owner).post(f"{LIST}add/", {**NEW, "expires_at_0": "2099-03-01", "expires_at_1": "09:00"})
    assert keys_of(alice.tenant)[-1].expires_at == datetime(2099, 3, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"name": ""}, "name", "This field is required."),
        ({"name": "x" * 81}, "name", "Ensure this value has at most 80 characters (it has 81)."),
        ({"scopes": []}, "scopes", "This field is required."),
        (
            {"scopes": ["chat", "everything"]},
            "scopes",
            "Select a valid choice. everything is not one of the available choices.",
        ),
        ({"expires_at_0": "2020-01-01", "expires_at_1": "00:00"}, "expires_at", "This moment is over already."),
        ({"expires_at_0": "soon", "expires_at_1": "00:00"}, "expires_at", "Enter a valid date."),
    ],
)
def test_key_that_makes_no_sense_is_refused(
    enter: Enter, alice: Shop, change: dict[str, Any], field: str, sentence: str
) -> None:
    before = everything_about(alice.tenant)
    response = enter(alice.owner).post(f"{LIST}add/", {**NEW, **change})
    assert errors(response, field) == [sentence]
    assert re.findall(r"sk_[0-9a-f]{12}_", response.text) == []
    assert everything_about(alice.tenant) == before


def test_the_form_cannot_choose_tenant_or_secret(enter: Enter, alice: Shop, bob: Shop) -> None:
    chosen = {"tenant": str(bob.tenant.pk), "tenant_id": str(bob.tenant.pk), "prefix": "0" * 12, "secret_hmac": "00"}
    before = everything_about(bob.tenant)
    key = shown_key(enter(alice.owner).post(f"{LIST}add/", {**NEW, **chosen}).text)
    row = keys_of(alice.tenant)[-1]
    assert row.prefix == key[3:15] != "0" * 12
    assert everything_about(bob.tenant) == before


def test_revoking_asks_first_and_keeps_the_row(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    address = f"{LIST}{alice.api_key.pk}/"
    before = everything_about(alice.tenant)
    assert f'href="{address}revoke/"' in client.get(address + "change/").text
    assert "Revoke Key of Alpha?" in client.get(address + "revoke/").text
    assert everything_about(alice.tenant) == before
    response = client.post(address + "revoke/")
    assert (response.status_code, response["Location"]) == (302, LIST)
    assert sentences(response) == ["Key of Alpha is revoked: within seconds it opens nothing any more."]
    [row] = keys_of(alice.tenant)
    assert row.revoked_at is not None
    page = client.get(LIST).text
    assert ("Key of Alpha" in page, page.count(">Revoked</span>")) == (True, 1)
    assert f'href="{address}revoke/"' not in client.get(address + "change/").text
    assert list(LogEntry.objects.filter(object_id=str(row.pk)).values_list("change_message", flat=True)) == ["Revoked."]


def test_revoked_key_stays_revoked_since_then(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    client.post(f"{LIST}{alice.api_key.pk}/revoke/")
    before = everything_about(alice.tenant)
    client.post(f"{LIST}{alice.api_key.pk}/revoke/")
    for action in ("change/", "delete/"):
        assert client.post(f"{LIST}{alice.api_key.pk}/{action}", {**NEW, "post": "yes"}).status_code == 403
    assert everything_about(alice.tenant) == before


def test_foreign_key_is_revoked_by_nobody_and_answered_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    before = everything_about(bob.tenant)
    answers = []
    for key_id in (str(bob.api_key.pk), str(uuid4())):
        for method in (client.get, client.post):
            response = method(f"{LIST}{key_id}/revoke/")
            said = [sentence.replace(key_id, "...") for sentence in sentences(response)]
            answers.append((response.status_code, response["Location"], said))
            client.get(ADMIN)
    assert len({str(answer) for answer in answers}) == 1
    assert answers[0][0] == 302
    assert everything_about(bob.tenant) == before


def test_auditor_reads_the_list_and_makes_and_revokes_nothing(enter: Enter, alice: Shop) -> None:
    client = enter(alice.auditor)
    address = f"{LIST}{alice.api_key.pk}/"
    page = client.get(LIST).text
    assert ("Key of Alpha" in page, f"{LIST}add/" in page) == (True, False)
    assert f"{address}revoke/" not in client.get(address + "change/").text
    before = everything_about(alice.tenant)
    responses = [client.get(f"{LIST}add/"), client.post(f"{LIST}add/", NEW)]
    responses += [client.get(address + "revoke/"), client.post(address + "revoke/")]
    assert [response.status_code for response in responses] == [403] * 4
    assert everything_about(alice.tenant) == before


def test_revoking_needs_the_forms_own_token(alice: Shop) -> None:
    client = Client(headers={"Host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(alice.owner)
    before = everything_about(alice.tenant)
    assert client.post(f"{LIST}{alice.api_key.pk}/revoke/").status_code == 403
    assert client.post(f"{LIST}add/", NEW).status_code == 403
    assert everything_about(alice.tenant) == before


def test_list_tells_state_scopes_and_last_use(cast: Cast, enter: Enter, alice: Shop) -> None:
    expired, _ = cast.api_key(alice.tenant, "chat", expires_at=datetime.now(UTC) - timedelta(hours=1))
    cast.change(expired, last_used_at=datetime(2026, 3, 1, 20, 10, tzinfo=UTC))
    page = enter(alice.owner).get(LIST).text
    assert [page.count(f'">{words}</span>') for words in ("Active", "Expired", "Revoked")] == [1, 1, 0]
    assert [
        page.count(f">{words}</td>")
        for words in ("chat, read and export conversations, erase conversations", "chat", "Never")
    ] == [1, 1, 2]
    assert "March 2, 2026, 5:10 a.m." in page


def test_empty_list_says_what_a_key_is_for(cast: Cast, enter: Enter) -> None:
    tenant = cast.tenant()
    client = enter(cast.staff((tenant, "owner")))
    page = client.get(LIST).text
    assert "No API keys yet." in page
    assert "your own server talks to your agents without a browser" in page
    assert "Authorization: Bearer $PARLOUR_KEY" in page
    assert "website_domain" not in page


def test_example_names_a_website_where_one_must_be_named(cast: Cast, enter: Enter) -> None:
    shop = make_shop(cast, "Several")
    other = cast.website(shop.tenant, f"another-{shop.tenant.slug}.localhost", agents=[shop.agent])
    page = enter(shop.owner).post(f"{LIST}add/", NEW).text
    assert f'"metadata": {{"website_domain": "{other.domain}"}}' in page
