"""After a policy has changed: what was redacted under the former one is due again, so that the new one reaches it.

Only marks; the job redacts, in its own time. Sessions are passed in the order of their ids, each once: what the job has
meanwhile gone over again is not marked a second time.
"""

from typing import Any, Final
from uuid import UUID

from django.db import connection

from tenants.scoping import tenant_scope

_CHUNK: Final = 500
_BEFORE_ALL: Final = UUID(int=0)

# A session that a turn has locked will be due anyway: a turn sets its version to 0.
_MARK: Final = """
WITH next AS MATERIALIZED (
    SELECT s.id FROM agent_sessions s
     WHERE s.tenant_id = %(tenant)s AND s.id > %(after)s AND s.redaction_version > 0
       AND (%(website)s::uuid IS NULL OR s.website_id = %(website)s::uuid)
     ORDER BY s.id LIMIT %(chunk)s FOR UPDATE SKIP LOCKED),
segments AS (
    UPDATE history_segments h SET redaction_version = 0 FROM next
     WHERE h.tenant_id = %(tenant)s AND h.agent_session_id = next.id AND h.redaction_version > 0),
turns AS (
    UPDATE turns t SET redaction_version = 0 FROM next
     WHERE t.tenant_id = %(tenant)s AND t.agent_session_id = next.id AND t.redaction_version > 0),
marked AS (
    UPDATE agent_sessions s SET redaction_version = 0 FROM next WHERE s.tenant_id = %(tenant)s AND s.id = next.id
    RETURNING s.id)
SELECT id FROM marked ORDER BY id DESC LIMIT 1
"""


def go_over_again(tenant_id: UUID, website_id: UUID | None) -> None:
    """Of one website, or of all of the tenant's. May run twice."""
    after: UUID | None = _BEFORE_ALL
    while after is not None:
        with tenant_scope(tenant_id):
            after = _mark_some(tenant_id, website_id, after)


def _mark_some(tenant_id: UUID, website_id: UUID | None, after: UUID) -> UUID | None:
    values: dict[str, Any] = {"tenant": tenant_id, "website": website_id, "after": after, "chunk": _CHUNK}
    with connection.cursor() as cursor:
        cursor.execute(_MARK, values)
        row = cursor.fetchone()
    return row[0] if row else None
