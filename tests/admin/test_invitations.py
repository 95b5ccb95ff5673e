"""Inviting somebody, and what the invited person sees and does."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from tenants.models import Invitation, Membership, Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, sentences
from tests.cast import Cast

Enter = Callable[[User], Client]

PAGE = "/invitation/"
UNUSABLE = "This invitation does not work. It may have been used, withdrawn, or be too old."
PASSWORD = {"password1": "seven wet horses", "password2": "seven wet horses"}


def stranger(**options: Any) -> Client:
    return Client(headers={"Host": "localhost"}, **options)


def link_made_by(client: Client, role: str = "admin", note: str = "") -> str:
    page = client.post(f"{ADMIN}tenants/invitation/add/", {"role": role, "note": note})
    found = re.search(r'id="invitation-link">([^<]+)<', page.text)
    assert found is not None, page.text
    return found[1]


def opened(link: str, client: Client | None = None) -> Client:
    """A browser in which the link was opened: what the page's script does."""
    client = client or stranger()
    response = client.post(f"{PAGE}open/", {"token": link.partition("#")[2]})
    assert (response.status_code, response["Location"]) == (302, PAGE)
    return client


def members(tenant: Tenant) -> dict[str, str]:
    with tenant_scope(tenant.pk):
        return dict(Membership.objects.values_list("user__username", "role"))


def saved(tenant: Tenant) -> Invitation:
    with tenant_scope(tenant.pk):
        return Invitation.objects.get()


def errors(page: Any) -> list[str]:
    return [sentence for field in page.context["form"].errors.values() for sentence in field]


def test_owner_makes_a_link_that_is_shown_once(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    made = client.post(f"{ADMIN}tenants/invitation/add/", {"role": "auditor", "note": "Anna"})
    link = re.search(r'id="invitation-link">([^<]+)<', made.text)
    assert link is not None
    address, _, token = link[1].partition("#")
    assert (made.status_code, "no-store" in made["Cache-Control"], address) == (200, True, settings.PUBLIC_URL + PAGE)
    assert (saved(alice.tenant).role, saved(alice.tenant).note) == ("auditor", "Anna")
    pages = [f"{ADMIN}tenants/invitation/", f"{ADMIN}tenants/invitation/{saved(alice.tenant).pk}/change/", ADMIN]
    pages.append(f"{ADMIN}tenants/invitation/{saved(alice.tenant).pk}/history/")
    assert [token in client.get(page).text for page in pages] == [False] * 4
    # Nor is it in what was written down meanwhile.
    assert LogEntry.objects.filter(change_message__contains=token).exists() is False
    assert token not in str(Session.objects.get(pk=client.session.session_key).get_decoded())


def test_invitation_is_read_and_never_edited(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    link_made_by(client, "auditor")
    address = f"{ADMIN}tenants/invitation/{saved(alice.tenant).pk}/"
    assert "Open until" in client.get(address + "change/").text
    for path, fields in (("change/", {"role": "owner", "note": "x"}), ("delete/", {"post": "yes"})):
        assert client.post(address + path, fields).status_code == 403
    assert saved(alice.tenant).role == "auditor"


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_others_than_owners_cannot_invite_nor_withdraw(cast: Cast, enter: Enter, alice: Shop, role: str) -> None:
    link_made_by(enter(alice.owner))
    client = enter(cast.staff((alice.tenant, role)))
    assert client.post(f"{ADMIN}tenants/invitation/add/", {"role": "owner"}).status_code == 403
    assert client.post(f"{ADMIN}tenants/invitation/{saved(alice.tenant).pk}/withdraw/").status_code == 403
    assert saved(alice.tenant).revoked_at is None
    assert "Invite somebody" not in client.get(f"{ADMIN}tenants/membership/").text


def test_foreign_invitation_is_withdrawn_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop) -> None:
    link_made_by(enter(bob.owner))
    client, foreign, unknown = enter(alice.owner), str(saved(bob.tenant).pk), str(uuid4())
    told = []
    for one in (foreign, unknown):
        response = client.post(f"{ADMIN}tenants/invitation/{one}/withdraw/")
        told.append((response.status_code, [text.replace(one, "") for text in sentences(response)]))
        client.get(ADMIN)
    assert told[0] == told[1]
    assert saved(bob.tenant).revoked_at is None


def test_pages_that_know_logins_do_not_wait_for_a_database_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenants.away.database_is_away", lambda: True)
    for answer in (stranger().get(PAGE), stranger().post(f"{PAGE}open/", {"token": "it_x"}), stranger().get(ADMIN)):
        assert (answer.status_code, answer["Retry-After"]) == (503, "3")
    assert stranger().get("/healthz").status_code == 200


def test_withdrawn_link_does_not_work(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    link = link_made_by(client)
    visitor = opened(link)
    response = client.post(f"{ADMIN}tenants/invitation/{saved(alice.tenant).pk}/withdraw/")
    assert sentences(response) == ["The invitation is withdrawn: its link does not work any more."]
    page = visitor.post(f"{PAGE}sign-up/", {"username": f"anna-{alice.tenant.slug}", **PASSWORD})
    assert (page.status_code, UNUSABLE in page.text) == (404, True)
    assert members(alice.tenant).keys() == {alice.owner.username, alice.auditor.username}


def test_new_person_chooses_name_and_password_and_is_in(enter: Enter, alice: Shop, bob: Shop) -> None:
    visitor = opened(link_made_by(enter(alice.owner), "admin"))
    page = visitor.get(PAGE)
    assert ("Join Tenant Alpha" in page.text, "no-store" in page["Cache-Control"]) == (True, True)
    name = f"anna-{alice.tenant.slug}"
    before = visitor.session.session_key
    response = visitor.post(f"{PAGE}sign-up/", {"username": name, **PASSWORD})
    assert (response.status_code, response["Location"]) == (302, ADMIN)
    assert visitor.session.session_key != before
    assert members(alice.tenant)[name] == "admin"
    home = visitor.get(ADMIN).text
    assert ("Tenant Alpha" in home, "Bravo" in home) == (True, False)
    assert visitor.get(f"{ADMIN}tenants/tenant/{bob.tenant.pk}/change/").status_code == 302
    assert (saved(alice.tenant).accepted_by or User()).username == name


def test_sign_up_refuses_weak_passwords_and_taken_names(enter: Enter, alice: Shop, bob: Shop) -> None:
    visitor = opened(link_made_by(enter(alice.owner)))
    free = f"anna-{alice.tenant.slug}"
    for fields, sentence in (
        ({"username": free, "password1": "short", "password2": "short"}, "too short"),
        ({"username": free, "password1": "seven wet horses", "password2": "other"}, "match"),
        ({"username": bob.owner.username.upper(), **PASSWORD}, "Please choose another name."),
        ({"username": "", **PASSWORD}, "This field is required."),
    ):
        page = visitor.post(f"{PAGE}sign-up/", fields)
        assert (page.status_code, [sentence in error for error in errors(page)][:1]) == (400, [True])
    assert len(members(alice.tenant)) == 2
    assert saved(alice.tenant).accepted_at is None


def test_names_cannot_be_guessed_with_an_invitation_for_long(enter: Enter, alice: Shop, bob: Shop) -> None:
    visitor = opened(link_made_by(enter(alice.owner)))
    fields = {"username": bob.owner.username, **PASSWORD}
    answers = [visitor.post(f"{PAGE}sign-up/", fields).status_code for _ in range(11)]
    assert answers == [400] * 10 + [429]
    again = opened(link_made_by(enter(alice.owner)))
    assert again.post(f"{PAGE}sign-up/", fields).status_code == 400


def test_person_with_a_login_joins_after_logging_in(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    visitor = opened(link_made_by(enter(alice.owner), "auditor"))
    assert f'href="/admin/login/?next={PAGE}"' in visitor.get(PAGE).text
    fields = {"username": bob.owner.username, "password": "a long password", "next": PAGE}
    assert visitor.post(f"/admin/login/?next={PAGE}", fields)["Location"] == PAGE
    assert f"Join as {bob.owner.username}" in visitor.get(PAGE).text
    assert visitor.post(f"{PAGE}join/")["Location"] == ADMIN
    assert members(alice.tenant)[bob.owner.username] == "auditor"
    page = visitor.get(ADMIN).text
    assert '<span class="role role-auditor">Auditor</span>' in page


def test_who_is_logged_in_signs_nobody_up(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = opened(link_made_by(enter(alice.owner)), enter(bob.owner))
    response = client.post(f"{PAGE}sign-up/", {"username": f"anna-{alice.tenant.slug}", **PASSWORD})
    assert (response["Location"], len(members(alice.tenant))) == (PAGE, 2)


def test_nobody_joins_without_logging_in(enter: Enter, alice: Shop) -> None:
    visitor = opened(link_made_by(enter(alice.owner)))
    assert visitor.post(f"{PAGE}join/")["Location"] == PAGE
    assert len(members(alice.tenant)) == 2


def test_switched_off_person_and_operator_do_not_join(cast: Cast, enter: Enter, operator: User, alice: Shop) -> None:
    dismissed = cast.staff()
    for user, change in ((operator, {}), (dismissed, {"is_staff": False})):
        client = opened(link_made_by(enter(alice.owner)), enter(user))
        User.objects.filter(pk=user.pk).update(**{"is_active": True, **change})
        assert client.post(f"{PAGE}join/")["Location"] == PAGE
    assert len(members(alice.tenant)) == 2
    assert User.objects.get(pk=dismissed.pk).is_staff is False


def test_member_who_opens_a_link_is_told_so(enter: Enter, alice: Shop) -> None:
    client = opened(link_made_by(enter(alice.owner), "owner"), enter(alice.auditor))
    page = client.post(f"{PAGE}join/")
    assert (page.status_code, "You belong to this tenant already." in page.text) == (409, True)
    assert (members(alice.tenant)[alice.auditor.username], saved(alice.tenant).accepted_at) == ("auditor", None)


def tokens_of_every_end(cast: Cast, enter: Enter, shop: Shop) -> list[str]:
    """Of an invitation that is used, revoked, too old, and of none."""
    links: list[str] = []
    ids: list[UUID] = []
    for change in ("accepted_at", "revoked_at", "expires_at"):
        links.append(link_made_by(enter(shop.owner)))
        with tenant_scope(shop.tenant.pk):
            newest = Invitation.objects.exclude(pk__in=ids).get()
        ids.append(newest.pk)
        cast.change(newest, **{change: timezone.now() - timedelta(seconds=1)})
    return [link.partition("#")[2] for link in links] + ["it_" + "x" * 43, "", "\ud800"]


def test_whatever_is_wrong_with_an_invitation_is_answered_alike(cast: Cast, enter: Enter, alice: Shop) -> None:
    answers = set()
    for token in tokens_of_every_end(cast, enter, alice):
        response = stranger().post(f"{PAGE}open/", {"token": token.encode(errors="replace").decode()})
        body = re.sub(r'value="[^"]{64}"', "", response.text)
        answers.add((response.status_code, body, "sessionid" in response.cookies))
    assert [(status, UNUSABLE in body, cookie) for status, body, cookie in answers] == [(404, True, False)]


def test_links_cannot_be_tried_for_long(enter: Enter, alice: Shop) -> None:
    good = link_made_by(enter(alice.owner)).partition("#")[2]
    address = {"REMOTE_ADDR": f"2001:db8:{alice.tenant.slug[2:6]}:{alice.tenant.slug[6:10]}::1"}
    client = stranger(**address)
    answers = [client.post(f"{PAGE}open/", {"token": "it_wrong"}).status_code for _ in range(31)]
    assert answers == [404] * 30 + [429]
    locked = client.post(f"{PAGE}open/", {"token": good})
    assert (locked.status_code, 0 < int(locked["Retry-After"]) <= 900) == (429, True)


@pytest.mark.parametrize("path", ["open/", "join/", "sign-up/"])
def test_invitation_page_needs_its_own_forms(enter: Enter, alice: Shop, path: str) -> None:
    assert stranger(enforce_csrf_checks=True).post(PAGE + path, {"token": "it_x"}).status_code == 403
    assert stranger().get(PAGE + path).status_code == 405
    if path != "open/":
        assert stranger().post(PAGE + path).status_code == 404


def test_page_without_a_link_tells_nothing_and_keeps_nothing() -> None:
    response = stranger().get(PAGE)
    assert (response.status_code, sorted(response.cookies)) == (200, ["csrftoken"])
    assert "Use the whole link" in response.text
