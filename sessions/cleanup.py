"""The jobs that end what nobody came back for, tenant by tenant, in short transactions.

The statements name the tenant themselves; the row policies stand behind them, not instead of them.
"""

from typing import Any, Final
from uuid import UUID

from django.db import connection

from sessions.models import MOST_REDACTION_VERSIONS
from sessions.store.lapse import IS_LAPSED, LET_LAPSE
from tenants.rounds import each_tenant, each_tenant_outside_scopes
from tenants.scoping import active_tenant_id, tenant_scope

_CHUNK: Final = 250
_WINDOWS: Final = 1_000
"""Of turns that are held or kept longer, which one chunk passes over before it gives up."""

_ABANDON: Final = f"""
UPDATE turns t SET {LET_LAPSE}
 WHERE t.tenant_id = %(tenant)s
   AND t.id IN (SELECT t.id FROM turns t WHERE t.tenant_id = %(tenant)s AND {IS_LAPSED}
                 LIMIT %(chunk)s FOR UPDATE SKIP LOCKED)
"""

# Whoever sets a hold on a website waits for this, and this for them.
_FREE_WEBSITES: Final = """
free AS MATERIALIZED (
    SELECT w.id FROM websites w WHERE w.tenant_id = %(tenant)s AND w.legal_hold_at IS NULL FOR SHARE)
"""

# Website by website, each version of the redactor by itself: so the index leads to what is due, and to nothing else.
# A session whose turn is waiting or running has just been spoken to.
_DELETE: Final = f"""
WITH {_FREE_WEBSITES}
DELETE FROM agent_sessions
 WHERE tenant_id = %(tenant)s
   AND id IN (SELECT due.id
                FROM free JOIN privacy_policies p ON p.tenant_id = %(tenant)s AND p.website_id = free.id
               CROSS JOIN LATERAL (
                     SELECT s.id FROM agent_sessions s
                      WHERE s.tenant_id = p.tenant_id AND s.website_id = p.website_id
                        AND s.redaction_version = ANY(%(versions)s)
                        AND s.last_activity_at < now() - make_interval(days => p.retention_days)
                        AND s.legal_hold_at IS NULL
                        AND NOT EXISTS (SELECT FROM turns r
                                         WHERE r.tenant_id = s.tenant_id AND r.agent_session_id = s.id
                                           AND r.state IN ('queued', 'running'))
                      LIMIT %(chunk)s FOR UPDATE SKIP LOCKED) due
               LIMIT %(chunk)s)
"""

# A window of the oldest turns that still hold words; whose words are kept longer, or held, is passed over.
_FORGET: Final = f"""
WITH {_FREE_WEBSITES},
old AS MATERIALIZED (
    SELECT t.id, t.agent_session_id, t.finished_at FROM turns t
     WHERE t.tenant_id = %(tenant)s AND t.message_hmac <> '' AND (t.finished_at, t.id) > (%(after_at)s, %(after_id)s)
       AND t.finished_at < now() - make_interval(days => (SELECT min(p.turn_retention_days) FROM privacy_policies p
                                                           WHERE p.tenant_id = %(tenant)s))
     ORDER BY t.finished_at, t.id LIMIT %(chunk)s),
unheld AS MATERIALIZED (
    SELECT s.tenant_id, s.id, s.website_id FROM agent_sessions s
     WHERE s.tenant_id = %(tenant)s AND s.id IN (SELECT agent_session_id FROM old) AND s.legal_hold_at IS NULL
       FOR SHARE SKIP LOCKED),
forgotten AS (
    UPDATE turns t SET message = '', partial_reply = '', message_hmac = ''
      FROM old
      JOIN unheld s ON s.id = old.agent_session_id
      JOIN free ON free.id = s.website_id
      JOIN privacy_policies p ON p.tenant_id = s.tenant_id AND p.website_id = s.website_id
     WHERE t.tenant_id = %(tenant)s AND t.id = old.id AND t.state NOT IN ('queued', 'running')
       AND t.finished_at < now() - make_interval(days => p.turn_retention_days)
    RETURNING t.id)
SELECT (SELECT count(*) FROM forgotten), old.finished_at, old.id
  FROM old ORDER BY old.finished_at DESC, old.id DESC LIMIT 1
"""

_BEFORE_ALL: Final = ("-infinity", UUID(int=0))


def abandon_lapsed_turns() -> int:
    """Marks waiting and running turns whose lease ran out; gives their number. The visitor's words stay on the turn."""
    return each_tenant("door_tenants_with_lapsed_turns", _abandon_chunk, reason="turns whose lease ran out")


def delete_expired_sessions() -> int:
    """Deletes sessions silent for longer than their policy keeps them, with their turns; gives their number.

    What is under a legal hold stays.
    """
    return each_tenant("door_tenants_with_expired_sessions", _delete_chunk, reason="retention")


def forget_old_turns() -> int:
    """Empties what turns hold of messages and answers beyond their policy's days; gives their number.

    Of long conversations, that is: a silent one goes as a whole. State, times and figures stay.
    """
    return each_tenant_outside_scopes("door_tenants_with_old_turns", _Forgetting().chunk, reason="old turns")


def _abandon_chunk() -> int:
    return _run(_ABANDON)


def _delete_chunk() -> int:
    return _run(_DELETE)


class _Forgetting:
    """One round, which remembers how far it came with each tenant: what is held does not keep it from the rest."""

    def __init__(self) -> None:
        self._reached: dict[UUID, tuple[Any, UUID]] = {}

    def chunk(self, tenant_id: UUID) -> int:
        """Goes on to the next window that has something to forget; 0 at the end, or after a few windows without."""
        for _ in range(_WINDOWS):
            after_at, after_id = self._reached.get(tenant_id, _BEFORE_ALL)
            with tenant_scope(tenant_id), connection.cursor() as cursor:
                cursor.execute(_FORGET, {**_values(), "after_at": after_at, "after_id": after_id})
                window = cursor.fetchone()
            if window is None:
                return 0
            forgotten, *reached = window
            self._reached[tenant_id] = (reached[0], reached[1])
            if forgotten:
                return int(forgotten)
        return 0


def _run(statement: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, _values())
        return int(cursor.rowcount)


def _values() -> dict[str, Any]:
    return {"tenant": active_tenant_id(), "chunk": _CHUNK, "versions": list(range(MOST_REDACTION_VERSIONS + 1))}
