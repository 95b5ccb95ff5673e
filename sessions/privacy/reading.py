"""One text while it is read: folded, with what has been found in it so far."""

import re
from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

from sessions.privacy.cues import TOKEN, cue_gate
from sessions.privacy.folding import BARRIER, Folded, fold
from sessions.privacy.kinds import ALL_KINDS, Kind
from sessions.privacy.placeholders import PLACEHOLDER


class Span(NamedTuple):
    kind: Kind
    start: int
    end: int
    """In the folded text, as is ``start``."""
    value: str
    """Normalised, so that every spelling of the same thing has the same placeholder."""


class Reading:
    """A text as the detectors see it. Placeholders in it are barriers from the beginning on.

    ``kinds``: those that are to be replaced. The others are claimed only where their form proves them: what was found
    by a cue alone (a password, a document's number, an address) must not keep an e-mail address in it from being found.
    """

    def __init__(self, text: str, after: str = "", kinds: frozenset[Kind] = ALL_KINDS) -> None:
        self.raw = text
        self.folded: Folded = fold(_masked(text))
        self.text = self.folded.text
        self.after = fold(_masked(after)).text.lower()[-_LONGEST_AFTER:] if after else ""
        self.spans: list[Span] = []
        self._claimable = kinds | _PROVED_BY_FORM
        self._taken: bytearray | None = None

    @cached_property
    def lower(self) -> str:
        """As long as ``text``: folding has replaced the one letter that grows when it is made small."""
        return self.text.lower()

    @cached_property
    def tokens(self) -> frozenset[str]:
        """The runs of letters in it, small."""
        return frozenset(TOKEN.findall(self.lower))

    def may_hold(self, cues: str) -> bool:
        """Whether a cue of that list may stand in the text; a quick no for most texts."""
        return cue_gate(cues).may_pass(self.tokens, self.lower)

    @cached_property
    def digits(self) -> int:
        """How many digits there are: a cheap reason not to look for what needs more of them."""
        return len(_DIGIT.findall(self.text))

    def claim(self, span: Span) -> bool:
        """Keep the span unless something found before it overlaps, or its kind stays and may hide another."""
        if span.kind not in self._claimable or self.is_taken(span.start, span.end):
            return False
        if self._taken is None:
            self._taken = bytearray(len(self.text))
        self._taken[span.start : span.end] = b"\1" * (span.end - span.start)
        self.spans.append(span)
        return True

    def is_taken(self, start: int, end: int) -> bool:
        return self._taken is not None and self._taken.find(1, start, end) >= 0

    def before(self, place: int, characters: int) -> str:
        """The small letters just before a place, back to the last placeholder."""
        return self.lower[max(0, place - characters) : place].rpartition(BARRIER)[2]

    def replacements(self) -> Iterator[tuple[int, int, Span]]:
        """The spans in order, with their places in the original text."""
        for span in sorted(self.spans, key=lambda span: span.start):
            start, end = self.folded.original(span.start, span.end)
            yield start, end, span


_PROVED_BY_FORM = frozenset({Kind.EMAIL, Kind.PHONE, Kind.CARD, Kind.IBAN, Kind.IP, Kind.MAC, Kind.BIRTH_DATE})
_DIGIT = re.compile("[0-9]")
_LONGEST_AFTER = 600  # characters; a question stands at a message's end


def _masked(text: str) -> str:
    if "[" not in text:
        return text
    return PLACEHOLDER.sub(lambda match: BARRIER * len(match[0]), text)
