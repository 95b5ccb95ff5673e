"""Invitations: a link that makes whoever opens it a member, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Final
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import timezone

from tenants.errors import AlreadyMemberError, InvitationUnusableError
from tenants.identifiers import new_invitation_token
from tenants.members import lock_members
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
    """Raises ``InvitationUnusableError`` for one that is unknown, used, revoked, too old, or made by somebody who may
    not invite any more, alike."""
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
    with _one_membership_of_each(), transaction.atomic():
        lock_members()
        accepted = Invitation.objects.select_for_update().filter(pk=invitation.invitation_id).first()
        if accepted is None:
            raise InvitationUnusableError
        open_invitation(bytes(accepted.token_hash))  # what was open when the page was shown may not be any more
        Invitation.objects.filter(pk=accepted.pk).update(accepted_at=Now(), accepted_by=user)
        Membership.objects.create(tenant_id=invitation.tenant_id, user=user, role=invitation.role)


@contextmanager
def _one_membership_of_each() -> Iterator[None]:
    """Turns the unique index's refusal into ``AlreadyMemberError``."""
    try:
        yield
    except IntegrityError as error:
        if "membership_once_per_user" in str(error):
            raise AlreadyMemberError from None
        raise
