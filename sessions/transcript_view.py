"""A session as staff read it: what was said and what went wrong, in order, page by page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, Final, Self

from django.db.models import Q, Subquery
from django.utils import timezone

from sessions.history import HistoryMessage, read_history
from sessions.models import AgentSession, HistorySegment, Turn
from sessions.transcript_words import BROKEN_OFF, STATES, seconds, why
from tenants.privacy_choices import Redact
from tenants.privacy_policy import PrivacyPolicy

PAGE_MESSAGES: Final = 100
"""Even, so that an exchange is not torn between two pages."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One thing in the transcript. ``unfinished`` is what an answer had come to that is in no history; ``notice`` what
    happened instead of an answer, or ended it; ``detail`` the small print.
    """

    side: str
    text: str
    at: datetime | None
    detail: str = ""
    notice: str = ""
    unfinished: str = ""
    kind: str = ""
    new_day: date | None = None


@dataclass(frozen=True, slots=True)
class TranscriptPage:
    bubbles: list[Bubble]
    number: int
    count: int
    """Pages in all; the last has the newest messages."""

    @property
    def earlier(self) -> int | None:
        return self.number - 1 if self.number > 1 else None

    @property
    def later(self) -> int | None:
        return self.number + 1 if self.number < self.count else None


@dataclass(frozen=True, slots=True)
class _Window:
    """A page of what is in history and segments, and which turns fall into it by their number."""

    messages: list[HistoryMessage]
    turns: dict[str, Turn]
    after: int | None
    before: int | None

    @classmethod
    def of(cls, session: AgentSession, page: int) -> Self:
        start, end = (page - 1) * PAGE_MESSAGES, page * PAGE_MESSAGES
        found = read_history(_messages_between(session, start, end + 1))
        messages, following = found[:PAGE_MESSAGES], found[PAGE_MESSAGES:]
        ids = [message.id for message in (*messages, *following) if message.role == "user"]
        turns = {turn.message_id: turn for turn in _turns(session).filter(message_id__in=ids)}
        first = turns.get(messages[0].id) if messages else None
        beyond = turns.get(following[0].id) if following else None
        return cls(
            messages,
            turns,
            after=first.number if first and start else None,
            before=beyond.number if beyond else None,
        )

    def unanswered(self, session: AgentSession) -> list[Turn]:
        """Turns of this stretch that brought nothing into the history, oldest first."""
        # A stopped turn whose words were taken off it has them in the history.
        within = ~Q(state=Turn.State.COMPLETED) & ~Q(state=Turn.State.STOPPED, message="")
        if self.after is not None:
            within &= Q(number__gt=self.after)
        if self.before is not None:
            within &= Q(number__lt=self.before)
        return list(_turns(session).filter(within).exclude(message_id__in=self.turns).order_by("number"))


def transcript_page(session: AgentSession, number: int | None) -> TranscriptPage:
    """The page of that number, 1 being the oldest; the newest where there is none such. Three queries at most.

    ``history`` and ``message_count`` must come from one read of the session: together they tell where it begins.
    """
    count = max(-(-session.message_count // PAGE_MESSAGES), 1)
    number = number if number is not None and 1 <= number <= count else count
    window = _Window.of(session, number)
    bubbles = _in_order(window, window.unanswered(session))
    return TranscriptPage(list(_with_days(bubbles)), number, count)


def readable(context: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """A session's context as rows of a table; what is nested gets a path such as ``page > title``."""
    rows: list[tuple[str, str]] = []
    for key, value in context.items():
        name = f"{prefix}{key}"
        if isinstance(value, dict) and value:
            rows += readable(value, f"{name} > ")
        else:
            rows.append((name, _in_words(value)))
    return rows


def _messages_between(session: AgentSession, start: int, end: int) -> list[dict[str, Any]]:
    """The stored messages at these positions of the whole transcript, oldest first."""
    rolled = session.message_count - len(session.history)
    older = _from_segments(session, start, min(end, rolled)) if start < rolled else []
    return [*older, *session.history[max(start - rolled, 0) : max(end - rolled, 0)]]


def _from_segments(session: AgentSession, start: int, end: int) -> list[dict[str, Any]]:
    """Reads those segments alone that hold a message of this stretch. One rolled meanwhile lies beyond ``end``."""
    segments = HistorySegment.objects.filter(tenant_id=session.tenant_id, agent_session_id=session.pk)
    holding = segments.filter(first_position__lte=start).order_by("-first_position").values("first_position")[:1]
    found = list(segments.filter(first_position__gte=Subquery(holding), first_position__lt=end))
    messages = list(chain.from_iterable(segment.messages for segment in found))
    skipped = start - found[0].first_position if found else 0
    return messages[skipped : skipped + end - start]


def _turns(session: AgentSession) -> Any:
    return Turn.objects.filter(tenant_id=session.tenant_id, agent_session_id=session.pk).defer("message_hmac")


def _in_order(window: _Window, unanswered: list[Turn]) -> Iterator[Bubble]:
    """The history's messages, with each unanswered turn before the first exchange that came after it."""
    waiting = list(unanswered)
    asked: Turn | None = None
    for message in window.messages:
        if message.role == "user":
            asked = window.turns.get(message.id)
            while waiting and asked is not None and waiting[0].number < asked.number:
                yield from _without_answer(waiting.pop(0))
            yield Bubble("visitor", message.content, message.at)
        else:
            yield _answer(message, asked)
            asked = None
    for turn in waiting:
        yield from _without_answer(turn)


def _answer(message: HistoryMessage, turn: Turn | None) -> Bubble:
    bubble = Bubble("agent", message.content, message.at, detail=_small_print(turn) if turn else "")
    return replace(bubble, notice=STATES["stopped"], kind="stopped") if message.stopped else bubble


def _without_answer(turn: Turn) -> Iterator[Bubble]:
    # While a turn waits or runs, what an earlier try of it had come to is nobody's answer.
    unfinished = "" if turn.state in {Turn.State.QUEUED, Turn.State.RUNNING} else turn.partial_reply
    outcome = BROKEN_OFF if unfinished and turn.state != Turn.State.STOPPED else STATES[turn.state]
    yield Bubble("visitor", turn.message, turn.created_at, kind="unanswered")
    yield Bubble(
        "agent",
        "",
        turn.finished_at,
        detail=_small_print(turn),
        notice=": ".join(filter(None, [outcome, why(turn.error_code, turn.error_reason)])),
        unfinished=unfinished,
        kind=turn.state,
    )


def _small_print(turn: Turn) -> str:
    parts = [
        f"after {seconds(turn.total_ms)}" if turn.total_ms is not None else "",
        f"first word {seconds(turn.first_token_ms)}" if turn.first_token_ms is not None else "",
        f"{turn.input_tokens} tokens in, {turn.output_tokens} out" if turn.input_tokens or turn.output_tokens else "",
        "demo model" if turn.demo else turn.model,
    ]
    return " \N{MIDDLE DOT} ".join(filter(None, parts))


def _with_days(bubbles: Iterable[Bubble]) -> Iterator[Bubble]:
    """Marks the first bubble of each day, in the active time zone."""
    day: date | None = None
    for bubble in bubbles:
        today = timezone.localtime(bubble.at).date() if bubble.at else day
        is_new = today != day
        day = today
        yield replace(bubble, new_day=today) if is_new else bubble


def _in_words(value: Any) -> str:
    if value is None or value in ("", [], {}):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value)
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_in_words(item)}" for key, item in value.items())
    return str(value)


def deleted_at(session: AgentSession, retention_days: int) -> datetime:
    """When the session goes, if nothing more is said in it."""
    return session.last_activity_at + timedelta(days=retention_days)


def redacted_at(session: AgentSession, policy: PrivacyPolicy) -> datetime | None:
    """When its personal data is replaced, if nothing more is said in it; None where it never is."""
    if policy.redact_when is Redact.NEVER:
        return None
    return session.last_activity_at + timedelta(hours=policy.redact_after_hours)
