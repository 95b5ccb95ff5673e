"""From a session's texts to what must be written: personal data replaced, and nothing else changed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final, Self
from uuid import UUID

import orjson

from sessions.hiding import hidden_claimed_id, kinds_replaced
from sessions.known_words import known_words
from sessions.privacy import SessionRedactor
from sessions.redaction.read import StoredSegment, StoredSession, TurnWords
from tenants.privacy_policy import PrivacyPolicy

Messages = list[dict[str, Any]]

_NOTHING: Final = {"role": "user", "content": ""}

_MESSAGES_AT_ONCE: Final = 400
_CHARACTERS_AT_ONCE: Final = 100_000
"""Some seconds of CPU at the worst. A name that is learnt late is hidden in what was said before it, as far back as a
stretch goes; so much is in memory."""


@dataclass(slots=True)
class Stretch:
    """Parts that were gone over: segments, None where nothing in one changed, and the words of turns."""

    segments: list[tuple[UUID, Messages | None]] = field(default_factory=list)
    turns: list[TurnWords] = field(default_factory=list)

    @classmethod
    def together(cls, stretches: Iterable[Self]) -> Self:
        whole = cls()
        for one in stretches:
            whole.segments += one.segments
            whole.turns += one.turns
        return whole


@dataclass(slots=True)
class Replaced:
    """What changed of a session: a column that is None stays as it is, and so does a row that is not named."""

    session: StoredSession
    last: Stretch = field(default_factory=Stretch)
    """What was not written ahead."""
    history: Messages | None = None
    context: dict[str, Any] | None = None
    user_id: str | None = None
    visitor_ip: str = ""
    user_agent: str = ""
    messages_changed: int = 0
    messages_seen: int = 0


@dataclass(slots=True)
class _Said:
    """Whole segments and turns that are read and will be gone over together."""

    segments: list[StoredSegment] = field(default_factory=list)
    turns: list[TurnWords] = field(default_factory=list)
    messages: int = 0
    characters: int = 0

    def add_segment(self, segment: StoredSegment) -> None:
        self.segments.append(segment)
        self.messages += len(segment.messages)
        self.characters += sum(len(_content(message)) for message in segment.messages)

    def add_turn(self, turn: TurnWords) -> None:
        self.turns.append(turn)
        self.messages += 1
        self.characters += len(turn.message) + len(turn.partial_reply)

    @property
    def is_full(self) -> bool:
        return self.messages >= _MESSAGES_AT_ONCE or self.characters >= _CHARACTERS_AT_ONCE


def redactor_for(session: StoredSession, policy: PrivacyPolicy, key: bytes) -> SessionRedactor:
    """One for a whole session: it remembers whom it has heard of."""
    known = known_words(session.user_id, session.context)
    return SessionRedactor(known=known, key=key, kinds=kinds_replaced(policy))


class Replacing:
    """A session's texts in the order in which they were said, through one redactor: first ``ahead``, then ``rest``.

    Names that an earlier time has hidden are known by their placeholders, as those are that this time has heard.
    """

    def __init__(self, session: StoredSession, policy: PrivacyPolicy, key: bytes) -> None:
        self.redactor = redactor_for(session, policy, key)
        self.done = Replaced(session)
        self._session, self._policy, self._key = session, policy, key
        self._last = _Said()

    def ahead(self) -> Iterator[Stretch]:
        """Of a very long session all but its last stretch, a stretch at a time; to be taken to the end."""
        self._see_what_was_hidden()
        turns, said = _Line(self._session.turns()), _Said()
        for segment in self._session.segments():
            for turn in turns.before(_end_of(segment.messages)):
                said.add_turn(turn)
                if said.is_full:
                    yield self._gone_over(said, [])[0]
                    said = _Said()
            said.add_segment(segment)
            if said.is_full:
                yield self._gone_over(said, [])[0]
                said = _Said()
        for turn in turns:
            said.add_turn(turn)
            if said.is_full:
                yield self._gone_over(said, [])[0]
                said = _Said()
        self._last = said

    def rest(self) -> Replaced:
        """What ``ahead`` has left, history, context and the rest of the row."""
        session, done = self._session, self.done
        done.last, done.history = self._gone_over(self._last, session.history)
        context = self.redactor.json(session.context)
        done.context = context if context != session.context else None
        done.user_id = self._claimed_id()
        done.visitor_ip = self._policy.stored_address(session.visitor_ip)
        done.user_agent = self._policy.stored_user_agent(session.user_agent)
        return done

    def _see_what_was_hidden(self) -> None:
        self.redactor.remember(orjson.dumps(self._session.context).decode())
        for text in chain(self._session.done_texts(), map(_content, self._session.history)):
            self.redactor.remember(text)

    def _gone_over(self, said: _Said, history: Messages) -> tuple[Stretch, Messages | None]:
        """With the turns' own words where they were said: a name that is told in one is known everywhere else."""
        messages = [*chain.from_iterable(segment.messages for segment in said.segments), *history]
        line = list(_in_order(messages, said.turns))
        everything = [message for one in line for message in _as_messages(one)]
        replaced, turns = self._taken_apart(line, iter(self.redactor.history(everything)))
        self.done.messages_seen += len(line)
        self.done.messages_changed += sum(old != new for old, new in zip(messages, replaced, strict=True))
        self.done.messages_changed += sum(old != new for old, new in zip(said.turns, turns, strict=True))
        rest = iter(replaced)
        segments = [(segment.id, _changed(segment.messages, rest)) for segment in said.segments]
        return Stretch(segments, turns), _changed(history, rest)

    @staticmethod
    def _taken_apart(
        line: list[dict[str, Any] | TurnWords], replaced: Iterator[dict[str, Any]]
    ) -> tuple[Messages, list[TurnWords]]:
        messages, turns = Messages(), list[TurnWords]()
        for one in line:
            if isinstance(one, TurnWords):
                message, partial_reply = next(replaced)["content"], next(replaced)["content"]
                turns.append(replace(one, message=message, partial_reply=partial_reply))
            else:
                messages.append(next(replaced))
        return messages, turns

    def _claimed_id(self) -> str | None:
        """What was proved stays: it is the website's own key, by which its visitor comes back."""
        session = self._session
        if session.user_id is None or session.user_verified:
            return None
        return hidden_claimed_id(session.user_id, self._policy, self._key)


class _Line:
    """Turns one after the other, with a look at the next."""

    def __init__(self, turns: Iterator[TurnWords]) -> None:
        self._turns = turns
        self._next = next(turns, None)

    def __iter__(self) -> Iterator[TurnWords]:
        while self._next is not None:
            turn, self._next = self._next, next(self._turns, None)
            yield turn

    def before(self, moment: datetime | None) -> Iterator[TurnWords]:
        while moment is not None and self._next is not None and self._next.created_at < moment:
            turn, self._next = self._next, next(self._turns, None)
            yield turn


def _in_order(messages: Messages, turns: list[TurnWords]) -> Iterator[dict[str, Any] | TurnWords]:
    waiting = _Line(iter(turns))
    for message in messages:
        yield from waiting.before(_moment(message))
        yield message
    yield from waiting


def _end_of(messages: Messages) -> datetime | None:
    return _moment(messages[-1]) if messages else None


def _content(message: dict[str, Any]) -> str:
    return str(message.get("content", ""))


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
