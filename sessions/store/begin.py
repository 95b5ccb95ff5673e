"""Starting sessions and claiming turns."""

from typing import Any, Final

from sessions.store.lapse import IS_LAPSED, LET_LAPSE
from sessions.store.visits import LOCK, MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, Statement, in_tenant

CONTEXT_MESSAGES: Final = 50

# What the model may be shown of the history.
NEWEST_MESSAGES: Final = f"jsonb_path_query_array(s.history, '$[last - {CONTEXT_MESSAGES - 1} to last]')"

_CREATE: Final = """
INSERT INTO agent_sessions (tenant_id, id, website_id, agent_tenant_id, agent_id, session_id, origin_host,
                            visitor_ip, user_agent, token_hash, context, user_id, user_verified)
VALUES (%(tenant_id)s, %(new_session_pk)s, %(website_id)s, %(agent_tenant_id)s, %(agent_id)s, %(session_id)s,
        %(origin_host)s, %(visitor_ip)s, %(user_agent)s, %(new_token_hash)s, COALESCE(%(context)s::jsonb, '{}'),
        %(user_id)s::text, %(is_servers)s AND %(user_id)s::text IS NOT NULL)
ON CONFLICT (tenant_id, website_id, session_id) DO NOTHING
"""

_LET_LAPSE: Final = f"""
UPDATE turns t SET {LET_LAPSE}
  FROM agent_sessions s
 WHERE {THIS_SESSION} AND {MAY_USE} AND t.tenant_id = s.tenant_id AND t.agent_session_id = s.id AND {IS_LAPSED}
"""

# A conversation never passes from one person to another, not by its website's own server either.
_IS_ANOTHERS: Final = "(%(is_servers)s AND s.user_verified AND s.user_id <> %(user_id)s::text) IS TRUE"
_VOUCHES: Final = "(%(is_servers)s AND %(user_id)s::text IS NOT NULL)"

# The number comes from the turns under the session's lock; a retried turn moves to the end of the line. Whoever finds
# the line empty runs, others wait in it while it is short enough. Only what was claimed leaves its mark on the session:
# what the browser says of its visitor counts until a signature or the website's server says better, that there is text
# again which no redaction has seen, and the time, which is not written again within minutes, for the finish writes it.
_CLAIM: Final = f"""
WITH claimed AS (
    INSERT INTO turns AS t (tenant_id, id, agent_session_id, message_id, number, state, lease_expires_at, message,
                            message_hmac, reply_id)
    SELECT s.tenant_id, %(turn_id)s, s.id, %(message_id)s,
           1 + COALESCE((SELECT max(n.number) FROM turns n
                          WHERE n.tenant_id = s.tenant_id AND n.agent_session_id = s.id), 0),
           CASE WHEN line.length = 0 THEN 'running' ELSE 'queued' END,
           clock_timestamp() + make_interval(secs => %(lease_seconds)s), %(message)s, %(message_hmac)s,
           %(reply_id)s
      FROM agent_sessions s
     CROSS JOIN LATERAL (
           SELECT count(*) AS length FROM turns l
            WHERE l.tenant_id = s.tenant_id AND l.agent_session_id = s.id AND l.state IN ('queued', 'running')) line
     WHERE {THIS_SESSION} AND {MAY_USE} AND s.agent_id = ANY(%(agent_ids)s) AND line.length <= %(max_waiting)s
       AND NOT ({_IS_ANOTHERS})
    ON CONFLICT (tenant_id, agent_session_id, message_id) DO UPDATE
       SET state = EXCLUDED.state, fence = t.fence + 1, number = EXCLUDED.number, message = EXCLUDED.message,
           lease_expires_at = EXCLUDED.lease_expires_at, error_code = '', error_reason = '', finished_at = NULL,
           partial_reply = '', stop_requested_at = NULL, reply_id = EXCLUDED.reply_id, redaction_version = 0
     WHERE t.state IN ('failed', 'abandoned') AND t.message_hmac = EXCLUDED.message_hmac
    RETURNING t.tenant_id, t.agent_session_id, t.id, t.fence),
remembered AS (
    UPDATE agent_sessions s
       SET last_activity_at = now(), context = COALESCE(%(context)s::jsonb, s.context),
           user_id = CASE WHEN s.user_verified THEN s.user_id ELSE COALESCE(%(user_id)s::text, s.user_id) END,
           user_verified = s.user_verified OR {_VOUCHES}, redaction_version = 0
      FROM claimed c
     WHERE s.tenant_id = c.tenant_id AND s.id = c.agent_session_id
       AND (s.last_activity_at < now() - interval '10 minutes' OR s.redaction_version <> 0
            OR s.context <> COALESCE(%(context)s::jsonb, s.context)
            OR (NOT s.user_verified AND s.user_id IS DISTINCT FROM COALESCE(%(user_id)s::text, s.user_id))
            OR (NOT s.user_verified AND {_VOUCHES})))
SELECT id FROM claimed
"""

READ: Final = f"""
SELECT s.id AS session_pk, s.agent_id, s.context, s.user_id, s.user_verified, s.message_count,
       s.legal_hold_at IS NOT NULL AS is_held, {MAY_USE} AS may_use, {_IS_ANOTHERS} AS is_anothers,
       {NEWEST_MESSAGES} AS messages,
       clock_timestamp() AS asked_at, t.id AS turn_id, t.message_hmac, t.state, t.fence, t.reply_id
  FROM agent_sessions s
  LEFT JOIN turns t ON t.tenant_id = s.tenant_id AND t.agent_session_id = s.id AND t.message_id = %(message_id)s
 WHERE {THIS_SESSION}
"""


async def create_session(visit: Visit, new: dict[str, Any]) -> bool:
    """Makes a session of which ``new`` gives the first values. False where the id exists; then nothing is changed."""
    statement: Statement = (_CREATE + " RETURNING id", {**visit.values(), **new})
    [rows] = await in_tenant(visit.tenant_id, [statement])
    return bool(rows)


async def claim_turn(visit: Visit, new: dict[str, Any] | None, turn: dict[str, Any]) -> tuple[bool, Row | None]:
    """One trip: make the session where ``new`` gives its first values, lock it, claim the turn, read the state.

    Gives whether the turn was claimed, and the session with this message's turn as it is now, or None where there is
    no such session. A claimed turn is running, or queued behind at most ``max_waiting`` others, and carries the
    ``reply_id`` of ``turn``: so does one whose claim is asked for again because no answer came.

    Raises psycopg's errors.
    """
    values = {**visit.values(), **turn}
    statements: list[Statement] = [(_CREATE, {**values, **new})] if new is not None else []
    statements += [(LOCK, values), (_LET_LAPSE, values), (_CLAIM, values), (READ, values)]
    *_, claimed, state = await in_tenant(visit.tenant_id, statements)
    return bool(claimed), (state[0] if state else None)
