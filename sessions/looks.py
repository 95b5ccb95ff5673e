"""The record of looks: who saw, searched, took or erased what was said, written by whoever lets them.

    with tenant_scope(tenant_id):                        # an admin request has one already
        record_look(request, Look.Kind.EXPORT, subject=session.session_id, website=domain, count=messages)
        ... read, or erase, and answer

The line belongs to the transaction: where it cannot be written, nothing is read, and what is undone was not looked at.
Lines of one tenant wait for each other from here to the commit; so whoever locks rows of their own locks them before.
A line has plain values, and never a visitor's words, name or ``user_id``: it cannot be taken back.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Self
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now
from django.http import HttpRequest

from sessions.models import AgentSession, Look
from tenants.admin_scope import role_in
from tenants.client_address import visitor_address
from tenants.identifiers import OPERATOR_ID, new_id
from tenants.scoping import active_tenant_id

OPENING_LASTS: Final = timedelta(hours=1)
"""For so long a person may turn the pages of a transcript that they have opened."""

PEOPLE_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Actor:
    """Who looks, in plain values: what is known of them may be gone before the record is."""

    id: str
    name: str
    role: str
    address: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> Self:
        """The member of staff behind a request to the admin."""
        role = role_in(request)
        address = visitor_address(request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_FORWARDED_FOR"))
        return cls(str(request.user.pk), request.user.get_username(), role or "", str(address or ""))


def record_look(
    who: HttpRequest | Actor,
    kind: Look.Kind,
    *,
    subject: str = "",
    website: str = "",
    count: int | None = None,
    reason: str = "",
) -> Look:
    """Writes a line into the active tenant's record, and gives it with its number, time and hash.

    ``subject`` is a session's public id where the look was at one, ``website`` its domain; ``count`` how many sessions,
    or of one session how many messages. The database's errors are not caught: they must fail the look itself.
    """
    actor = who if isinstance(who, Actor) else Actor.of(who)
    return Look.objects.create(
        tenant_id=active_tenant_id(),
        kind=kind,
        actor_id=actor.id,
        actor_name=actor.name,
        actor_role=actor.role,
        subject=subject,
        website=website,
        count=count,
        reason=reason,
        address=actor.address,
    )


def open_transcript(request: HttpRequest, session: AgentSession, opened: str) -> Look:
    """The line of this opening: the one that ``opened`` names where it is this person's, at this session, of the last
    hour; a new one for everybody else."""
    continued = _opening(request, session, opened)
    return continued or record_look(
        request,
        Look.Kind.VIEW,
        subject=session.session_id,
        website=session.website.domain,
        count=session.message_count,
    )


def _opening(request: HttpRequest, session: AgentSession, number: str) -> Look | None:
    if not (number.isascii() and number.isdecimal() and len(number) <= _MOST_DIGITS):
        return None
    return (
        Look.objects.filter(
            number=int(number),
            kind=Look.Kind.VIEW,
            actor_id=str(request.user.pk),
            subject=session.session_id,
            website=session.website.domain,
            created_at__gt=Now() - OPENING_LASTS,
        )
        .filter(created_at__gt=session.created_at)
        .first()
    )


_MOST_DIGITS: Final = 18


def people_who_looked() -> list[str]:
    """The names in the active tenant's record, in their order; the first hundred. Reads an entry of the index each."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, {"tenant": active_tenant_id(), "most": PEOPLE_LISTED})
        return [name for (name,) in cursor.fetchall()]


# From one name to the next higher one: DISTINCT would read every line.
_PEOPLE: Final = """
WITH RECURSIVE people AS (
    (SELECT actor_name FROM looks WHERE tenant_id = %(tenant)s ORDER BY actor_name LIMIT 1)
    UNION ALL
    SELECT (SELECT l.actor_name FROM looks l WHERE l.tenant_id = %(tenant)s AND l.actor_name > p.actor_name
             ORDER BY l.actor_name LIMIT 1)
      FROM people p WHERE p.actor_name IS NOT NULL)
SELECT actor_name FROM people WHERE actor_name IS NOT NULL LIMIT %(most)s
"""


def erase_record(cursor: CursorWrapper, tenant_id: UUID, who: Actor, *, reason: str = "") -> int:
    """Erases a tenant's whole record, and leaves one line in the operator's; gives how many lines went.

    For ``manage.py erase_tenant`` alone: ``cursor`` is the database's owner's, inside the transaction that erases the
    tenant. The application's role is refused. Raises ``ValueError`` for the operator, whose record must stay.
    """
    if tenant_id == OPERATOR_ID:
        raise ValueError("the operator's record is not erased")
    cursor.execute("DELETE FROM looks WHERE tenant_id = %s", [tenant_id])
    count = int(cursor.rowcount)
    cursor.execute("DELETE FROM look_heads WHERE tenant_id = %s", [tenant_id])
    values: list[Any] = [new_id(), OPERATOR_ID, Look.Kind.TENANT_ERASURE, who.id, who.name, who.role]
    cursor.execute(_INSERT, [*values, str(tenant_id), count, reason, who.address])
    return count


_INSERT: Final = """
INSERT INTO looks (id, tenant_id, kind, actor_id, actor_name, actor_role, subject, website, count, reason, address)
VALUES (%s, %s, %s, %s, %s, %s, %s, '', %s, %s, %s)
"""
