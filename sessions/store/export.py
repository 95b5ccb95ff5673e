"""Reading whole sessions out, piece by piece: each piece is a transaction of its own, so that nobody is waited for."""

from typing import Any, Final
from uuid import UUID

from sessions.store.visits import MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, in_tenant

_TURNS_AT_ONCE: Final = 50
_SESSIONS_AT_ONCE: Final = 100
FIRST_ID: Final = UUID(int=0)

_FACTS: Final = """
       s.id AS session_pk, s.session_id, w.domain AS website, s.origin_host, a.key AS agent_id, s.user_id,
       s.user_verified, s.visitor_ip, s.user_agent, s.context, s.created_at, s.last_activity_at, s.access_ended_at,
       s.message_count
"""
_WITH_NAMES: Final = """
  FROM agent_sessions s
  JOIN websites w ON w.tenant_id = s.tenant_id AND w.id = s.website_id
  JOIN agents a ON a.tenant_id = s.agent_tenant_id AND a.id = s.agent_id
"""
_OF_VISIT: Final = f"SELECT {MAY_USE} AS may_use, {_FACTS} {_WITH_NAMES} WHERE {THIS_SESSION}"
_BY_PK: Final = f"SELECT {_FACTS} {_WITH_NAMES} WHERE s.tenant_id = %(tenant_id)s AND s.id = %(session_pk)s"
_OF_USER: Final = f"""
SELECT {_FACTS} {_WITH_NAMES}
 WHERE s.tenant_id = %(tenant_id)s AND s.user_id = ANY(%(user_ids)s) AND s.id > %(after)s
   AND (s.user_verified OR NOT %(verified_only)s)
 ORDER BY s.id LIMIT {_SESSIONS_AT_ONCE}
"""

# By position in the whole transcript, in one snapshot: what rolls from the history into a segment meanwhile is found
# where it is then, once.
_MESSAGES: Final = """
SELECT COALESCE(g.first_position, s.message_count - jsonb_array_length(s.history)) AS begins,
       COALESCE(g.messages, s.history) AS messages
  FROM agent_sessions s
  LEFT JOIN LATERAL (
       SELECT h.first_position, h.messages FROM history_segments h
        WHERE h.tenant_id = s.tenant_id AND h.agent_session_id = s.id AND h.first_position <= %(position)s
          AND %(position)s < h.first_position + h.message_count
        ORDER BY h.first_position DESC LIMIT 1) g ON true
 WHERE s.tenant_id = %(tenant_id)s AND s.id = %(session_pk)s
"""

# What no history has: messages that wait, run, or got no answer, and what an answer had come to.
_UNANSWERED: Final = f"""
SELECT t.number, t.message_id, t.state, t.message, t.partial_reply, t.created_at FROM turns t
 WHERE t.tenant_id = %(tenant_id)s AND t.agent_session_id = %(session_pk)s AND t.number > %(after)s
   AND (t.message <> '' OR t.partial_reply <> '')
 ORDER BY t.number LIMIT {_TURNS_AT_ONCE}
"""


async def facts_of_visit(visit: Visit) -> Row | None:
    """What is kept of the session beside its words, with ``may_use``; None without such a session."""
    [rows] = await in_tenant(visit.tenant_id, [(_OF_VISIT, visit.values())])
    return rows[0] if rows else None


async def facts_of_session(tenant_id: UUID, session_pk: UUID) -> Row | None:
    [rows] = await in_tenant(tenant_id, [(_BY_PK, {"tenant_id": tenant_id, "session_pk": session_pk})])
    return rows[0] if rows else None


async def facts_of_user(tenant_id: UUID, user_ids: list[str], *, verified_only: bool, after: UUID) -> list[Row]:
    """Of the next of the user's sessions, on all websites of the tenant, in the order in which they began."""
    values = {"tenant_id": tenant_id, "user_ids": user_ids, "verified_only": verified_only, "after": after}
    [rows] = await in_tenant(tenant_id, [(_OF_USER, values)])
    return rows


async def messages_from(tenant_id: UUID, session_pk: UUID, position: int) -> list[dict[str, Any]] | None:
    """Stored messages from ``position`` on, as many as lie together there; None where the session is gone."""
    values = {"tenant_id": tenant_id, "session_pk": session_pk, "position": position}
    [rows] = await in_tenant(tenant_id, [(_MESSAGES, values)])
    return rows[0]["messages"][max(position - rows[0]["begins"], 0) :] if rows else None


async def unanswered_after(tenant_id: UUID, session_pk: UUID, number: int) -> list[Row]:
    """The next turns with a higher ``number`` that hold words."""
    values = {"tenant_id": tenant_id, "session_pk": session_pk, "after": number}
    [rows] = await in_tenant(tenant_id, [(_UNANSWERED, values)])
    return rows
