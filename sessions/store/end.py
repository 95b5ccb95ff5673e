"""Ending a visitor's access to a session. The session itself stays."""

from typing import Final

from sessions.store.visits import THIS_SESSION, Visit
from tenants.database import in_tenant

# A token ends itself however old it is, and again: who logs out twice has logged out.
_END: Final = f"""
UPDATE agent_sessions s SET access_ended_at = COALESCE(s.access_ended_at, now())
 WHERE {THIS_SESSION} AND s.token_hash = %(token_hash)s
RETURNING true AS may_use
"""


async def end_access(visit: Visit) -> bool:
    """False where the visit's token is not the session's; then nothing is changed."""
    [rows] = await in_tenant(visit.tenant_id, [(_END, visit.values())])
    return bool(rows)
