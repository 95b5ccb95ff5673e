"""The redactor of one session: it remembers which names were said, and which placeholder stands for what."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from sessions.privacy.finding import find_structured
from sessions.privacy.kinds import ALL_KINDS, Kind
from sessions.privacy.names.finding import find_names
from sessions.privacy.names.heard import HeardNames
from sessions.privacy.placeholders import LONG, placeholder
from sessions.privacy.reading import Reading, Span
from sessions.privacy.recalling import HiddenNames
from sessions.privacy.walking import walk

_MOST_PASSES: Final = 6


class SessionRedactor:
    """Redacts what is said in one session, best in the order in which it was said.

    ``known``: values that the site or the visitor gave, such as a name or a user id; they and the parts of names are
    hidden wherever they stand. ``key``: the tenant's; see ``placeholders``. Not safe for use by several threads.
    """

    def __init__(self, *, known: Sequence[str] = (), key: bytes = b"", kinds: frozenset[Kind] = ALL_KINDS) -> None:
        self.found: Counter[Kind] = Counter()
        self.placeholders: dict[str, str] = {}
        """From placeholder to the real words. Kept in memory only."""
        self._meant: dict[str, tuple[Kind, str]] = {}
        self._key = key
        self._kinds = kinds
        self._heard = HeardNames(known)
        self._hidden = HiddenNames(key)

    def remember(self, stored: str) -> None:
        """A text of this session that was redacted before, with the same key: whom its placeholders name is known."""
        self._hidden.see(stored)

    def text(self, text: str, *, after: str = "") -> str:
        """The text with placeholders. ``after``: the message before it, whose question it may answer.

        Redacting the outcome again changes nothing. What is not hidden stays as it is, byte for byte. A text that is
        JSON is read as such.
        """
        return str(walk(text, lambda leaf, key, is_id: self._leaf(leaf, key, is_id, after)))

    def json(self, value: Any) -> Any:
        """A copy of any JSON value with every string in it redacted; keys, ids and structure are kept."""
        return walk(value, self._leaf)

    def history(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Copies of the messages, oldest first. A name that is learnt late is hidden in earlier messages too.

        So is one that stands as a placeholder in a message, or in what was to be remembered.
        """
        current = [dict(message) for message in messages]
        self._recall([str(message.get("content", "")) for message in current])
        for _ in range(_MOST_PASSES):
            redacted = self._history_pass(current)
            if redacted == current:
                break
            current = redacted
        return current

    def _recall(self, texts: list[str]) -> None:
        for text in texts:
            self._hidden.see(text)
        for name in self._hidden.said_in(texts):
            self._heard.learn(name.split())

    def _history_pass(self, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
        redacted = []
        before = ""
        for message in messages:
            content = message.get("content")
            after = before
            redacted.append({key: self._of_message(key, value, after) for key, value in message.items()})
            before = content if isinstance(content, str) else ""
        return redacted

    def _of_message(self, key: str, value: Any, after: str) -> Any:
        if key in _STRUCTURE:
            return value
        if key == "content" and isinstance(value, str):
            return self.text(value, after=after)
        return walk({key: value}, self._leaf)[key]

    def _leaf(self, text: str, key: str, is_id: bool, after: str = "") -> str:
        """What stands under ``password`` is read like an answer to the question for it."""
        asked = f"{_question(key)}?" if key else after
        if is_id:  # of it only what has a form of its own: an id may look like a name, or like a password
            return self._settled(self._settled(text, asked, self._kinds - _FORMLESS), "", self._kinds & {Kind.SECRET})
        return self._settled(text, asked, self._kinds)

    def _settled(self, text: str, after: str, kinds: frozenset[Kind]) -> str:
        for _ in range(_MOST_PASSES):
            redacted = self._pass(text, after, kinds)
            if redacted == text:
                break
            text = redacted
        return text

    def _pass(self, text: str, after: str, kinds: frozenset[Kind]) -> str:
        reading = Reading(text, after, kinds)
        find_structured(reading)
        if Kind.NAME in kinds:
            find_names(reading, self._heard)
        if not reading.spans:
            return text
        pieces = []
        end = 0
        for start, stop, span in reading.replacements():
            if span.kind in kinds:
                pieces += [text[end:start], self._placeholders(span, text[start:stop])]
                end = stop
        return "".join([*pieces, text[end:]])

    def _placeholders(self, span: Span, words: str) -> str:
        """One; of a name of several words one for each, for who has said both is called by either later on."""
        self.found[span.kind] += 1
        parts, values = _BLANKS.split(words), span.value.split()
        if span.kind is not Kind.NAME or len(parts) != 2 * len(values) - 1:
            return self._placeholder(span.kind, span.value, words)
        parts[::2] = map(partial(self._placeholder, span.kind), values, parts[::2])
        return "".join(parts)

    def _placeholder(self, kind: Kind, value: str, words: str) -> str:
        meant = (kind, value)
        name = placeholder(kind, value, self._key)
        if self._meant.setdefault(name, meant) != meant:
            name = placeholder(kind, value, self._key, LONG)
        self.placeholders.setdefault(name, words)
        return name


_BLANKS: Final = re.compile(r"(\s+)")
_STRUCTURE = frozenset({"id", "role", "at", "v", "type"})
_FORMLESS: Final = frozenset({Kind.SECRET, Kind.NAME})
_NAME_KEYS = re.compile(
    r"(?:full|first|last|given|family|middle|display|customer|contact|user|sur|visitor|account|card ?holder|recipient|nick)? ?name|author|recipient|vorname|nachname|nom|prénom|nombre|apellidos?|sender"
)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|[_\-]+")


def _question(key: str) -> str:
    words = _CAMEL.sub(" ", key).lower()
    return "your name" if _NAME_KEYS.fullmatch(words) else words
