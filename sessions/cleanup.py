"""The jobs that end what nobody came back for, tenant by tenant, in short transactions.

The statements name the tenant themselves; the row policies stand behind them, not instead of them.
"""

from typing import Final

from django.db import connection

from sessions.store.lapse import IS_LAPSED, LET_LAPSE
from tenants.rounds import each_tenant
from tenants.scoping import active_tenant_id

_CHUNK: Final = 500

_ABANDON: Final = f"""
UPDATE turns t SET {LET_LAPSE}
 WHERE t.tenant_id = %(tenant)s
   AND t.id IN (SELECT t.id FROM turns t WHERE t.tenant_id = %(tenant)s AND {IS_LAPSED}
                 LIMIT %(chunk)s FOR UPDATE SKIP LOCKED)
"""

# A session whose turn is waiting or running has just been spoken to.
_DELETE: Final = """
DELETE FROM agent_sessions
 WHERE tenant_id = %(tenant)s
   AND id IN (SELECT s.id FROM agent_sessions s JOIN tenants t ON t.id = s.tenant_id
               WHERE s.tenant_id = %(tenant)s
                 AND s.last_activity_at < now() - make_interval(days => t.retention_days)
                 AND NOT EXISTS (SELECT FROM turns r WHERE r.tenant_id = s.tenant_id AND r.agent_session_id = s.id
                                                       AND r.state IN ('queued', 'running'))
               ORDER BY s.last_activity_at LIMIT %(chunk)s FOR UPDATE OF s SKIP LOCKED)
"""


def abandon_lapsed_turns() -> int:
    """Marks waiting and running turns whose lease ran out; gives their number. The visitor's words stay on the turn."""
    return each_tenant("door_tenants_with_lapsed_turns", _abandon_chunk, reason="turns whose lease ran out")


def delete_expired_sessions() -> int:
    """Deletes sessions silent for longer than their tenant keeps them, with their turns; gives their number."""
    return each_tenant("door_tenants_with_expired_sessions", _delete_chunk, reason="retention")


def _abandon_chunk() -> int:
    return _run(_ABANDON)


def _delete_chunk() -> int:
    return _run(_DELETE)


def _run(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"tenant": active_tenant_id(), "chunk": _CHUNK})
        return int(cursor.rowcount)
