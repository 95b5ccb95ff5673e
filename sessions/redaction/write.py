"""Writing back what was replaced, where nothing was said or changed meanwhile.

The revisions that were read are compared under the session's lock, which every turn takes before it begins or ends:
either a turn is in the revision, or it comes after the commit. A lock that a turn holds is not waited for.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final
from uuid import UUID

import orjson
from django.db import connection

from sessions.redaction.read import StoredSession, TurnWords
from sessions.redaction.replace import Messages, Replaced, Stretch
from tenants.scoping import active_tenant_id

# Whoever sets a hold on a website waits for this, and this for them.
_FREE_WEBSITES: Final = """
SELECT w.id FROM websites w
 WHERE w.tenant_id = %(tenant)s AND w.id = ANY(%(websites)s) AND w.legal_hold_at IS NULL FOR SHARE
"""

# Decides nothing: its snapshot may be older than what it locks.
_LOCK: Final = """
SELECT s.id FROM agent_sessions s WHERE s.tenant_id = %(tenant)s AND s.id = ANY(%(sessions)s)
   FOR UPDATE SKIP LOCKED
"""

_UNCHANGED: Final = """
       s.tenant_id = %(tenant)s AND s.id = n.id AND s.xmin::text = n.revision AND s.id = ANY(%(locked)s)
   AND s.website_id = ANY(%(free)s) AND s.legal_hold_at IS NULL
   AND NOT EXISTS (SELECT FROM turns r WHERE r.tenant_id = s.tenant_id AND r.agent_session_id = s.id
                                         AND r.state IN ('queued', 'running'))
"""

_SESSIONS: Final = f"""
UPDATE agent_sessions s
   SET history = COALESCE(n.history, s.history), context = COALESCE(n.context, s.context),
       user_id = COALESCE(n.user_id, s.user_id), visitor_ip = n.visitor_ip, user_agent = n.user_agent,
       redaction_version = %(version)s
  FROM jsonb_to_recordset(%(rows)s::jsonb)
       AS n(id uuid, revision text, history jsonb, context jsonb, user_id text, visitor_ip text, user_agent text)
 WHERE {_UNCHANGED}
RETURNING s.id
"""

_STILL: Final = f"""
SELECT s.id FROM agent_sessions s, jsonb_to_recordset(%(rows)s::jsonb) AS n(id uuid, revision text) WHERE {_UNCHANGED}
"""

_SEGMENTS: Final = """
UPDATE history_segments g SET messages = COALESCE(n.messages, g.messages), redaction_version = %(version)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(id uuid, messages jsonb)
 WHERE g.tenant_id = %(tenant)s AND g.id = n.id AND g.agent_session_id = ANY(%(written)s)
"""

_TURNS: Final = """
UPDATE turns t SET message = n.message, partial_reply = n.partial_reply, redaction_version = %(version)s
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(id uuid, revision text, message text, partial_reply text)
 WHERE t.tenant_id = %(tenant)s AND t.id = n.id AND t.xmin::text = n.revision AND t.agent_session_id = ANY(%(written)s)
"""


def write_replaced(replaced: Collection[Replaced], version: int) -> set[UUID]:
    """Writes whole sessions, all in the caller's transaction; gives those that were written.

    The others have changed, are being spoken to, or are held: nothing of them is touched.
    """
    values = _locked([done.session for done in replaced])
    written = _run(_SESSIONS, {**values, "version": version, "rows": _json(map(_session_row, replaced))})
    last = Stretch.together(done.last for done in replaced)
    _write_parts(last, {**values, "version": version}, written)
    return written


def write_stretch(session: StoredSession, stretch: Stretch, version: int) -> bool:
    """Writes a part of a session ahead of the rest of it. False where the session has changed, or is held."""
    values = _locked([session])
    rows = _json([{"id": str(session.id), "revision": session.revision}])
    still = _run(_STILL, {**values, "rows": rows})
    _write_parts(stretch, {**values, "version": version}, still)
    return bool(still)


def _write_parts(stretch: Stretch, values: dict[str, Any], written: set[UUID]) -> None:
    then = {**values, "written": list(written)}
    segments, turns = map(_segment_row, stretch.segments), map(_turn_row, stretch.turns)
    _run(_SEGMENTS, {**then, "rows": _json(segments)}, bool(written and stretch.segments))
    _run(_TURNS, {**then, "rows": _json(turns)}, bool(written and stretch.turns))


def _locked(sessions: Collection[StoredSession]) -> dict[str, Any]:
    values: dict[str, Any] = {
        "tenant": active_tenant_id(),
        "websites": list({session.website_id for session in sessions}),
        "sessions": [session.id for session in sessions],
    }
    free = list(_run(_FREE_WEBSITES, values))
    return {**values, "free": free, "locked": list(_run(_LOCK, values))}


def _run(statement: str, values: dict[str, Any], is_needed: bool = True) -> set[UUID]:
    if not is_needed:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return {row_id for (row_id,) in cursor.fetchall()} if cursor.description else set()


def _session_row(done: Replaced) -> dict[str, Any]:
    return {
        "id": str(done.session.id),
        "revision": done.session.revision,
        "history": done.history,
        "context": done.context,
        "user_id": done.user_id,
        "visitor_ip": done.visitor_ip,
        "user_agent": done.user_agent,
    }


def _segment_row(segment: tuple[UUID, Messages | None]) -> dict[str, Any]:
    segment_id, messages = segment
    return {"id": str(segment_id), "messages": messages}


def _turn_row(turn: TurnWords) -> dict[str, Any]:
    return {
        "id": str(turn.id),
        "revision": turn.revision,
        "message": turn.message,
        "partial_reply": turn.partial_reply,
    }


def _json(rows: Iterable[dict[str, Any]]) -> str:
    return orjson.dumps(list(rows)).decode()
