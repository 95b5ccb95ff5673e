"""Reading back what was said."""

from typing import Final
from uuid import UUID

from sessions.store.visits import MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, in_tenant

_COMPLETED: Final = """
SELECT t.message_count, t.input_tokens, t.output_tokens, t.demo,
       jsonb_path_query_first(s.history, '$[*] ? (@.id == $id)', jsonb_build_object('id', t.reply_id)) AS reply
  FROM turns t JOIN agent_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.state = 'completed'
"""


async def completed_turn(tenant_id: UUID, turn_id: UUID) -> Row | None:
    """A completed turn with the message that answered it, for a replay."""
    [rows] = await in_tenant(tenant_id, [(_COMPLETED, {"tenant_id": tenant_id, "turn_id": turn_id})])
    return rows[0] if rows else None


# A page is addressed by position from the start: the list only grows at its end, so a cursor stays true.
_PAGE: Final = f"""
SELECT {MAY_USE} AS may_use,
       jsonb_array_length(s.history) AS total,
       jsonb_path_query_array(s.history, '$[$first to $last]',
           jsonb_build_object('first', GREATEST(LEAST(jsonb_array_length(s.history), %(before)s) - %(limit)s, 0),
                              'last', LEAST(jsonb_array_length(s.history), %(before)s) - 1)) AS messages
  FROM agent_sessions s WHERE {THIS_SESSION}
"""


async def message_page(visit: Visit, *, before: int, limit: int) -> Row | None:
    """Up to ``limit`` messages that stand before position ``before``, oldest first; None without such a session."""
    [rows] = await in_tenant(visit.tenant_id, [(_PAGE, {**visit.values(), "before": before, "limit": limit})])
    return rows[0] if rows else None
