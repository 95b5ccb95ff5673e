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


@dataclass(frozen=True, slots=True)
class TurnWords:
    """What a turn without an exchange still holds."""

    id: UUID
    revision: str
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
    segment_ids: list[UUID] = field(default_factory=list)
    """Of those segments that this redactor has not been over, the oldest first."""
    turns: list[TurnWords] = field(default_factory=list)
    """The oldest first."""

    def segments(self) -> Iterator[StoredSegment]:
        """One after the other, each in a transaction of its own: however long the session is, one is in memory."""
        for segment_id in self.segment_ids:
            with tenant_scope(self.tenant_id):
                messages = HistorySegment.objects.values_list("messages", flat=True).filter(pk=segment_id).first()
            yield StoredSegment(segment_id, messages or [])


def read_sessions(session_ids: Collection[UUID], version: int) -> list[StoredSession]:
    """Those of the active tenant's sessions that are still there, in three queries."""
    rows = AgentSession.objects.filter(pk__in=session_ids).annotate(revision=_revision_of("agent_sessions"))
    found = {row["id"]: StoredSession(**row) for row in rows.values(*_COLUMNS)}
    segments = HistorySegment.objects.filter(agent_session_id__in=found, redaction_version__lt=version)
    for session_id, segment_id in segments.order_by("first_position").values_list("agent_session_id", "id"):
        found[session_id].segment_ids.append(segment_id)
    for session_id, words in _words(found):
        found[session_id].turns.append(words)
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


def _words(session_ids: Collection[UUID]) -> Iterator[tuple[UUID, TurnWords]]:
    turns = Turn.objects.filter(agent_session_id__in=session_ids).exclude(state__in=_LIVE)
    with_words = turns.filter(~Q(message="") | ~Q(partial_reply="")).annotate(revision=_revision_of("turns"))
    for turn in with_words.order_by("created_at", "number"):
        words = TurnWords(turn.id, turn.revision, turn.created_at, turn.message, turn.partial_reply)
        yield turn.agent_session_id, words


def _revision_of(table: str) -> Func:
    """The transaction that wrote the row last: another one with every change, whoever makes it."""
    return Func(F("tenant_id"), template=f"{table}.xmin::text", output_field=CharField())
