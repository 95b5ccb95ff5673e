"""Keeping a turn while it waits and runs, closing one that brings no exchange, and watching one from outside."""

from typing import Any, Final
from uuid import UUID

from sessions.store.hide import hide_told
from sessions.store.visits import MAY_USE, THIS_SESSION, Claim, Visit
from tenants.database import Row, Statement, in_tenant

_RENEW: Final = """
UPDATE turns SET lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
 WHERE tenant_id = %(tenant_id)s AND id = %(turn_id)s AND fence = %(fence)s AND state IN ('queued', 'running')
RETURNING state = 'running' AND stop_requested_at IS NOT NULL AS must_stop
"""

# Behind the turn ``t``: whether its end is worth a word to the other processes.
SOMEBODY_WAITS: Final = """
    EXISTS (SELECT FROM turns w WHERE w.tenant_id = t.tenant_id AND w.agent_session_id = t.agent_session_id
                                  AND w.id <> t.id AND w.state = 'queued')
"""

_CLOSE: Final = f"""
UPDATE turns t SET state = %(state)s::text, lease_expires_at = NULL, finished_at = clock_timestamp(),
       error_code = %(error_code)s, error_reason = %(error_reason)s, model = %(model)s, demo = %(demo)s,
       message = COALESCE(%(message)s::text, t.message), partial_reply = %(partial_reply)s,
       first_token_ms = %(first_token_ms)s, total_ms = %(total_ms)s,
       message_count = CASE WHEN %(state)s::text = 'stopped' THEN s.message_count END
  FROM agent_sessions s
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.fence = %(fence)s AND t.state IN ('queued', 'running')
   AND s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
RETURNING {SOMEBODY_WAITS} AS somebody_waits
"""


async def renew_lease(claim: Claim, lease_seconds: float) -> Row | None:
    """Whether the turn ``must_stop``; None where it is no longer this owner's."""
    [rows] = await in_tenant(claim.tenant_id, [(_RENEW, {**claim.values(), "lease_seconds": lease_seconds})])
    return rows[0] if rows else None


async def close_turn(claim: Claim, values: dict[str, Any], over_told: dict[str, Any] | None = None) -> bool:
    """Closes the turn without an exchange; the visitor's message stays on it, or is replaced by ``message``.

    Does nothing where the fence is lost. ``over_told``: see ``store.hide``.
    Gives whether somebody waits behind what was closed.
    """
    closing: Statement = (_CLOSE, {**claim.values(), **values})
    rows, *_ = await in_tenant(claim.tenant_id, [closing, *hide_told(claim, over_told)])
    return bool(rows and rows[0]["somebody_waits"])


_STATE: Final = """
SELECT t.state, t.fence, t.error_code, t.error_reason,
       COALESCE(t.lease_expires_at < clock_timestamp(), false) AS is_lapsed
  FROM turns t WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s
"""

_OF_VISITOR: Final = f"""
SELECT {MAY_USE} AS may_use, s.id AS session_pk, s.agent_id, t.id AS turn_id, t.state, t.fence, t.reply_id,
       t.error_code, t.error_reason, t.message, t.created_at
  FROM agent_sessions s
  LEFT JOIN turns t ON t.tenant_id = s.tenant_id AND t.agent_session_id = s.id AND t.message_id = %(message_id)s
 WHERE {THIS_SESSION}
"""


async def turn_state(tenant_id: UUID, turn_id: UUID) -> Row | None:
    """What became of a turn that another process runs; None where it was deleted meanwhile."""
    [rows] = await in_tenant(tenant_id, [(_STATE, {"tenant_id": tenant_id, "turn_id": turn_id})])
    return rows[0] if rows else None


async def turn_of_visitor(visit: Visit, message_id: str) -> Row | None:
    """The session with ``may_use`` and its turn of ``message_id`` (``turn_id`` NULL without one), or None."""
    [rows] = await in_tenant(visit.tenant_id, [(_OF_VISITOR, {**visit.values(), "message_id": message_id})])
    return rows[0] if rows else None
