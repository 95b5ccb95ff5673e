"""All SQL of sessions on the chat path. A turn touches them twice: one trip to begin, one to finish.

Times are the database's. A session's row lock puts its turns in one line; ``sessions.turns`` gives the meaning.
"""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from tenants.database import Row, Statement, in_tenant

CONTEXT_MESSAGES: Final = 50

# Who may use a session: one that was started with a token, with that token alone; one without, where the website
# allows it. Every statement of a turn's beginning carries this, so that a refusal changes nothing.
_MAY_USE: Final = """
    (s.token_hash = %(token_hash)s OR (s.token_hash IS NULL AND %(token_hash)s::bytea IS NULL AND %(plain_allowed)s))
"""
_THIS_SESSION: Final = """
    s.tenant_id = %(tenant_id)s AND s.website_id = %(website_id)s AND s.session_id = %(session_id)s
"""

_CREATE: Final = """
INSERT INTO agent_sessions (tenant_id, id, website_id, agent_tenant_id, agent_id, session_id, origin_host,
                            token_hash, context, user_id)
VALUES (%(tenant_id)s, %(new_session_pk)s, %(website_id)s, %(agent_tenant_id)s, %(agent_id)s, %(session_id)s,
        %(origin_host)s, %(token_hash)s, COALESCE(%(context)s::jsonb, '{}'), %(user_id)s)
ON CONFLICT (tenant_id, website_id, session_id) DO NOTHING
"""

# Waits for the session's lock and decides nothing: its snapshot may be older than what the lock waited for.
_LOCK: Final = f"SELECT s.id FROM agent_sessions s WHERE {_THIS_SESSION} FOR UPDATE"

_ABANDON_LAPSED: Final = f"""
UPDATE turns t SET state = 'abandoned', fence = t.fence + 1, lease_expires_at = NULL, finished_at = clock_timestamp(),
                   error_code = 'abandoned'
  FROM agent_sessions s
 WHERE {_THIS_SESSION} AND {_MAY_USE} AND t.tenant_id = s.tenant_id AND t.agent_session_id = s.id
   AND t.state = 'running' AND t.lease_expires_at < clock_timestamp()
"""

# The number comes from the turns under the session's lock; a retried turn moves to the end of the line. Only what was
# claimed leaves its mark on the session: what the browser says of its visitor counts until a signature says better,
# and the time, which is not written again within minutes, for the finish writes it as well.
_CLAIM: Final = f"""
WITH claimed AS (
    INSERT INTO turns AS t (tenant_id, id, agent_session_id, message_id, number, state, lease_expires_at, message,
                            message_hmac)
    SELECT s.tenant_id, %(turn_id)s, s.id, %(message_id)s,
           1 + COALESCE((SELECT max(n.number) FROM turns n
                          WHERE n.tenant_id = s.tenant_id AND n.agent_session_id = s.id), 0),
           'running', clock_timestamp() + make_interval(secs => %(lease_seconds)s), %(message)s, %(message_hmac)s
      FROM agent_sessions s
     WHERE {_THIS_SESSION} AND {_MAY_USE} AND s.agent_id = ANY(%(agent_ids)s)
       AND NOT EXISTS (SELECT FROM turns r WHERE r.tenant_id = s.tenant_id AND r.agent_session_id = s.id
                                             AND r.state = 'running')
    ON CONFLICT (tenant_id, agent_session_id, message_id) DO UPDATE
       SET state = 'running', fence = t.fence + 1, number = EXCLUDED.number, message = EXCLUDED.message,
           lease_expires_at = EXCLUDED.lease_expires_at, error_code = '', error_reason = '', finished_at = NULL
     WHERE t.state IN ('failed', 'abandoned') AND t.message_hmac = EXCLUDED.message_hmac
    RETURNING t.tenant_id, t.agent_session_id, t.id, t.fence),
remembered AS (
    UPDATE agent_sessions s
       SET last_activity_at = now(), context = COALESCE(%(context)s::jsonb, s.context),
           user_id = CASE WHEN s.user_verified THEN s.user_id ELSE COALESCE(%(user_id)s::text, s.user_id) END
      FROM claimed c
     WHERE s.tenant_id = c.tenant_id AND s.id = c.agent_session_id
       AND (s.last_activity_at < now() - interval '10 minutes' OR s.context <> COALESCE(%(context)s::jsonb, s.context)
            OR (NOT s.user_verified AND s.user_id IS DISTINCT FROM COALESCE(%(user_id)s::text, s.user_id))))
SELECT id, fence FROM claimed
"""

_READ: Final = f"""
SELECT s.id AS session_pk, s.agent_id, s.context, {_MAY_USE} AS may_use, t.id AS turn_id, t.message_hmac,
       jsonb_path_query_array(s.history, '$[last - {CONTEXT_MESSAGES - 1} to last]') AS messages
  FROM agent_sessions s
  LEFT JOIN turns t ON t.tenant_id = s.tenant_id AND t.agent_session_id = s.id AND t.message_id = %(message_id)s
 WHERE {_THIS_SESSION}
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """Which session a request names, and with what right."""

    tenant_id: UUID
    website_id: UUID
    session_id: str
    token_hash: bytes | None
    plain_allowed: bool

    def values(self) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "website_id": self.website_id,
            "session_id": self.session_id,
            "token_hash": self.token_hash,
            "plain_allowed": self.plain_allowed,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to finish a turn: it holds while ``fence`` is the turn's."""

    tenant_id: UUID
    session_pk: UUID
    turn_id: UUID
    fence: int

    def values(self) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "session_pk": self.session_pk,
            "turn_id": self.turn_id,
            "fence": self.fence,
        }


async def create_session(visit: Visit, new: dict[str, Any]) -> bool:
    """Makes a session with the visit's token. False where the id exists; then nothing is changed."""
    statement: Statement = (_CREATE + " RETURNING id", {**visit.values(), **new})
    [rows] = await in_tenant(visit.tenant_id, [statement])
    return bool(rows)


async def begin_turn(visit: Visit, new: dict[str, Any] | None, turn: dict[str, Any]) -> tuple[Row | None, Row | None]:
    """One trip: make the session where ``new`` gives its first values, lock it, claim the turn, read the state.

    Gives what was claimed (``id``, ``fence``), or None, and the session with this message's turn, or None where there
    is no such session. Raises psycopg's errors; then nothing was written.
    """
    values = {**visit.values(), **turn}
    statements: list[Statement] = [(_CREATE, {**values, **new})] if new is not None else []
    statements += [
        (_LOCK, values),
        (_ABANDON_LAPSED, values),
        (_CLAIM, values),
        (_READ, values),
    ]
    *_, claimed, state = await in_tenant(visit.tenant_id, statements)
    return (claimed[0] if claimed else None), (state[0] if state else None)


_LOCK_BY_PK: Final = "SELECT 1 FROM agent_sessions WHERE tenant_id = %(tenant_id)s AND id = %(session_pk)s FOR UPDATE"

# The pair goes in by one ||, and only while the fence is still ours: half an exchange cannot be written.
_FINISH: Final = """
WITH appended AS (
    UPDATE agent_sessions s
       SET history = s.history || %(pair)s::jsonb, message_count = s.message_count + 2, last_activity_at = now()
      FROM turns t
     WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.fence = %(fence)s AND t.state = 'running'
       AND s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
 RETURNING s.message_count)
UPDATE turns t
   SET state = 'completed', message = '', lease_expires_at = NULL, finished_at = clock_timestamp(),
       reply_id = %(reply_id)s, message_count = appended.message_count, model = %(model)s, demo = %(demo)s,
       input_tokens = %(input_tokens)s, output_tokens = %(output_tokens)s,
       first_token_ms = %(first_token_ms)s, total_ms = %(total_ms)s
  FROM appended
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s
RETURNING t.message_count
"""

_FAIL: Final = """
UPDATE turns SET state = 'failed', lease_expires_at = NULL, finished_at = clock_timestamp(),
       error_code = %(error_code)s, error_reason = %(error_reason)s, model = %(model)s, demo = %(demo)s,
       first_token_ms = %(first_token_ms)s, total_ms = %(total_ms)s
 WHERE tenant_id = %(tenant_id)s AND id = %(turn_id)s AND fence = %(fence)s AND state = 'running'
"""


async def finish_turn(claim: Claim, values: dict[str, Any]) -> int | None:
    """Appends the exchange and closes the turn; gives the session's message count, or None where the fence is lost."""
    everything = {**claim.values(), **values}
    _, rows = await in_tenant(claim.tenant_id, [(_LOCK_BY_PK, everything), (_FINISH, everything)])
    return rows[0]["message_count"] if rows else None


_SAVED: Final = """
SELECT message_count FROM turns
 WHERE tenant_id = %(tenant_id)s AND id = %(turn_id)s AND reply_id = %(reply_id)s AND state = 'completed'
"""

_RENEW: Final = """
UPDATE turns SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
 WHERE tenant_id = %(tenant_id)s AND id = %(turn_id)s AND fence = %(fence)s AND state = 'running'
RETURNING id
"""


async def saved_count(claim: Claim, reply_id: str) -> int | None:
    """The message count of a turn that was finished with this very reply: its commit came through, its answer not."""
    [rows] = await in_tenant(claim.tenant_id, [(_SAVED, {**claim.values(), "reply_id": reply_id})])
    return rows[0]["message_count"] if rows else None


async def renew_lease(claim: Claim, lease_seconds: float) -> bool:
    """False where the turn is no longer this owner's."""
    [rows] = await in_tenant(claim.tenant_id, [(_RENEW, {**claim.values(), "lease_seconds": lease_seconds})])
    return bool(rows)


async def fail_turn(claim: Claim, values: dict[str, Any]) -> None:
    """Closes the turn without an exchange; the visitor's message stays on it. Does nothing where the fence is lost."""
    await in_tenant(claim.tenant_id, [(_FAIL, {**claim.values(), **values})])


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
SELECT {_MAY_USE} AS may_use,
       jsonb_array_length(s.history) AS total,
       jsonb_path_query_array(s.history, '$[$first to $last]',
           jsonb_build_object('first', GREATEST(LEAST(jsonb_array_length(s.history), %(before)s) - %(limit)s, 0),
                              'last', LEAST(jsonb_array_length(s.history), %(before)s) - 1)) AS messages
  FROM agent_sessions s WHERE {_THIS_SESSION}
"""


async def message_page(visit: Visit, *, before: int, limit: int) -> Row | None:
    """Up to ``limit`` messages that stand before position ``before``, oldest first; None without such a session."""
    [rows] = await in_tenant(visit.tenant_id, [(_PAGE, {**visit.values(), "before": before, "limit": limit})])
    return rows[0] if rows else None
