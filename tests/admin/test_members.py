"""Members, as owners and others see and change them."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tenants.api_keys import create_api_key, revoke_api_key
from tenants.models import ApiKey, Membership, Tenant
from tenants.roles import policy_in_words
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, sentences, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

LAST_OWNER = "A tenant needs an owner. Make somebody else an owner first."


def page_of(tenant: Tenant, user: User) -> str:
    with tenant_scope(tenant.pk):
        return f"{ADMIN}tenants/membership/{Membership.objects.get(user=user).pk}/"


def roles(tenant: Tenant) -> dict[str, str]:
    with tenant_scope(tenant.pk):
        return dict(Membership.objects.values_list("user__username", "role"))


def test_owner_changes_a_role_and_removes_a_member(enter: Enter, alice: Shop) -> None:
    client, page = enter(alice.owner), page_of(alice.tenant, alice.auditor)
    assert client.post(page + "change/", {"role": "admin"}).status_code == 302
    assert roles(alice.tenant)[alice.auditor.username] == "admin"
    assert client.post(page + "delete/", {"post": "yes"}).status_code == 302
    assert roles(alice.tenant) == {alice.owner.username: "owner"}
    assert enter(alice.auditor).get(ADMIN).status_code == 302


def test_removing_a_member_names_the_keys_that_they_may_have_kept(cast: Cast, enter: Enter, alice: Shop) -> None:
    leaver = cast.staff((alice.tenant, "admin"))
    with tenant_scope(alice.tenant.pk):
        chat = [ApiKey.Scope.CHAT.value]
        for name, expires_at in (("Kiosk", None), ("Help desk", None), ("Old", timezone.now() - timedelta(days=1))):
            key, _ = create_api_key(name, chat, expires_at=expires_at, created_by_id=leaver.pk)
            if name == "Help desk":
                revoke_api_key(key)
        create_api_key("Somebody else's", chat, created_by_id=alice.owner.pk)
    response = enter(alice.owner).post(page_of(alice.tenant, leaver) + "delete/", {"post": "yes"})
    warning = f"API keys that {leaver.username} made still work: Kiosk. Revoke what they may have kept."
    assert sentences(response)[0] == warning
    assert leaver.username not in roles(alice.tenant)


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_last_owner_can_neither_leave_nor_be_demoted(enter: Enter, operator: User, alice: Shop, who: str) -> None:
    client, page = enter(alice.owner if who == "owner" else operator), page_of(alice.tenant, alice.owner)
    switch_to(client, alice.tenant)
    client.get(ADMIN)
    for path, fields in (("change/", {"role": "admin"}), ("delete/", {"post": "yes"})):
        response = client.post(page + path, fields)
        assert (response.status_code, sentences(response)) == (302, [LAST_OWNER])
        client.get(ADMIN)
    assert roles(alice.tenant)[alice.owner.username] == "owner"


def test_owner_leaves_once_there_is_another(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    client.post(page_of(alice.tenant, alice.auditor) + "change/", {"role": "owner"})
    assert client.post(page_of(alice.tenant, alice.owner) + "delete/", {"post": "yes"}).status_code == 302
    assert roles(alice.tenant) == {alice.auditor.username: "owner"}
    assert client.get(ADMIN).status_code == 302


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_others_read_members_and_change_none(cast: Cast, enter: Enter, alice: Shop, role: str) -> None:
    client, page = enter(cast.staff((alice.tenant, role))), page_of(alice.tenant, alice.auditor)
    before = roles(alice.tenant)
    assert client.get(page + "change/").status_code == 200
    for path, fields in (("change/", {"role": "owner"}), ("delete/", {"post": "yes"})):
        assert client.post(page + path, fields).status_code == 403
    assert roles(alice.tenant) == before


def test_admin_does_not_change_the_tenants_settings(cast: Cast, enter: Enter, alice: Shop) -> None:
    client = enter(cast.staff((alice.tenant, "admin")))
    fields = {"name": "Stolen", "time_zone": "UTC", "retention_days": "1"}
    assert client.get(alice.pages()["tenant"] + "change/").status_code == 200
    assert client.post(alice.pages()["tenant"] + "change/", fields).status_code == 403
    with tenant_scope(alice.tenant.pk):
        assert Tenant.objects.get(pk=alice.tenant.pk).name == "Tenant Alpha"


def test_owner_cannot_add_members_by_name_so_learns_of_nobody(enter: Enter, alice: Shop, bob: Shop) -> None:
    client, address = enter(alice.owner), f"{ADMIN}tenants/membership/add/"
    answers = set()
    for user in (str(bob.owner.pk), "999999999", bob.owner.username):
        response = client.post(address, {"user": user, "role": "auditor"})
        answers.add((response.status_code, response.text))
    assert len(answers) == 1
    assert client.get(address).status_code == 403
    assert roles(alice.tenant).keys() == {alice.owner.username, alice.auditor.username}


def test_member_cannot_be_turned_into_somebody_else(enter: Enter, alice: Shop, bob: Shop) -> None:
    fields = {"role": "auditor", "user": str(bob.owner.pk), "tenant": str(bob.tenant.pk)}
    assert enter(alice.owner).post(page_of(alice.tenant, alice.auditor) + "change/", fields).status_code == 302
    assert roles(alice.tenant).keys() == {alice.owner.username, alice.auditor.username}
    assert roles(bob.tenant).keys() == {bob.owner.username, bob.auditor.username}


def test_operator_adds_a_member_from_all_people(cast: Cast, enter: Enter, operator: User, alice: Shop) -> None:
    client, user = enter(operator), cast.staff()
    switch_to(client, alice.tenant)
    assert client.post(f"{ADMIN}tenants/membership/add/", {"user": user.pk, "role": "owner"}).status_code == 302
    assert roles(alice.tenant)[user.username] == "owner"


def test_tenant_without_members_offers_to_invite_the_first(cast: Cast, enter: Enter, operator: User) -> None:
    client = enter(operator)
    switch_to(client, cast.tenant())
    assert f'href="{ADMIN}tenants/invitation/add/"' in client.get(f"{ADMIN}tenants/membership/").text


def test_members_page_tells_what_each_role_can_do(enter: Enter, alice: Shop) -> None:
    page = enter(alice.auditor).get(f"{ADMIN}tenants/membership/").text
    for thing, (owner, admin, auditor) in policy_in_words():
        shown = thing.replace("'", "&#x27;")
        assert f'<th scope="row">{shown}</th><td>{owner}</td><td>{admin}</td><td>{auditor}</td>' in page
