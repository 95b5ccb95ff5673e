"""The line of a session's turns: waiting for those with lower numbers, and stopping."""

from typing import Any, Final

from sessions.store.begin import NEWEST_MESSAGES
from sessions.store.lapse import IS_LAPSED, LET_LAPSE
from sessions.store.visits import LOCK, LOCK_BY_PK, MAY_USE, THIS_SESSION, Claim, Visit
from tenants.database import Row, in_tenant

_MINE: Final = "t.tenant_id = %(tenant_id)s AND t.id = %(turn_id)s AND t.fence = %(fence)s"
_OTHERS_OF_THE_LINE: Final = """
    SELECT FROM turns o
     WHERE o.tenant_id = t.tenant_id AND o.agent_session_id = t.agent_session_id AND o.number < t.number
       AND o.state IN ('queued', 'running')
"""

# Looks without a lock, and passes over those whose owner died; who may start asks again under the lock. One that runs
# already was started by its owner, who did not hear that it was.
_LOOK: Final = f"""
SELECT t.state, NOT EXISTS ({_OTHERS_OF_THE_LINE} AND o.lease_expires_at >= clock_timestamp()) AS is_next
  FROM turns t WHERE {_MINE} AND t.state IN ('queued', 'running', 'stopped')
"""

_SKIP_DEAD: Final = f"""
UPDATE turns t SET {LET_LAPSE}
 WHERE t.tenant_id = %(tenant_id)s AND t.agent_session_id = %(session_pk)s AND t.id <> %(turn_id)s AND {IS_LAPSED}
"""

_START: Final = f"""
WITH started AS (
    UPDATE turns t
       SET state = 'running', lease_expires_at = clock_timestamp() + make_interval(secs => %(lease_seconds)s)
     WHERE {_MINE} AND t.state IN ('queued', 'running') AND NOT EXISTS ({_OTHERS_OF_THE_LINE})
    RETURNING t.tenant_id, t.agent_session_id)
SELECT s.context, s.user_id, s.user_verified, s.message_count, clock_timestamp() AS asked_at,
       {NEWEST_MESSAGES} AS messages
  FROM started JOIN agent_sessions s ON s.tenant_id = started.tenant_id AND s.id = started.agent_session_id
"""


async def look_at_line(claim: Claim) -> Row | None:
    """The waiting turn's ``state`` (it may be ``stopped``) and whether it ``is_next``; None where it is lost."""
    [rows] = await in_tenant(claim.tenant_id, [(_LOOK, claim.values())])
    return rows[0] if rows else None


async def start_turn(claim: Claim, lease_seconds: float) -> Row | None:
    """Lets the queued turn run, and gives what it needs of the session; None where it is not its turn after all."""
    values = {**claim.values(), "lease_seconds": lease_seconds}
    *_, started = await in_tenant(claim.tenant_id, [(LOCK_BY_PK, values), (_SKIP_DEAD, values), (_START, values)])
    return started[0] if started else None


# A running turn is asked, its owner stops it; one that nobody runs (it waits, or its owner died) is stopped here.
_STOP: Final = f"""
UPDATE turns t
   SET stop_requested_at = COALESCE(t.stop_requested_at, clock_timestamp()),
       state = CASE WHEN here.at_once THEN 'stopped' ELSE t.state END,
       finished_at = CASE WHEN here.at_once THEN clock_timestamp() ELSE t.finished_at END,
       message_count = CASE WHEN here.at_once THEN here.message_count ELSE t.message_count END,
       lease_expires_at = CASE WHEN here.at_once THEN NULL ELSE t.lease_expires_at END
  FROM (SELECT l.tenant_id, l.id, s.message_count,
               l.state = 'queued' OR l.lease_expires_at < clock_timestamp() AS at_once
          FROM agent_sessions s
          JOIN turns l ON l.tenant_id = s.tenant_id AND l.agent_session_id = s.id
         WHERE {THIS_SESSION} AND {MAY_USE} AND l.state IN ('queued', 'running')
           AND (l.message_id = %(message_id)s OR (%(message_id)s::text IS NULL AND l.state = 'running'))) here
 WHERE t.tenant_id = here.tenant_id AND t.id = here.id AND t.state IN ('queued', 'running')
RETURNING t.id AS turn_id, t.agent_session_id AS session_pk, t.message_id
"""

_RIGHT: Final = f"SELECT {MAY_USE} AS may_use FROM agent_sessions s WHERE {THIS_SESSION}"


async def stop_turn(visit: Visit, message_id: str | None) -> tuple[Row | None, Row | None]:
    """Asks the session's running turn, or the one of ``message_id``, to stop.

    Gives the turn that was asked, or None, and the session with ``may_use``, or None where there is no such session.
    """
    values: dict[str, Any] = {**visit.values(), "message_id": message_id}
    _, stopped, right = await in_tenant(visit.tenant_id, [(LOCK, values), (_STOP, values), (_RIGHT, values)])
    return (stopped[0] if stopped else None), (right[0] if right else None)
