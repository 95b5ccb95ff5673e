"""Writing placeholders over what a session's row tells of its visitor, in the transaction that ends a turn."""

from typing import Any, Final

from sessions.store.visits import Claim
from tenants.database import Statement

# Only over what the turn has seen: a message that waits may have told something new, which its own turn replaces. The
# fence stays with the last owner of a turn that has ended.
_HIDE: Final = """
UPDATE agent_sessions s
   SET context = CASE WHEN s.context = %(told_context)s::jsonb THEN COALESCE(%(hidden_context)s::jsonb, s.context)
                      ELSE s.context END,
       user_id = CASE WHEN s.user_id = %(told_user_id)s::text AND NOT s.user_verified
                      THEN COALESCE(%(hidden_user_id)s::text, s.user_id) ELSE s.user_id END
  FROM turns t
 WHERE t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.fence = %(fence)s
   AND s.tenant_id = t.tenant_id AND s.id = t.agent_session_id AND s.legal_hold_at IS NULL
"""


def hide_told(claim: Claim, over_told: dict[str, Any] | None) -> list[Statement]:
    """No statement where nothing must be written."""
    return [] if over_told is None else [(_HIDE, {**claim.values(), **over_told})]
