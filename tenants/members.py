"""Who belongs to a tenant, and that it always has an owner."""

from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from tenants.errors import LastOwnerError
from tenants.models import Invitation, Membership, Tenant
from tenants.scoping import active_tenant_id


def change_role(membership_id: UUID, role: str) -> None:
    """Gives a member of the active tenant another role. Raises ``LastOwnerError`` and ``Membership.DoesNotExist``."""
    with transaction.atomic():
        membership = _locked(membership_id)
        if role != Membership.Role.OWNER:
            _require_another_owner(membership)
            _revoke_invitations_of(membership)
        membership.role = role
        membership.save(update_fields=["role"])


def remove_member(membership_id: UUID) -> None:
    """Ends a membership of the active tenant. Raises ``LastOwnerError`` and ``Membership.DoesNotExist``."""
    with transaction.atomic():
        membership = _locked(membership_id)
        _require_another_owner(membership)
        _revoke_invitations_of(membership)
        membership.delete()


def lock_members() -> None:
    """Waits until nobody else changes members of the active tenant; others wait for this transaction's end.

    One lock for all of them: were each owner's row locked alone, two owners could leave at once.
    """
    Tenant.objects.select_for_update(no_key=True).get(pk=active_tenant_id())


def _locked(membership_id: UUID) -> Membership:
    lock_members()
    return Membership.objects.get(pk=membership_id)


def _require_another_owner(leaving: Membership) -> None:
    """Somebody who cannot log in is no owner to rely on."""
    if leaving.role != Membership.Role.OWNER:
        return
    owners = Membership.objects.filter(role=Membership.Role.OWNER, user__is_active=True, user__is_staff=True)
    if not owners.exclude(pk=leaving.pk).exists():
        raise LastOwnerError


def _revoke_invitations_of(leaving: Membership) -> None:
    """Whoever may not invite any more shall not come back, or let others in, by a link made before."""
    waiting = Invitation.objects.filter(invited_by=leaving.user_id, accepted_at__isnull=True, revoked_at__isnull=True)
    waiting.update(revoked_at=Now())
