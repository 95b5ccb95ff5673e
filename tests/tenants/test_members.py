"""A tenant always has an owner, whatever its owners do at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection

from tenants.errors import InvitationUnusableError, LastOwnerError
from tenants.invitations import hash_token, invite, open_invitation
from tenants.members import change_role, remove_member
from tenants.models import Membership, Tenant
from tenants.scoping import tenant_scope
from tests.cast import Cast

Deed = Callable[[UUID], None]


def demote(membership_id: UUID) -> None:
    change_role(membership_id, "admin")


def membership_here(user: User) -> UUID:
    return Membership.objects.get(user=user).pk


def membership_of(tenant: Tenant, user: User) -> UUID:
    with tenant_scope(tenant.pk):
        return membership_here(user)


def roles_in(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.pk):
        return sorted(Membership.objects.values_list("role", flat=True))


@pytest.mark.parametrize("deed", [demote, remove_member])
@pytest.mark.parametrize("locked_out", ["is_active", "is_staff"])
def test_last_owner_stays(cast: Cast, deed: Deed, locked_out: str) -> None:
    tenant, other = cast.tenant(), cast.tenant()
    owner = cast.staff((tenant, "owner"))
    cast.staff((tenant, "admin"), (other, "owner"))
    User.objects.filter(pk=cast.staff((tenant, "owner")).pk).update(**{locked_out: False})
    with tenant_scope(tenant.pk), pytest.raises(LastOwnerError):
        deed(membership_here(owner))
    assert roles_in(tenant) == ["admin", "owner", "owner"]


@pytest.mark.parametrize("deed", [demote, remove_member])
def test_one_of_two_owners_may_go(cast: Cast, deed: Deed) -> None:
    tenant = cast.tenant()
    first = cast.staff((tenant, "owner"))
    cast.staff((tenant, "owner"))
    with tenant_scope(tenant.pk):
        deed(membership_here(first))
    assert roles_in(tenant) == (["admin", "owner"] if deed is demote else ["owner"])


@pytest.mark.parametrize("deed", [demote, remove_member])
def test_two_owners_cannot_both_go_at_once(cast: Cast, deed: Deed) -> None:
    tenant = cast.tenant()
    ids = [membership_of(tenant, cast.staff((tenant, "owner"))) for _ in range(2)]
    ready = Barrier(2)

    def go(membership_id: UUID) -> str:
        try:
            with tenant_scope(tenant.pk):
                list(Membership.objects.all())  # both have seen two owners before either goes
                ready.wait(timeout=20)
                deed(membership_id)
        except LastOwnerError:
            return "refused"
        finally:
            connection.close()
        return "gone"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(go, ids)) == ["gone", "refused"]
    assert roles_in(tenant).count("owner") == 1


def test_member_of_another_tenant_is_unknown(cast: Cast) -> None:
    tenant, other = cast.tenant(), cast.tenant()
    foreign = membership_of(other, cast.staff((other, "auditor")))
    for deed in (demote, remove_member):
        with tenant_scope(tenant.pk), pytest.raises(Membership.DoesNotExist):
            deed(foreign)
    assert roles_in(other) == ["auditor"]


@pytest.mark.parametrize("deed", [demote, remove_member])
def test_owner_who_goes_takes_the_open_invitations_along(cast: Cast, deed: Deed) -> None:
    tenant = cast.tenant()
    going, staying = cast.staff((tenant, "owner")), cast.staff((tenant, "owner"))
    with tenant_scope(tenant.pk):
        tokens = {user: invite("owner", invited_by=user)[1] for user in (going, staying)}
        deed(membership_here(going))
    assert open_invitation(hash_token(tokens[staying])).tenant_id == tenant.pk
    with pytest.raises(InvitationUnusableError):
        open_invitation(hash_token(tokens[going]))
