"""Reading back what was said."""

from itertools import chain
from typing import Final
from uuid import UUID

from sessions.store.begin import NEWEST_MESSAGES
from sessions.store.visits import MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, in_tenant

# A turn keeps the session's count after its exchange: its answer is the last of so many messages.
_ANSWERED: Final = """
SELECT t.state, t.fence, t.message_id, t.message_count, t.input_tokens, t.output_tokens, t.demo, found.reply
  FROM turns t
  JOIN agent_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
  LEFT JOIN LATERAL (
       SELECT CASE WHEN t.message_count > s.message_count - jsonb_array_length(s.history)
                   THEN s.history -> (t.message_count - 1 - (s.message_count - jsonb_array_length(s.history)))
                   ELSE (SELECT g.messages -> (t.message_count - 1 - g.first_position)
                           FROM history_segments g
                          WHERE g.tenant_id = t.tenant_id AND g.agent_session_id = t.agent_session_id
                            AND g.first_position < t.message_count
                          ORDER BY g.first_position DESC LIMIT 1) END AS reply
       ) found ON found.reply ->> 'id' = t.reply_id
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.state IN ('completed', 'stopped')
"""


async def answered_turn(tenant_id: UUID, turn_id: UUID) -> Row | None:
    """A completed or stopped turn with the message that answered it, for a replay.

    ``reply`` is None where the turn was stopped before its first word.
    """
    [rows] = await in_tenant(tenant_id, [(_ANSWERED, {"tenant_id": tenant_id, "turn_id": turn_id})])
    return rows[0] if rows else None


_TOLD: Final = f"""
SELECT s.context, s.user_id, s.user_verified, s.legal_hold_at IS NOT NULL AS is_held, {NEWEST_MESSAGES} AS messages
  FROM agent_sessions s WHERE {THIS_SESSION} AND {MAY_USE}
"""


async def told_before(visit: Visit) -> Row | None:
    """What a session holds before a message is claimed; None where there is none, or the visit may not use it."""
    [rows] = await in_tenant(visit.tenant_id, [(_TOLD, visit.values())])
    return rows[0] if rows else None


# One snapshot with the page: a turn that ends between two statements would be in both or in neither.
_ONGOING: Final = """
    ARRAY(SELECT jsonb_build_object('message_id', t.message_id, 'state', t.state, 'message', t.message,
                                    'at', t.created_at)
            FROM turns t
           WHERE t.tenant_id = p.tenant_id AND t.agent_session_id = p.id AND t.state IN ('queued', 'running')
             AND t.lease_expires_at >= clock_timestamp()
           ORDER BY t.number) AS ongoing
"""

# A page is addressed by position from the start of the whole transcript: it only grows at its end, and a roll moves no
# message to another position, so that a cursor stays true. Of the segments only those are read that the page overlaps:
# from the one that holds its first message on.
_PAGE: Final = f"""
WITH page AS MATERIALIZED (
    SELECT s.tenant_id, s.id, {MAY_USE} AS may_use, s.message_count AS total, s.history,
           s.message_count - jsonb_array_length(s.history) AS rolled,
           GREATEST(LEAST(s.message_count, %(before)s) - %(limit)s, 0) AS begins,
           LEAST(s.message_count, %(before)s) AS ends
      FROM agent_sessions s WHERE {THIS_SESSION})
SELECT p.may_use, p.total,
       ARRAY(SELECT jsonb_path_query_array(g.messages, '$[$first to $last]',
                        jsonb_build_object('first', GREATEST(p.begins - g.first_position, 0),
                                           'last', LEAST(p.ends - g.first_position, g.message_count) - 1))
               FROM history_segments g
              WHERE p.begins < p.rolled AND g.tenant_id = p.tenant_id AND g.agent_session_id = p.id
                AND g.first_position < p.ends
                AND g.first_position >= (SELECT max(h.first_position) FROM history_segments h
                                          WHERE h.tenant_id = p.tenant_id AND h.agent_session_id = p.id
                                            AND h.first_position <= p.begins)
              ORDER BY g.first_position) AS segments,
       jsonb_path_query_array(p.history, '$[$first to $last]',
           jsonb_build_object('first', GREATEST(p.begins - p.rolled, 0), 'last', p.ends - p.rolled - 1)) AS recent,
       {_ONGOING}
  FROM page p
"""


async def message_page(visit: Visit, *, before: int, limit: int) -> Row | None:
    """Up to ``limit`` messages that stand before position ``before``, oldest first; None without such a session.

    ``ongoing`` are the turns that wait or run, the first in line first.
    """
    [rows] = await in_tenant(visit.tenant_id, [(_PAGE, {**visit.values(), "before": before, "limit": limit})])
    return {**rows[0], "messages": [*chain(*rows[0]["segments"]), *rows[0]["recent"]]} if rows else None
