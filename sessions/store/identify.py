"""Whose a session is: what signs it, and the mark that it was proved."""

from typing import Final

from sessions.store.visits import MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, in_tenant
from tenants.identity_secrets import FORMER_VALID

_SECRETS: Final = f"""
SELECT {MAY_USE} AS may_use, w.identity_secret_sealed,
       CASE WHEN w.identity_secret_made_at > now() - %(former_valid)s
            THEN w.former_identity_secret_sealed END AS former_identity_secret_sealed,
       extract(epoch FROM now())::float AS now
  FROM agent_sessions s
  JOIN websites w ON w.tenant_id = s.tenant_id AND w.id = s.website_id
 WHERE {THIS_SESSION}
"""

# A claim makes way for what was proved; what was proved makes way for nothing. A redaction goes by the id, too.
_VERIFY: Final = f"""
UPDATE agent_sessions s SET user_id = %(user_id)s, user_verified = true, redaction_version = 0
 WHERE {THIS_SESSION} AND {MAY_USE} AND NOT s.user_verified
"""

_USER: Final = f"SELECT {MAY_USE} AS may_use, s.user_id FROM agent_sessions s WHERE {THIS_SESSION}"


async def identity_secrets(visit: Visit) -> Row | None:
    """The website's sealed secrets and the time, with ``may_use``; None where there is no such session."""
    [rows] = await in_tenant(visit.tenant_id, [(_SECRETS, {**visit.values(), "former_valid": FORMER_VALID})])
    return rows[0] if rows else None


async def verify_user(visit: Visit, user_id: str) -> Row | None:
    """Makes the session the user's unless it is proved to be somebody's already; whose it is then."""
    values = {**visit.values(), "user_id": user_id}
    _, rows = await in_tenant(visit.tenant_id, [(_VERIFY, values), (_USER, values)])
    return rows[0] if rows else None
