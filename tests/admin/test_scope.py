"""Who gets into the admin, and which tenant they are in."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from django.contrib.admin import ModelAdmin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from tenants.errors import TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant, Website
from tenants.registration import register_website
from tenants.scoping import active_tenant_id, tenant_scope
from tests.admin.shops import ADMIN, TENANTS_FIELDS, Shop, sentences, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]


def test_admin_shows_the_login_page_to_a_stranger() -> None:
    response = Client(headers={"Host": "localhost"}).get(ADMIN)
    assert (response.status_code, response["Location"]) == (302, "/admin/login/?next=/admin/")


@pytest.mark.parametrize("path", ["", "tenants/website/", "agent_sessions/agentsession/", "switch-tenant/"])
def test_admin_refuses_staff_without_any_tenant(cast: Cast, enter: Enter, path: str) -> None:
    client = enter(cast.staff())
    response = client.get(ADMIN + path)
    assert (response.status_code, response["Location"]) == (302, f"/admin/login/?next=/admin/{path}")
    assert "belong to no tenant here" in client.get("/admin/login/").text


def test_admin_refuses_a_member_who_is_no_staff_or_switched_off(cast: Cast, enter: Enter, alice: Shop) -> None:
    for change in ({"is_staff": False}, {"is_active": False}):
        user = cast.staff((alice.tenant, "owner"))
        client = enter(user)
        assert client.get(ADMIN).status_code == 200
        User.objects.filter(pk=user.pk).update(**change)
        assert client.get(ADMIN).status_code == 302


def test_page_names_the_tenant_and_the_role(enter: Enter, alice: Shop) -> None:
    page = enter(alice.auditor).get(ADMIN).text
    assert "Tenant Alpha" in page
    assert '<span class="role role-auditor">Auditor</span>' in page


def test_scope_is_closed_after_the_page(enter: Enter, alice: Shop) -> None:
    assert enter(alice.owner).get(ADMIN).status_code == 200
    with pytest.raises(TenantScopeMissingError):
        active_tenant_id()
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('app.tenant_id', true), ''), (SELECT count(*) FROM websites)")
        assert cursor.fetchone() == (None, 0)


def test_member_of_two_tenants_switches_between_them(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(cast.staff((alice.tenant, "owner"), (bob.tenant, "auditor")))
    assert "Title Alpha" in client.get(f"{ADMIN}tenants/website/").text
    assert switch_to(client, bob.tenant)["Location"] == ADMIN
    page = client.get(f"{ADMIN}tenants/website/").text
    assert ("Title Alpha" in page, "Title Bravo" in page) == (False, True)
    assert client.get(f"{ADMIN}tenants/website/add/").status_code == 403


def test_switching_needs_a_post(enter: Enter, alice: Shop) -> None:
    assert enter(alice.owner).get(f"{ADMIN}switch-tenant/").status_code == 405


def test_switching_needs_the_forms_own_token(alice: Shop) -> None:
    client = Client(headers={"Host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(alice.owner)
    assert switch_to(client, alice.tenant).status_code == 403


def test_switching_to_a_foreign_tenant_is_answered_as_to_an_unknown_one(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    answers = []
    for chosen in (str(bob.tenant.pk), str(uuid4()), "nonsense", str(OPERATOR_ID)):
        response = client.post(f"{ADMIN}switch-tenant/", {"tenant": chosen})
        answers.append((response.status_code, response["Location"], sentences(response)))
        client.get(ADMIN)
    assert answers == [(302, ADMIN, ["There is no such tenant among yours."])] * 4
    assert "Title Bravo" not in client.get(f"{ADMIN}tenants/website/").text


def test_membership_taken_away_ends_the_choice(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    user = cast.staff((alice.tenant, "owner"), (bob.tenant, "owner"))
    client = enter(user)
    switch_to(client, bob.tenant)
    with tenant_scope(bob.tenant.pk), connection.cursor() as cursor:
        cursor.execute("DELETE FROM memberships WHERE user_id = %s", [user.pk])
    assert "Title Bravo" not in client.get(f"{ADMIN}tenants/website/").text


def test_operator_enters_a_tenant_and_it_is_recorded(enter: Enter, operator: User, alice: Shop, bob: Shop) -> None:
    client = enter(operator)
    assert "Title Alpha" not in client.get(f"{ADMIN}tenants/website/").text
    switch_to(client, alice.tenant)
    page = client.get(f"{ADMIN}tenants/website/").text
    assert ("Title Alpha" in page, "Title Bravo" in page) == (True, False)
    entries = LogEntry.objects.filter(user=operator).values_list("object_id", "change_message")
    assert list(entries) == [(str(alice.tenant.pk), "Entered this tenant.")]


def test_operator_lists_and_adds_tenants_at_home_alone(enter: Enter, operator: User, alice: Shop, bob: Shop) -> None:
    client = enter(operator)
    page = client.get(f"{ADMIN}tenants/tenant/?q={alice.tenant.slug}").text
    assert (f">{alice.tenant.slug}<" in page, f">{bob.tenant.slug}<" in page) == (True, False)
    fields = {"name": "New", "slug": f"new-{alice.tenant.slug}", "is_active": "on", "time_zone": "UTC"}
    assert client.post(f"{ADMIN}tenants/tenant/add/", {**fields, "retention_days": "30"}).status_code == 302
    switch_to(client, alice.tenant)
    assert client.get(f"{ADMIN}tenants/tenant/add/").status_code == 403
    assert client.get(f"{ADMIN}tenants/tenant/")["Location"] == alice.pages()["tenant"] + "change/"
    with tenant_scope(OPERATOR_ID):
        assert Tenant.objects.filter(slug=fields["slug"]).count() == 1


def test_operator_suspends_a_tenant_but_not_itself(enter: Enter, operator: User, alice: Shop) -> None:
    client = enter(operator)
    for tenant in (alice.tenant, Tenant(pk=OPERATOR_ID, name="Operator", slug="operator")):
        fields = {"name": tenant.name, "slug": tenant.slug, "time_zone": "UTC", "retention_days": "30"}
        assert (
            client.post(
                f"{ADMIN}tenants/tenant/{tenant.pk}/change/", {**fields, **TENANTS_FIELDS, **LIMITS}
            ).status_code
            == 302
        )
    with tenant_scope(OPERATOR_ID):
        states = dict(Tenant.objects.filter(pk__in=[alice.tenant.pk, OPERATOR_ID]).values_list("pk", "is_active"))
    assert states == {alice.tenant.pk: False, OPERATOR_ID: True}


LIMITS = {
    "session_turns_per_minute": "10",
    "network_turns_per_minute": "20",
    "turns_per_minute": "30",
    "turns_per_day": "40",
    "tokens_per_day": "",
}


def limits_of(tenant: Tenant) -> dict[str, str]:
    with tenant_scope(tenant.pk):
        saved = Tenant.objects.get(pk=tenant.pk)
    return {name: str(getattr(saved, name) or "") for name in LIMITS}


def test_operator_sets_a_tenants_limits_and_its_people_read_them(enter: Enter, operator: User, alice: Shop) -> None:
    page = alice.pages()["tenant"] + "change/"
    own = {"name": "Alpha", "slug": alice.tenant.slug, "is_active": "on", "time_zone": "UTC", "retention_days": "30"}
    own |= TENANTS_FIELDS
    assert enter(operator).post(page, {**own, **LIMITS}).status_code == 302
    assert limits_of(alice.tenant) == LIMITS
    client = enter(alice.owner)
    assert client.post(page, {**own, **LIMITS, "turns_per_minute": "1000"}).status_code == 302
    assert limits_of(alice.tenant) == LIMITS
    shown = client.get(page).text
    assert ("Turns per day" in shown, '<div class="readonly">40</div>' in shown) == (True, True)


def test_owner_changes_the_own_settings_but_neither_slug_nor_state(enter: Enter, alice: Shop) -> None:
    fields = {
        "name": "Renamed",
        "slug": "stolen",
        "time_zone": "Europe/Berlin",
        "retention_days": "7",
        **TENANTS_FIELDS,
    }
    assert enter(alice.owner).post(alice.pages()["tenant"] + "change/", fields).status_code == 302
    with tenant_scope(alice.tenant.pk):
        saved = Tenant.objects.get(pk=alice.tenant.pk)
    assert (saved.name, saved.time_zone, saved.retention_days) == ("Renamed", "Europe/Berlin", 7)
    assert (saved.token_idle_days, saved.token_lifetime_days) == (14, 90)
    assert (saved.slug, saved.is_active) == (alice.tenant.slug, True)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("token_idle_days", "0", "Ensure this value is greater than or equal to 1."),
        ("token_idle_days", "366", "Ensure this value is less than or equal to 365."),
        ("token_lifetime_days", "0", "Ensure this value is greater than or equal to 1."),
        ("token_lifetime_days", "731", "Ensure this value is less than or equal to 730."),
    ],
)
def test_ages_of_tokens_that_make_no_sense_are_refused(
    enter: Enter, alice: Shop, field: str, typed: str, sentence: str
) -> None:
    fields = {"name": "Renamed", "time_zone": "UTC", "retention_days": "7", **TENANTS_FIELDS, field: typed}
    response = enter(alice.owner).post(alice.pages()["tenant"] + "change/", fields)
    assert response.context["adminform"].form.errors == {field: [sentence]}
    with tenant_scope(alice.tenant.pk):
        saved = Tenant.objects.get(pk=alice.tenant.pk)
    assert (saved.name, saved.token_idle_days, saved.token_lifetime_days) == ("Tenant Alpha", 30, 180)


@pytest.mark.parametrize("path", ["auth/user/", "auth/user/add/", "tenants/tenant/add/"])
def test_tenants_people_do_not_see_the_operators_pages(enter: Enter, alice: Shop, path: str) -> None:
    assert enter(alice.owner).get(ADMIN + path).status_code == 403


def test_operators_member_who_is_no_superuser_sees_no_list_of_tenants(cast: Cast, enter: Enter, alice: Shop) -> None:
    client = enter(cast.staff((Tenant(pk=OPERATOR_ID), "auditor")))
    assert client.get(f"{ADMIN}tenants/tenant/")["Location"] == f"{ADMIN}tenants/tenant/{OPERATOR_ID}/change/"
    assert client.get(alice.pages()["tenant"] + "change/").status_code == 302
    assert "Tenant Alpha" not in client.get(ADMIN).text


def test_people_are_managed_from_the_operators_tenant_alone(enter: Enter, operator: User, alice: Shop) -> None:
    client = enter(operator)
    assert client.get(f"{ADMIN}auth/user/").status_code == 200
    assert client.get(f"{ADMIN}auth/user/{alice.owner.pk}/delete/").status_code == 403
    switch_to(client, alice.tenant)
    assert client.get(f"{ADMIN}auth/user/").status_code == 403


def test_a_failing_view_leaves_nothing_behind(
    enter: Enter, operator: User, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The domain is confirmed, then writing it down breaks: the answer is a 500 and nothing is confirmed."""

    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(ModelAdmin, "log_change", broken)
    with tenant_scope(alice.tenant.pk):
        website = register_website("half-confirmed.example")
    client = enter(operator)
    switch_to(client, alice.tenant)
    client.raise_request_exception = False
    assert client.post(f"{ADMIN}tenants/website/{website.pk}/confirm-domain/").status_code == 500
    with tenant_scope(alice.tenant.pk):
        assert Website.objects.get(pk=website.pk).is_proved is False
