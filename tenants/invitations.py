"""Invitations: a link that makes whoever opens it a member, once."""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from tenants.errors import AlreadyMemberError, InvitationUnusableError
from tenants.identifiers import new_invitation_token
from tenants.models import Invitation, Membership
from tenants.scoping import active_tenant_id, tenant_scope

LIFETIME: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """What its bearer may know before anything else is known."""

    tenant_id: UUID
    invitation_id: UUID
    tenant_name: str
    role: str


def invite(role: str, *, invited_by: User, note: str = "") -> tuple[Invitation, str]:
    """Invites to the active tenant. Gives the token, too, which is kept nowhere: this is the only time to show it."""
    token = new_invitation_token()
    invitation = Invitation.objects.create(
        tenant_id=active_tenant_id(),
        role=role,
        note=note,
        token_hash=hash_token(token),
        invited_by=invited_by,
        expires_at=timezone.now() + LIFETIME,
    )
    return invitation, token


def revoke(invitation: Invitation) -> None:
    """Withdraws an invitation of the active tenant. Raises ``InvitationUnusableError`` where it was accepted."""
    if not Invitation.objects.filter(pk=invitation.pk, accepted_at__isnull=True).update(revoked_at=Now()):
        raise InvitationUnusableError


def hash_token(token: str) -> bytes:
    return sha256(token.encode(errors="replace")).digest()


def open_invitation(token_hash: bytes) -> OpenInvitation:
    """Raises ``InvitationUnusableError`` for one that is unknown, used, revoked or too old, alike."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tenant_id, invitation_id, tenant_name, role FROM door_invitation_by_hash(%s)", [token_hash]
        )
        found = cursor.fetchone()
    if found is None:
        raise InvitationUnusableError
    return OpenInvitation(*found)


def accept_as(user: User, invitation: OpenInvitation) -> None:
    """Makes ``user``, who can log in already, a member.

    Raises ``InvitationUnusableError`` where somebody was quicker, and ``AlreadyMemberError``, which leaves the
    invitation to somebody else.
    """
    with tenant_scope(invitation.tenant_id):
        _accept(user, invitation)


def accept_as_new_person(username: str, password: str, invitation: OpenInvitation) -> User:
    """Makes a login and the membership that goes with it, or neither.

    Raises ``InvitationUnusableError``, and Django's ``IntegrityError`` where the name was taken meanwhile.
    """
    with tenant_scope(invitation.tenant_id), transaction.atomic():
        user = User.objects.create_user(username, password=password, is_staff=True)
        _accept(user, invitation)
    return user


def _accept(user: User, invitation: OpenInvitation) -> None:
    if Membership.objects.filter(user=user).exists():
        raise AlreadyMemberError
    with transaction.atomic():
        still_open = Invitation.objects.filter(
            pk=invitation.invitation_id,
            accepted_at__isnull=True,
            revoked_at__isnull=True,
            expires_at__gt=Now(),
        )
        if not still_open.update(accepted_at=Now(), accepted_by=user):
            raise InvitationUnusableError
        Membership.objects.create(tenant_id=invitation.tenant_id, user=user, role=invitation.role)
