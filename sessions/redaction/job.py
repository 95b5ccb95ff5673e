"""The job that redacts what has been silent for as long as its policy says, tenant by tenant.

A chunk reads some sessions in one short transaction, replaces outside of any, and writes in another short one. Whoever
kills it between the two loses work and nothing else; what two do at once, the second finds changed and leaves alone.
"""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.db import DatabaseError, OperationalError, connection

from sessions.privacy import REDACTION_VERSION
from sessions.redaction.read import StoredSession, read_sessions
from sessions.redaction.replace import Replaced, Replacing
from sessions.redaction.write import write_replaced, write_stretch
from tenants.privacy_policy import PrivacyPolicy, policies_of_websites
from tenants.redaction_keys import redaction_key
from tenants.rounds import each_of_tenants, tenants_behind
from tenants.scoping import active_tenant_id, tenant_scope

log = structlog.get_logger(__name__)

JOB: Final = "redact-sessions"
_SESSIONS_A_CHUNK: Final = 50
_SECONDS_A_CHUNK: Final = 5.0
_SECONDS_A_SESSION: Final = 12.0
"""What of a very long session is not reached by then is left to the next chunk."""

_NOT_ITS_FAULT: Final = (SoftTimeLimitExceeded, OperationalError)
"""The time is over, or the database is away: no session's fault, and every other's as well."""

# Website by website, each version of the redactor by itself: so the index leads to what is due, and to nothing else.
_DUE: Final = """
SELECT due.id FROM privacy_policies p
 CROSS JOIN LATERAL (
       SELECT s.id FROM agent_sessions s
        WHERE s.tenant_id = p.tenant_id AND s.website_id = p.website_id AND s.redaction_version = ANY(%(older)s)
          AND s.last_activity_at < now() - make_interval(hours => p.redact_after_hours)
          AND s.legal_hold_at IS NULL AND s.id <> ALL(%(left)s)
          AND NOT EXISTS (SELECT FROM turns r WHERE r.tenant_id = s.tenant_id AND r.agent_session_id = s.id
                                                AND r.state IN ('queued', 'running'))
        LIMIT %(limit)s) due
 WHERE p.tenant_id = %(tenant)s AND NOT p.is_held AND p.redact_when <> 'never'
 LIMIT %(limit)s
"""


def redact_due_sessions(tenant_ids: list[UUID] | None = None) -> Counter[str]:
    """Redacts what is due in these tenants, or in all; gives how many ``sessions`` and ``messages`` it went over.

    Sessions that the redactor fails at are ``skipped``: each is named in the log by its row's id, and tried again by
    the next round. Raises ``TenantsFailedError``.
    """
    doing = _Round()
    if tenant_ids is None:
        tenant_ids = tenants_behind("door_tenants_with_unredacted_sessions", REDACTION_VERSION)
    each_of_tenants(tenant_ids, doing.redact_some, reason="redaction")
    return doing.counts


@dataclass(slots=True)
class _Chunk:
    """Sessions replaced in memory, to be written together."""

    done: list[Replaced] = field(default_factory=list)
    given_up: set[UUID] = field(default_factory=set)
    unfinished: int = 0


class _Round:
    def __init__(self) -> None:
        self.counts: Counter[str] = Counter(sessions=0, messages=0, replaced=0, skipped=0)
        self._left: set[UUID] = set()  # they changed under this round, or broke it: it does not look at them again

    def redact_some(self, tenant_id: UUID) -> int:
        """A bounded piece of work; gives how many sessions it has looked at."""
        with tenant_scope(tenant_id):
            sessions, policies, key = self._due()
        chunk, end = _Chunk(), time.monotonic() + _SECONDS_A_CHUNK
        for session in sessions:
            self._replace(session, policies[session.website_id], key, chunk)
            if time.monotonic() > end:
                break
        return self._write(tenant_id, chunk)

    def _due(self) -> tuple[list[StoredSession], dict[UUID, PrivacyPolicy], bytes]:
        values: dict[str, Any] = {
            "tenant": active_tenant_id(),
            "older": list(range(REDACTION_VERSION)),
            "left": list(self._left),
            "limit": _SESSIONS_A_CHUNK,
        }
        with connection.cursor() as cursor:
            cursor.execute(_DUE, values)
            due = [session_id for (session_id,) in cursor.fetchall()]
        if not due:
            return [], {}, b""
        return read_sessions(due, REDACTION_VERSION), policies_of_websites(), redaction_key()

    def _replace(self, session: StoredSession, policy: PrivacyPolicy, key: bytes, chunk: _Chunk) -> None:
        """One session that breaks the redactor must not keep the others from it."""
        try:
            _replace_into(chunk, session, Replacing(session, policy, key))
        except _NOT_ITS_FAULT:
            raise
        except Exception as error:  # noqa: BLE001  counted, and named in the log
            self._skip(session, error)
            chunk.given_up.add(session.id)

    def _skip(self, session: StoredSession, error: Exception) -> None:
        log.warning("a session could not be redacted", session_pk=session.id, error=error)
        self.counts.update(skipped=1)
        self._left.add(session.id)

    def _write(self, tenant_id: UUID, chunk: _Chunk) -> int:
        written = self._written(tenant_id, chunk.done)
        self._left |= chunk.given_up | {done.session.id for done in chunk.done} - written
        for done in chunk.done:
            if done.session.id in written:
                self.counts.update(sessions=1, messages=done.messages_seen, replaced=done.messages_changed)
        return len(chunk.done) + len(chunk.given_up) + chunk.unfinished

    def _written(self, tenant_id: UUID, replaced: list[Replaced]) -> set[UUID]:
        """All in one transaction; where the database refuses something of one session, each in its own."""
        if not replaced:
            return set()
        try:
            with tenant_scope(tenant_id):
                return write_replaced(replaced, REDACTION_VERSION)
        except _NOT_ITS_FAULT:
            raise
        except DatabaseError as error:
            if len(replaced) == 1:
                self._skip(replaced[0].session, error)
                return set()
        return set().union(*(self._written(tenant_id, [done]) for done in replaced))


def _replace_into(chunk: _Chunk, session: StoredSession, replacing: Replacing) -> None:
    end = time.monotonic() + _SECONDS_A_SESSION
    for stretch in replacing.ahead():
        with tenant_scope(session.tenant_id):
            is_written = write_stretch(session, stretch, REDACTION_VERSION)
        if not is_written:
            chunk.given_up.add(session.id)
            return
        if time.monotonic() > end:
            chunk.unfinished += 1
            return
    chunk.done.append(replacing.rest())
