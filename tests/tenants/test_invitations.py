"""An invitation works once, for a week, and is nobody's to find out."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.utils import timezone

from tenants.errors import AlreadyMemberError, InvitationUnusableError, TenantScopeMissingError
from tenants.invitations import (
    OpenInvitation,
    accept_as,
    accept_as_new_person,
    hash_token,
    invite,
    open_invitation,
    revoke,
)
from tenants.models import Invitation, Membership, Tenant
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.waiting import wait_until


@pytest.fixture
def tenant(cast: Cast) -> Tenant:
    return cast.tenant("Tenant with invitations")


@pytest.fixture
def owner(cast: Cast, tenant: Tenant) -> User:
    return cast.staff((tenant, "owner"))


def invited(tenant: Tenant, owner: User, role: str = "admin") -> tuple[Invitation, bytes]:
    with tenant_scope(tenant.pk):
        invitation, token = invite(role, invited_by=owner)
    return invitation, hash_token(token)


def members(tenant: Tenant) -> dict[str, str]:
    with tenant_scope(tenant.pk):
        return dict(Membership.objects.values_list("user__username", "role"))


def test_token_has_256_bits_and_is_kept_as_its_hash(tenant: Tenant, owner: User) -> None:
    with tenant_scope(tenant.pk):
        invitation, token = invite("auditor", invited_by=owner, note="Anna")
        saved = Invitation.objects.values().get()
    assert (token[:3], len(token)) == ("it_", 3 + 43)
    assert bytes(saved["token_hash"]) == hash_token(token)
    assert [value for value in saved.values() if token[3:] in str(value)] == []
    week = saved["expires_at"] - timezone.now()
    assert timedelta(days=6, hours=23) < week <= timedelta(days=7)
    assert (saved["tenant_id"], saved["role"], saved["invited_by_id"]) == (tenant.pk, "auditor", owner.pk)
    assert invitation.pk == saved["id"]


def test_invitations_are_rows_of_a_tenant(cast: Cast, tenant: Tenant, owner: User) -> None:
    invited(tenant, owner)
    with tenant_scope(cast.tenant().pk), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM invitations")
        assert cursor.fetchone() == (0,)
    with pytest.raises(TenantScopeMissingError):
        Invitation.objects.count()


def test_door_tells_what_its_bearer_needs_and_no_more(tenant: Tenant, owner: User) -> None:
    invitation, token_hash = invited(tenant, owner)
    found = open_invitation(token_hash)
    assert found == OpenInvitation(tenant.pk, invitation.pk, "Tenant with invitations", "admin")


def test_person_joins_once(cast: Cast, tenant: Tenant, owner: User) -> None:
    invitation, token_hash = invited(tenant, owner)
    found, joining, late = open_invitation(token_hash), cast.staff(), cast.staff()
    accept_as(joining, found)
    with pytest.raises(InvitationUnusableError):
        accept_as(late, found)
    assert members(tenant) == {owner.username: "owner", joining.username: "admin"}
    with tenant_scope(tenant.pk):
        saved = Invitation.objects.get(pk=invitation.pk)
    assert (saved.accepted_by_id, saved.accepted_at is not None) == (joining.pk, True)


def test_new_person_is_staff_of_that_tenant_alone(tenant: Tenant, owner: User) -> None:
    _, token_hash = invited(tenant, owner, "auditor")
    user = accept_as_new_person(f"anna-{tenant.slug}", "a long password", open_invitation(token_hash))
    assert (user.is_staff, user.is_superuser, user.check_password("a long password")) == (True, False, True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tenant_id, role FROM door_memberships_of(%s)", [user.pk])
        assert cursor.fetchall() == [(tenant.pk, "auditor")]


def test_new_person_is_not_made_where_the_invitation_is_gone(tenant: Tenant, owner: User) -> None:
    invitation, token_hash = invited(tenant, owner)
    found = open_invitation(token_hash)
    with tenant_scope(tenant.pk):
        revoke(invitation)
    with pytest.raises(InvitationUnusableError):
        accept_as_new_person(f"anna-{tenant.slug}", "a long password", found)
    assert User.objects.filter(username=f"anna-{tenant.slug}").exists() is False


def test_name_taken_meanwhile_leaves_the_invitation_open(tenant: Tenant, owner: User) -> None:
    _, token_hash = invited(tenant, owner)
    with pytest.raises(IntegrityError):
        accept_as_new_person(owner.username, "a long password", open_invitation(token_hash))
    assert open_invitation(token_hash).role == "admin"


def test_member_keeps_the_role_and_the_invitation_stays_for_others(cast: Cast, tenant: Tenant, owner: User) -> None:
    _, token_hash = invited(tenant, owner, "owner")
    auditor = cast.staff((tenant, "auditor"))
    with pytest.raises(AlreadyMemberError):
        accept_as(auditor, open_invitation(token_hash))
    assert members(tenant)[auditor.username] == "auditor"
    assert open_invitation(token_hash).role == "owner"


def test_two_people_at_once_are_one_member(cast: Cast, tenant: Tenant, owner: User) -> None:
    _, token_hash = invited(tenant, owner)
    found, ready = open_invitation(token_hash), Barrier(2)

    def join(user: User) -> str:
        try:
            ready.wait(timeout=20)
            accept_as(user, found)
        except InvitationUnusableError:
            return "refused"
        finally:
            connection.close()
        return "joined"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(join, [cast.staff(), cast.staff()])) == ["joined", "refused"]
    assert sorted(members(tenant).values()) == ["admin", "owner"]


@pytest.mark.parametrize(
    "change",
    [
        {"expires_at": timezone.now() - timedelta(seconds=1)},
        {"revoked_at": timezone.now()},
        {"accepted_at": timezone.now()},
    ],
)
def test_invitation_that_ended_is_unusable(cast: Cast, tenant: Tenant, owner: User, change: dict[str, object]) -> None:
    invitation, token_hash = invited(tenant, owner)
    found = open_invitation(token_hash)
    cast.change(invitation, **change)
    with pytest.raises(InvitationUnusableError):
        open_invitation(token_hash)
    with pytest.raises(InvitationUnusableError):
        accept_as(cast.staff(), found)
    assert members(tenant) == {owner.username: "owner"}


def test_accepted_invitation_cannot_be_revoked(cast: Cast, tenant: Tenant, owner: User) -> None:
    invitation, token_hash = invited(tenant, owner)
    accept_as(cast.staff(), open_invitation(token_hash))
    with tenant_scope(tenant.pk), pytest.raises(InvitationUnusableError):
        revoke(invitation)


def switched_off(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)


def no_staff_any_more(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_staff=False)


def operator_no_more(owner: User) -> None:
    User.objects.filter(pk=owner.pk).update(is_superuser=False)


def demoted(owner: User) -> None:
    """As by somebody who did not see an invitation that was made at the same moment."""
    Membership.objects.filter(user=owner).update(role="admin")


def removed(owner: User) -> None:
    Membership.objects.filter(user=owner).delete()


@pytest.mark.parametrize("change", [switched_off, no_staff_any_more, operator_no_more, demoted, removed])
def test_inviter_who_may_not_invite_any_more_lets_nobody_in(
    cast: Cast, tenant: Tenant, owner: User, change: Callable[[User], None]
) -> None:
    inviter = cast.staff(is_superuser=True) if change is operator_no_more else owner
    _, token_hash = invited(tenant, inviter, "owner")
    found = open_invitation(token_hash)
    with tenant_scope(tenant.pk):
        change(inviter)
    before = members(tenant)
    with pytest.raises(InvitationUnusableError):
        open_invitation(token_hash)
    with pytest.raises(InvitationUnusableError):
        accept_as(cast.staff(), found)
    assert members(tenant) == before


def test_person_who_is_made_a_member_at_the_same_moment_is_told_so(cast: Cast, tenant: Tenant, owner: User) -> None:
    """By another invitation, or by the operator: not yet written down when this one is accepted."""
    person, (_, token) = cast.staff(), invited(tenant, owner)
    with ThreadPoolExecutor(1) as pool:
        with tenant_scope(tenant.pk):
            Membership.objects.create(tenant=tenant, user=person, role="auditor")
            joining = pool.submit(join_in_thread, person, open_invitation(token))
            wait_until(somebody_waits_for_us)
        assert joining.result(timeout=20) == "is a member already"
    assert members(tenant)[person.username] == "auditor"
    assert open_invitation(token).role == "admin"


def join_in_thread(person: User, invitation: OpenInvitation) -> str:
    try:
        accept_as(person, invitation)
    except AlreadyMemberError:
        return "is a member already"
    finally:
        connection.close()
    return "joined"


def somebody_waits_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone() > (0,))
