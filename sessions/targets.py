"""What an erasure or an export by staff is about, and what there is of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connection

from sessions.models import AgentSession, Erasure
from sessions.store.holds import IS_HELD
from sessions.stored_ids import stored_ids
from tenants.models import Website
from tenants.scoping import active_tenant_id

Kind = Erasure.Kind

# For the session ``s``. What began after it was asked for is not part of it: a website goes on being used meanwhile.
# But a website that goes itself takes everything along.
CONDITIONS: Final = {
    Kind.SESSION: "s.id = %(session_pk)s",
    Kind.USER: "s.user_id = ANY(%(user_ids)s) AND s.created_at <= %(asked_at)s",
    Kind.CONVERSATIONS: "s.website_id = %(website_pk)s AND s.created_at <= %(asked_at)s",
    Kind.WEBSITE: "s.website_id = %(website_pk)s",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Of the active tenant: one session, all sessions of a user on all websites, or a website's."""

    kind: Erasure.Kind
    session_pk: UUID | None = None
    user_id: str = ""
    website_pk: UUID | None = None

    @classmethod
    def session(cls, session: AgentSession) -> "Target":
        return cls(Kind.SESSION, session_pk=session.pk)

    @classmethod
    def user(cls, user_id: str) -> "Target":
        return cls(Kind.USER, user_id=user_id)

    @classmethod
    def website(cls, website: Website, *, whole: bool) -> "Target":
        """Its conversations; with ``whole`` the website as well."""
        return cls(Kind.WEBSITE if whole else Kind.CONVERSATIONS, website_pk=website.pk)

    @classmethod
    def of(cls, erasure: Erasure) -> "Target":
        return cls(Kind(erasure.kind), erasure.session_pk, erasure.user_id, erasure.website_pk)

    @property
    def condition(self) -> str:
        return CONDITIONS[self.kind]

    def columns(self) -> dict[str, Any]:
        """For the row of an erasure."""
        return {"session_pk": self.session_pk, "user_id": self.user_id, "website_pk": self.website_pk}

    def values(self) -> dict[str, Any]:
        """For the condition, in the tenant's scope."""
        user_ids = stored_ids(self.user_id) if self.kind is Kind.USER else []
        return {"session_pk": self.session_pk, "user_ids": user_ids, "website_pk": self.website_pk}


@dataclass(frozen=True, slots=True)
class Preview:
    """What would go. ``held`` of the sessions may not be erased; ``verified`` of them are proved to be the user's."""

    sessions: int
    messages: int
    turns: int
    held: int
    verified: int
    oldest: datetime | None
    newest: datetime | None

    @property
    def would_go(self) -> int:
        return self.sessions - self.held


_PREVIEW: Final = """
WITH found AS MATERIALIZED (
    SELECT s.id, s.message_count, s.created_at, s.last_activity_at, s.user_verified, {held} AS is_held
      FROM agent_sessions s WHERE s.tenant_id = %(tenant_id)s AND {condition})
SELECT count(*) AS sessions, COALESCE(sum(message_count), 0)::bigint AS messages,
       (SELECT count(*) FROM turns t JOIN found f ON t.tenant_id = %(tenant_id)s AND t.agent_session_id = f.id)
           AS turns,
       count(*) FILTER (WHERE is_held) AS held, count(*) FILTER (WHERE user_verified) AS verified,
       min(created_at) AS oldest, max(last_activity_at) AS newest
  FROM found
"""


def preview_of(target: Target) -> Preview:
    """Counts, and the first and the last moment; no words. Looks at every session of the target."""
    statement = _PREVIEW.format(held=IS_HELD, condition=target.condition)
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (now,) = cursor.fetchone()
        cursor.execute(statement, {**target.values(), "tenant_id": active_tenant_id(), "asked_at": now})
        names = [column.name for column in cursor.description or ()]
        return Preview(**dict(zip(names, cursor.fetchone(), strict=True)))
