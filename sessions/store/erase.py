"""Erasing a session as its visitor asks: the session, its segments and its turns, at once and for good."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sessions.store.holds import IS_HELD, LOCK_HOLD_OF_WEBSITE
from sessions.store.visits import LOCK, MAY_USE, THIS_SESSION, Visit
from tenants.database import Row, in_tenant
from tenants.identifiers import new_id

# Segments and turns go with the session, by their foreign keys. A turn that runs finds nothing any more when it ends:
# whatever it would write is bound to a row that is gone.
_ERASE: Final = f"""
WITH going AS MATERIALIZED (
    SELECT s.tenant_id, s.id, s.message_count FROM agent_sessions s
     WHERE {THIS_SESSION} AND {MAY_USE} AND NOT {IS_HELD}),
told AS MATERIALIZED (
    SELECT t.id, t.state IN ('queued', 'running') AS is_live
      FROM turns t JOIN going g ON g.tenant_id = t.tenant_id AND g.id = t.agent_session_id),
gone AS (
    DELETE FROM agent_sessions s USING going g WHERE s.tenant_id = g.tenant_id AND s.id = g.id
    RETURNING s.tenant_id, s.id, g.message_count),
receipt AS (
    INSERT INTO erasures (tenant_id, id, kind, state, receipt_hmac, sessions_total, sessions_done, messages_done,
                          turns_done, started_at, finished_at)
    SELECT tenant_id, %(receipt_id)s, 'visitor', 'done', %(receipt_hmac)s, 1, 1, message_count,
           (SELECT count(*) FROM told), now(), now()
      FROM gone)
SELECT id AS session_pk, ARRAY(SELECT t.id FROM told t WHERE t.is_live) AS live_turns FROM gone
"""

# Also that of an erasure done before, whose answer did not arrive: by this very request, or by the same token.
_RECEIPT: Final = """
SELECT id, finished_at, sessions_done, messages_done, turns_done FROM erasures
 WHERE tenant_id = %(tenant_id)s AND (id = %(receipt_id)s OR receipt_hmac = %(receipt_hmac)s)
"""

_LEFT: Final = f"SELECT {MAY_USE} AS may_use, {IS_HELD} AS is_held FROM agent_sessions s WHERE {THIS_SESSION}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was erased, in figures."""

    id: UUID
    finished_at: datetime
    sessions_done: int
    messages_done: int
    turns_done: int


@dataclass(frozen=True, slots=True)
class Erased:
    """``receipt`` is None where nothing was erased, now or before; ``left`` is the session that there is, if any."""

    receipt: Receipt | None
    left: Row | None
    session_pk: UUID | None
    live_turns: list[UUID]


def new_receipt(receipt_hmac: bytes | None) -> dict[str, Any]:
    """The values that an erasure is asked for with, and asked for again where its answer did not come."""
    return {"receipt_id": new_id(), "receipt_hmac": receipt_hmac}


async def erase_session(visit: Visit, receipt: dict[str, Any]) -> Erased:
    """Deletes the session where the visit may use it and nothing holds it. Raises psycopg's errors."""
    values = {**visit.values(), **receipt}
    statements = [(LOCK_HOLD_OF_WEBSITE, values), (LOCK, values), (_ERASE, values), (_RECEIPT, values), (_LEFT, values)]
    _, _, gone, receipts, left = await in_tenant(visit.tenant_id, statements)
    return Erased(
        receipt=Receipt(**receipts[0]) if receipts else None,
        left=left[0] if left else None,
        session_pk=gone[0]["session_pk"] if gone else None,
        live_turns=gone[0]["live_turns"] if gone else [],
    )
