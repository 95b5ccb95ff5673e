"""What a redactor lets through, and what it takes for no reason, by the evaluation set.

**Leaked** is a span of which too much can still be read in the output:

- NAME: any of its words of two letters or more, where more than half of the word's letters stay. In Chinese, Japanese
  and Korean: two characters, or a name of one. Particles in lower case inside a name (``van der``) do not count.
- ADDRESS: more than half of its letters and digits.
- BIRTH_DATE: more than two of its letters and digits.
- every other kind: more than four, or more than a third, of its letters and digits. (The last four of a card may stay.)

**A false hit** is a placeholder that stands for nothing marked at all. One that reaches beyond its span is none: a
redactor may take "Mrs" with the name.

The output is laid over the original, placeholders standing for at least one character each. Where that cannot be done
(but for white space, which JSON written anew may lose), the redactor **altered** what it should have kept: everything
marked in the message counts as leaked.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from tests.privacy.evaluation.reading import EITHER, Item, Message, Span

PLACEHOLDER: Final = re.compile(r"\[([A-Z_]+)_[0-9a-f]+\]")
ALLOWED: Final = 4
ALLOWED_OF_A_BIRTH_DATE: Final = 2
KEY: Final = b"evaluation"

_WHITE: Final = re.compile(r"\s+")
_WORD_CATEGORIES: Final = "LMN"
_UNSPACED: Final = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af]")


class Door(Protocol):
    """What is evaluated: ``sessions.privacy``, or a stand-in."""

    def redact_text(self, text: str, *, known: Sequence[str] = (), key: bytes = b"") -> str: ...

    def redact_history(
        self, messages: list[dict[str, Any]], *, known: Sequence[str] = (), key: bytes = b""
    ) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Hidden:
    """``original[start:end]`` went, for placeholders of these kinds that touch each other."""

    start: int
    end: int
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One message, redacted."""

    item: Item
    message: Message
    output: str
    hidden: tuple[Hidden, ...] | None
    """None where the redactor altered what it should have kept."""

    @property
    def spans(self) -> list[Span]:
        return [span for span in self.message.spans if span.kind != EITHER]

    @property
    def leaked(self) -> list[Span]:
        if self.hidden is None:
            return self.spans
        return [span for span in self.spans if leaks(self.message.text, span, self.hidden)]

    @property
    def mistaken(self) -> list[Span]:
        """Hidden, but as something else."""
        hidden = self.hidden or ()
        leaked = self.leaked
        return [
            span
            for span in self.spans
            if span not in leaked and not any(span.kind in part.kinds for part in hidden if _overlap(part, span))
        ]

    @property
    def false_hits(self) -> list[str]:
        """The words that went for nothing, once for each placeholder."""
        return [
            self.message.text[part.start : part.end]
            for part in self.hidden or ()
            if not any(_overlap(part, span) for span in self.message.spans)
            for _ in part.kinds
        ]


@dataclass(frozen=True, slots=True)
class Tally:
    spans: int = 0
    leaked: int = 0

    @property
    def rate(self) -> float:
        return self.leaked / self.spans if self.spans else 0.0


def evaluate(items: Iterable[Item], door: Door) -> list[Outcome]:
    return [outcome for item in items for outcome in _evaluate_item(item, door)]


def tally(outcomes: Iterable[Outcome], key: Callable[[Outcome, Span], str | None]) -> dict[str, Tally]:
    """By what ``key`` says of a span, in alphabetic order; None leaves it out."""
    tallies: dict[str, Tally] = {}
    for outcome in outcomes:
        leaked = outcome.leaked
        for span in outcome.spans:
            name = key(outcome, span)
            if name is not None:
                sum_so_far = tallies.get(name, Tally())
                tallies[name] = Tally(sum_so_far.spans + 1, sum_so_far.leaked + (span in leaked))
    return dict(sorted(tallies.items()))


def by_kind(outcome: Outcome, span: Span) -> str:
    """Names in prose by themselves, for those are another task; a name among structured values is one of a chat."""
    if span.kind != "NAME":
        return span.kind
    return "NAME in prose" if outcome.item.section == "prose" else "NAME in chat"


def structured(_: Outcome, span: Span) -> str | None:
    return None if span.kind == "NAME" else "structured"


def false_hits_per_thousand(outcomes: Sequence[Outcome]) -> float:
    """Placeholders, not messages: two in one message are two."""
    return 1000 * sum(len(outcome.false_hits) for outcome in outcomes) / len(outcomes) if outcomes else 0.0


def false_hits_by(outcomes: Iterable[Outcome], key: Callable[[Outcome], str]) -> dict[str, tuple[int, int]]:
    """Messages and false hits by what ``key`` says, in alphabetic order."""
    counts: dict[str, tuple[int, int]] = {}
    for outcome in outcomes:
        messages, hits = counts.get(key(outcome), (0, 0))
        counts[key(outcome)] = (messages + 1, hits + len(outcome.false_hits))
    return dict(sorted(counts.items()))


def lay_over(original: str, output: str) -> tuple[Hidden, ...] | None:
    """What of the original the placeholders of the output stand for; None where it is not the original otherwise."""
    found = _match(original, output)
    if found is not None:
        return found
    kept = [position for position, character in enumerate(original) if not character.isspace()]
    found = _match(_WHITE.sub("", original), _WHITE.sub("", output))
    if found is None:
        return None
    return tuple(Hidden(kept[part.start], kept[part.end - 1] + 1, part.kinds) for part in found)


def leaks(text: str, span: Span, hidden: Sequence[Hidden]) -> bool:
    if span.kind == "NAME":
        words = [word for word in _words(text, span) if not _is_particle(text, word, span)]
        return any(_word_leaks(text, word, hidden) for word in words)
    matter = [at for at in range(span.start, span.end) if text[at].isalnum()]
    readable = len(_readable(matter, hidden))
    if span.kind == "ADDRESS":
        return readable > len(matter) / 2
    if span.kind == "BIRTH_DATE":
        return readable > ALLOWED_OF_A_BIRTH_DATE
    return readable > min(ALLOWED, len(matter) / 3)


def _evaluate_item(item: Item, door: Door) -> Iterator[Outcome]:
    texts = [message.text for message in item.messages]
    if item.is_history:
        history = [
            {"id": f"msg_{number}", "role": message.role, "content": message.text}
            for number, message in enumerate(item.messages)
        ]
        outputs = [str(message["content"]) for message in door.redact_history(history, known=item.known, key=KEY)]
    else:
        outputs = [door.redact_text(text, known=item.known, key=KEY) for text in texts]
    for message, output in zip(item.messages, outputs, strict=True):
        yield Outcome(item, message, output, lay_over(message.text, output))


def _match(original: str, output: str) -> tuple[Hidden, ...] | None:
    """The leftmost way, as of a pattern of wildcards: linear, and it finds one where there is one."""
    literals, kinds = _split(output)
    if not kinds:
        return () if output == original else None
    first, *between, last = literals
    if not original.startswith(first) or not original.endswith(last):
        return None
    parts, start = [], len(first)
    for literal, some in zip(between, kinds, strict=False):
        end = original.find(literal, start + 1)
        if end < 0:
            return None
        parts.append(Hidden(start, end, some))
        start = end + len(literal)
    end = len(original) - len(last)
    return (*parts, Hidden(start, end, kinds[-1])) if start < end else None


def _split(output: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """The literal words, and between each two of them the kinds of the placeholders."""
    literals, kinds = [""], list[tuple[str, ...]]()
    position = 0
    for found in PLACEHOLDER.finditer(output):
        words = output[position : found.start()]
        if words or not kinds:
            literals[-1] = words
            literals.append("")
            kinds.append((found[1],))
        else:
            kinds[-1] = (*kinds[-1], found[1])
        position = found.end()
    literals[-1] = output[position:]
    return literals, kinds


def _words(text: str, span: Span) -> list[list[int]]:
    """The positions of the letters of each word; invisible characters part nothing."""
    words: list[list[int]] = [[]]
    for at in range(span.start, span.end):
        category = unicodedata.category(text[at])
        if category[0] in _WORD_CATEGORIES:
            words[-1].append(at)
        elif category != "Cf":
            words.append([])
    return [word for word in words if word]


def _is_particle(text: str, word: list[int], span: Span) -> bool:
    has_capitals = any(character.isupper() for character in text[span.start : span.end])
    return has_capitals and all(text[at].islower() for at in word)


def _word_leaks(text: str, word: list[int], hidden: Sequence[Hidden]) -> bool:
    readable = len(_readable(word, hidden))
    if _UNSPACED.match(text[word[0]]):
        return readable >= min(2, len(word))
    return len(word) > 1 and readable > len(word) / 2


def _readable(positions: list[int], hidden: Sequence[Hidden]) -> list[int]:
    return [at for at in positions if not any(part.start <= at < part.end for part in hidden)]


def _overlap(part: Hidden, span: Span) -> bool:
    return part.start < span.end and span.start < part.end
