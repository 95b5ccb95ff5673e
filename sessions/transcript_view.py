"""A session as staff read it: what was said and what went wrong, in order, page by page."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Final, Self

from django.db.models import Q
from django.utils import timezone

from sessions.history import HistoryMessage, read_history
from sessions.models import AgentSession, Turn
from sessions.transcript_words import STATES, seconds, why

PAGE_MESSAGES: Final = 100
"""Even, so that an exchange is not torn between two pages."""


@dataclass(frozen=True, slots=True)
class Bubble:
    """One thing in the transcript. ``notice`` is what happened instead of an answer; ``detail`` the small print."""

    side: str
    text: str
    at: datetime | None
    detail: str = ""
    notice: str = ""
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
    """A page of the history, and which turns fall into it by their number."""

    messages: list[HistoryMessage]
    turns: dict[str, Turn]
    after: int | None
    before: int | None

    @classmethod
    def of(cls, session: AgentSession, history: list[HistoryMessage], page: int) -> Self:
        start, end = (page - 1) * PAGE_MESSAGES, page * PAGE_MESSAGES
        messages, following = history[start:end], history[end : end + 1]
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
        within = ~Q(state=Turn.State.COMPLETED)
        if self.after is not None:
            within &= Q(number__gt=self.after)
        if self.before is not None:
            within &= Q(number__lt=self.before)
        return list(_turns(session).filter(within).exclude(message_id__in=self.turns).order_by("number"))


def transcript_page(session: AgentSession, number: int | None) -> TranscriptPage:
    """The page of that number, 1 being the oldest; the newest where there is none such. Three queries at most."""
    history = read_history(session.history)
    count = max(-(-len(history) // PAGE_MESSAGES), 1)
    number = number if number is not None and 1 <= number <= count else count
    window = _Window.of(session, history, number)
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
            yield Bubble("agent", message.content, message.at, detail=_small_print(asked) if asked else "")
            asked = None
    for turn in waiting:
        yield from _without_answer(turn)


def _without_answer(turn: Turn) -> Iterator[Bubble]:
    yield Bubble("visitor", turn.message, turn.created_at, kind="unanswered")
    yield Bubble(
        "agent",
        "",
        turn.finished_at,
        detail=_small_print(turn),
        notice=": ".join(filter(None, [STATES[turn.state], why(turn.error_code, turn.error_reason)])),
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
