"""From a session's texts to what must be written: personal data replaced, and nothing else changed."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from sessions.hiding import hidden_claimed_id, kinds_replaced
from sessions.known_words import known_words
from sessions.privacy import SessionRedactor
from sessions.redaction.read import StoredSegment, StoredSession, TurnWords
from tenants.privacy_policy import PrivacyPolicy

Messages = list[dict[str, Any]]

_NOTHING: Final = {"role": "user", "content": ""}


Segments = list[tuple[UUID, Messages | None]]
"""Segments that were gone over; None where nothing in one changed."""

_MESSAGES_AT_ONCE: Final = 400
"""A name that is learnt late is hidden in what was said before it, as far back as that; and so many are in memory."""


@dataclass(slots=True)
class Replaced:
    """What changed of a session: a column that is None stays as it is, and so does a row that is not named."""

    session: StoredSession
    segments: Segments = field(default_factory=list)
    history: Messages | None = None
    context: dict[str, Any] | None = None
    user_id: str | None = None
    visitor_ip: str = ""
    user_agent: str = ""
    turns: list[TurnWords] = field(default_factory=list)
    messages_changed: int = 0
    messages_seen: int = 0


def redactor_for(session: StoredSession, policy: PrivacyPolicy, key: bytes) -> SessionRedactor:
    """One for a whole session: it remembers whom it has heard of."""
    known = known_words(session.user_id, session.context)
    return SessionRedactor(known=known, key=key, kinds=kinds_replaced(policy))


class Replacing:
    """A session's texts in the order in which they were said, through one redactor: first ``ahead``, then ``rest``."""

    def __init__(self, session: StoredSession, policy: PrivacyPolicy, key: bytes) -> None:
        self.redactor = redactor_for(session, policy, key)
        self._session, self._policy, self._key = session, policy, key
        self._waiting = deque(session.turns)
        self._last = list[StoredSegment]()
        self._done = Replaced(session)

    def ahead(self) -> Iterator[Segments]:
        """Of a very long session all but its last stretch, a stretch at a time; to be taken to the end."""
        stretch = list[StoredSegment]()
        for segment in self._session.segments():
            stretch.append(segment)
            if sum(len(one.messages) for one in stretch) >= _MESSAGES_AT_ONCE:
                yield self._gone_over(stretch, is_last=False)[0]
                stretch = []
        self._last = stretch

    def rest(self) -> Replaced:
        """The segments that are left, history, context, the turns' own words and the rest of the row."""
        session, done = self._session, self._done
        done.segments, done.history = self._gone_over(self._last, is_last=True)
        context = self.redactor.json(session.context)
        done.context = context if context != session.context else None
        done.user_id = self._claimed_id()
        done.visitor_ip = self._policy.stored_address(session.visitor_ip)
        done.user_agent = self._policy.stored_user_agent(session.user_agent)
        return done

    def _gone_over(self, segments: list[StoredSegment], *, is_last: bool) -> tuple[Segments, Messages | None]:
        """With the turns' own words where they were said: a name that is told in one is known everywhere else."""
        history = self._session.history if is_last else []
        said = [*chain.from_iterable(segment.messages for segment in segments), *history]
        replaced = iter(self._replaced(said, is_last=is_last))
        parts = [(segment.id, _changed(segment.messages, replaced)) for segment in segments]
        return parts, _changed(history, replaced)

    def _replaced(self, said: Messages, *, is_last: bool) -> Messages:
        line = list(self._in_order(said, is_last=is_last))
        replaced = iter(self.redactor.history([message for one in line for message in _as_messages(one)]))
        messages: Messages = []
        for one in line:
            if isinstance(one, TurnWords):
                self._note(one, next(replaced)["content"], next(replaced)["content"])
            else:
                messages.append(next(replaced))
        self._done.messages_seen += len(said)
        self._done.messages_changed += sum(old != new for old, new in zip(said, messages, strict=True))
        return messages

    def _in_order(self, messages: Messages, *, is_last: bool) -> Iterator[dict[str, Any] | TurnWords]:
        for message in messages:
            at = _moment(message)
            while at is not None and self._waiting and self._waiting[0].created_at < at:
                yield self._waiting.popleft()
            yield message
        while is_last and self._waiting:
            yield self._waiting.popleft()

    def _note(self, turn: TurnWords, message: str, partial_reply: str) -> None:
        self._done.messages_seen += 1
        if (message, partial_reply) != (turn.message, turn.partial_reply):
            self._done.messages_changed += 1
            self._done.turns.append(TurnWords(turn.id, turn.revision, turn.created_at, message, partial_reply))

    def _claimed_id(self) -> str | None:
        """What was proved stays: it is the website's own key, by which its visitor comes back."""
        session = self._session
        if session.user_id is None or session.user_verified:
            return None
        return hidden_claimed_id(session.user_id, self._policy, self._key)


def _changed(said: Messages, replaced: Iterator[dict[str, Any]]) -> Messages | None:
    """Takes its own part off what was replaced; None where nothing changed."""
    messages = list(islice(replaced, len(said)))
    return messages if messages != said else None


def _as_messages(one: dict[str, Any] | TurnWords) -> Messages:
    if isinstance(one, TurnWords):
        return [{**_NOTHING, "content": one.message}, {"role": "assistant", "content": one.partial_reply}]
    return [one]


def _moment(message: dict[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(message["at"])
    except (KeyError, TypeError, ValueError):
        return None
