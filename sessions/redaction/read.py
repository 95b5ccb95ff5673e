"""A stored session's texts, as they are at one moment."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import CharField, F, Func, Q

from sessions.models import AgentSession, HistorySegment, Turn
from tenants.scoping import tenant_scope

_LIVE: Final = [Turn.State.QUEUED, Turn.State.RUNNING]
_TURNS_AT_ONCE: Final = 25


@dataclass(frozen=True, slots=True)
class TurnWords:
    """What a turn without an exchange still holds."""

    id: UUID
    revision: str
    number: int
    created_at: datetime
    message: str
    partial_reply: str


@dataclass(frozen=True, slots=True)
class StoredSegment:
    id: UUID
    messages: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class StoredSession:
    """``revision`` tells whether anything of the session was changed since."""

    tenant_id: UUID
    id: UUID
    website_id: UUID
    revision: str
    user_id: str | None
    user_verified: bool
    visitor_ip: str
    user_agent: str
    context: dict[str, Any]
    history: list[dict[str, Any]]
    version: int
    """Of the redactor that is to go over it."""
    segment_ids: list[UUID] = field(default_factory=list)
    """Of those segments that it has not been over, the oldest first."""
    done_segment_ids: list[UUID] = field(default_factory=list)

    def segments(self) -> Iterator[StoredSegment]:
        """One after the other, each in a transaction of its own: however long the session is, one is in memory."""
        return self._segments(self.segment_ids)

    def turns(self) -> Iterator[TurnWords]:
        """Those that it has not been over, the oldest first, some in memory at a time."""
        return self._turns(Q(redaction_version__lt=self.version))

    def done_texts(self) -> Iterator[str]:
        """What it has been over before, in no order."""
        for segment in self._segments(self.done_segment_ids):
            yield from (str(message.get("content", "")) for message in segment.messages)
        for turn in self._turns(Q(redaction_version__gte=self.version)):
            yield from (turn.message, turn.partial_reply)

    def _segments(self, segment_ids: list[UUID]) -> Iterator[StoredSegment]:
        for segment_id in segment_ids:
            with tenant_scope(self.tenant_id):
                messages = HistorySegment.objects.values_list("messages", flat=True).filter(pk=segment_id).first()
            yield StoredSegment(segment_id, messages or [])

    def _turns(self, which: Q) -> Iterator[TurnWords]:
        last = -1
        while True:
            with tenant_scope(self.tenant_id):
                some = _words(self.id, which & Q(number__gt=last))
            yield from some
            if len(some) < _TURNS_AT_ONCE:
                return
            last = some[-1].number


def read_sessions(session_ids: Collection[UUID], version: int) -> list[StoredSession]:
    """Those of the active tenant's sessions that are still there, in two queries; their long parts are read later."""
    rows = AgentSession.objects.filter(pk__in=session_ids).annotate(revision=_revision_of("agent_sessions"))
    found = {row["id"]: StoredSession(**row, version=version) for row in rows.values(*_COLUMNS)}
    segments = HistorySegment.objects.filter(agent_session_id__in=found).order_by("first_position")
    for session_id, segment_id, done in segments.values_list("agent_session_id", "id", "redaction_version"):
        session = found[session_id]
        (session.segment_ids if done < version else session.done_segment_ids).append(segment_id)
    return list(found.values())


_COLUMNS: Final = (
    "tenant_id",
    "id",
    "website_id",
    "revision",
    "user_id",
    "user_verified",
    "visitor_ip",
    "user_agent",
    "context",
    "history",
)


def _words(session_id: UUID, which: Q) -> list[TurnWords]:
    turns = Turn.objects.filter(which, agent_session_id=session_id).exclude(state__in=_LIVE)
    with_words = turns.filter(~Q(message="") | ~Q(partial_reply="")).annotate(revision=_revision_of("turns"))
    return [
        TurnWords(turn.id, turn.revision, turn.number, turn.created_at, turn.message, turn.partial_reply)
        for turn in with_words.order_by("number")[:_TURNS_AT_ONCE]
    ]


def _revision_of(table: str) -> Func:
    """The transaction that wrote the row last: another one with every change, whoever makes it."""
    return Func(F("tenant_id"), template=f"{table}.xmin::text", output_field=CharField())
