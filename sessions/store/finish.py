"""Ending turns: the exchange into the history, or the reason why there is none; and keeping the lease until then."""

from typing import Any, Final

from sessions.store.visits import Claim
from tenants.database import in_tenant

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
