"""A form is saved in the tenant it was made in, or not at all."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.identifiers import OPERATOR_ID
from tenants.models import ApiKey, Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, switch_to
from tests.admin.test_every_address import LIST_ROUTES, OBJECT_ROUTES, ROUTES, at_rest, page_of, rows_of
from tests.cast import Cast

Enter = Callable[[User], Client]

ADD_KEY = f"{ADMIN}tenants/apikey/add/"
KEY = {"name": "Help desk", "scopes": ["chat"], "expires_at_0": "", "expires_at_1": ""}
POST_FORM = re.compile(r'<form[^>]*method="post".*?</form>', re.DOTALL)
MADE_IN = re.compile(r'<input type="hidden" name="_made_in" value="([^"]*)">')
ADD_ROUTES = [route for route in ROUTES if route.endswith("/add/")]


@pytest.fixture
def both(cast: Cast, alice: Shop, bob: Shop) -> User:
    return cast.staff((alice.tenant, "owner"), (bob.tenant, "owner"))


def hidden_of(client: Client, page: str) -> dict[str, str]:
    """What the page's own form would send of itself."""
    [form] = [form for form in POST_FORM.findall(client.get(page).text) if 'id="apikey_form"' in form]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form))


def keys_in(*tenants: Tenant) -> list[list[str]]:
    found = []
    for tenant in tenants:
        with tenant_scope(tenant.pk):
            found.append(list(ApiKey.objects.order_by("created_at").values_list("name", flat=True)))
    return found


def test_form_of_a_tenant_that_was_left_in_another_tab_writes_nothing(
    enter: Enter, both: User, alice: Shop, bob: Shop
) -> None:
    client = enter(both)
    switch_to(client, alice.tenant)
    stale = {**KEY, **hidden_of(client, ADD_KEY)}
    switch_to(client, bob.tenant)
    before = at_rest()
    response = client.post(ADD_KEY, stale)
    assert (response.status_code, response.context["title"]) == (409, "You have changed to Tenant Bravo")
    assert f'<button name="tenant" value="{alice.tenant.pk}"' in response.text
    assert at_rest() == before
    assert client.post(ADD_KEY, {**KEY, **hidden_of(client, ADD_KEY), "name": "Bob's"}).status_code == 200
    switch_to(client, alice.tenant)
    assert client.post(ADD_KEY, stale).status_code == 200
    assert keys_in(alice.tenant, bob.tenant) == [["Key of Alpha", "Help desk"], ["Key of Bravo", "Bob's"]]


FIELDS: dict[str, Any] = {"post": "yes", "title": "Moved", "key": "moved", "role": "admin", **KEY}


def address_of(route: str, row: str) -> str:
    return ADMIN + route.replace("<path:object_id>", row).replace("<id>", row)


@pytest.mark.parametrize("desk", [False, True], ids=["in a tenant", "at the operator's desk"])
def test_every_address_refuses_a_form_of_another_tenant(
    enter: Enter, operator: User, alice: Shop, bob: Shop, desk: bool
) -> None:
    client, own = enter(operator), rows_of(bob)
    if not desk:
        switch_to(client, bob.tenant)
    before = at_rest()
    for route in [*OBJECT_ROUTES, *LIST_ROUTES, *ADD_ROUTES]:
        row = own.ids[page_of(route)]
        action = {"action": "delete_selected", "_selected_action": [row]} if route in LIST_ROUTES else {}
        response = client.post(address_of(route, row), {**FIELDS, "_made_in": str(alice.tenant.pk), **action})
        assert (route, response.status_code) == (route, 409)
    assert at_rest() == before


def test_stranger_is_told_nothing_of_a_tenant_by_its_id(enter: Enter, alice: Shop, bob: Shop) -> None:
    told = []
    for made_in in (str(bob.tenant.pk), "01a20000-0000-7000-8000-000000000000", "none"):
        response = enter(alice.owner).post(ADD_KEY, {**KEY, "_made_in": made_in})
        assert (response.status_code, bob.tenant.name in response.text, made_in in response.text) == (409, False, False)
        told.append(re.sub(r'csrfmiddlewaretoken" value="[^"]+"', "", response.text))
    assert set(told) == {told[0]}


def test_logging_out_and_changing_tenants_work_from_any_tab(enter: Enter, both: User, alice: Shop, bob: Shop) -> None:
    client, stale = enter(both), {"_made_in": str(alice.tenant.pk)}
    switch_to(client, bob.tenant)
    assert client.post(f"{ADMIN}switch-tenant/", {**stale, "tenant": str(alice.tenant.pk)}).status_code == 302
    assert "Title Alpha" in client.get(f"{ADMIN}tenants/website/").text
    switch_to(client, bob.tenant)
    assert client.post(f"{ADMIN}password_change/", stale).status_code == 200
    assert client.post(f"{ADMIN}logout/", stale).status_code == 200
    assert client.get(ADMIN).status_code == 302


def test_every_form_carries_the_tenant_of_its_page(enter: Enter, operator: User, alice: Shop) -> None:
    client, own = enter(operator), rows_of(alice)
    forms = 0
    for tenant in (Tenant(pk=OPERATOR_ID), alice.tenant):
        switch_to(client, tenant)
        for route in [*OBJECT_ROUTES, *LIST_ROUTES, *ADD_ROUTES]:
            page = client.get(address_of(route, own.ids[page_of(route)])).text
            for form in POST_FORM.findall(page):
                assert MADE_IN.findall(form) == [str(tenant.pk)], form
                forms += 1
    assert forms > 100
    assert "_made_in" not in client.get("/invitation/").text
