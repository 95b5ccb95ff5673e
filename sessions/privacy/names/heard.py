"""The names of a session: those given from outside and those heard in it, for every later mention."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from sessions.privacy.folding import fold
from sessions.privacy.names.lexicon import lexicon

_LEAST_PART = 2
_LEAST_STEM = 4
_PARTS: Final = re.compile(r"[\s,.;()\"]+")
_VOWELS: Final = "aeiouyáéíóúàèìòùäöüаеиоуыэюяйьαεηιουω"
_SUFFIXES: Final = frozenset(
    "s es a u e i y o em om owi ovi ie ę ą ego emu im n in en an la lle lta lla ssa sta na nal nak nek val vel hoz "
    "tól nél ul ului lui ei а у ом ем е ы и ой ей ою ю я ам ами ові еві ою ым ого ому ί α ου η ο ος ης ας".split()
)
_PARTICLES: Final = frozenset(
    "de da do dos das del della di van von der den bin ibn al el la le mr mrs ms dr y e ter ten of the".split()
)

_DATES: Final = frozenset("january march april may june july august mai juni juli mars abril maio junho mayo".split())


class HeardNames:
    """Which words are this session's names, and the value that each stands for."""

    def __init__(self, known: Sequence[str] = ()) -> None:
        self.phrases: dict[str, str] = {}
        """Whole values given from outside, in small letters, for search in any text."""
        self.words: dict[str, str] = {}
        """Parts of names, in small letters, to their own value."""
        self.cased: set[str] = set()
        """Of these, the ones that are ordinary words too and count only with a capital."""
        self._stems: dict[str, str] = {}
        for value in known:
            self._know(value)

    def __bool__(self) -> bool:
        return bool(self.words)

    def _know(self, value: str) -> None:
        folded = " ".join(fold(value).text.lower().split())
        if len(folded) < _LEAST_PART and not folded > "\u0e00":
            return
        self.phrases[folded] = folded
        if not any(letter.isdigit() or letter in "@/_" for letter in folded):
            self.learn([part for part in _PARTS.split(folded) if part])

    def learn(self, parts: Iterable[str]) -> None:
        """Remember the words of a name."""
        for part in parts:
            if len(part) < _LEAST_PART or part in _PARTICLES or part in _DATES or part in self.words:
                continue
            self.words[part] = part
            if part in lexicon().ordinary or not (part[0] > "\u024f" or len(part) > _LEAST_PART):
                self.cased.add(part)
            if len(part) >= _LEAST_STEM:
                self._stems.setdefault(part, part)
                self._stems.setdefault(part.rstrip(_VOWELS) if len(part.rstrip(_VOWELS)) > _LEAST_PART else part, part)

    def value_of(self, low: str, *, is_capital: bool) -> str | None:
        """The heard name that the word is, also in another case (``Annę``); or None."""
        value = self.words.get(low)
        if value is not None:
            return value if is_capital or low not in self.cased else None
        if not is_capital or len(low) < _LEAST_STEM:
            return None
        for length in range(len(low), max(_LEAST_PART, len(low) - 5), -1):
            value = self._stems.get(low[:length])
            if value is not None and (length == len(low) or low[length:] in _SUFFIXES):
                return value
        return None
