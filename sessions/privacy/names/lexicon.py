"""The gazetteer of names and the list of ordinary words, both loaded when the first capital letter is met."""

import lzma
from functools import cache
from typing import Final, NamedTuple

from sessions.privacy.cues import LISTS, cue_list

FIRST: Final = "f"
LAST: Final = "l"
WORD: Final = "w"
PLACE: Final = "p"


class Lexicon(NamedTuple):
    first: frozenset[str]
    """First names that are nothing else."""
    last: frozenset[str]
    """Last names that are nothing else."""
    ambiguous_first: frozenset[str]
    """First names that are a word, a place or a brand too."""
    ambiguous_last: frozenset[str]
    places: frozenset[str]
    ordinary: frozenset[str]
    """The frequent words of many languages, without those that are above all names."""
    ideographic: frozenset[str]
    """Names in scripts without blanks between words."""

    def is_solid(self, word: str) -> bool:
        return word in self.first or word in self.last

    def is_any(self, word: str) -> bool:
        return self.is_solid(word) or word in self.ambiguous_first or word in self.ambiguous_last


@cache
def lexicon() -> Lexicon:
    first: set[str] = set()
    last: set[str] = set()
    ambiguous_first: set[str] = set()
    ambiguous_last: set[str] = set()
    places: set[str] = set()
    never = frozenset(cue_list("not_names"))
    for line in _lines("names.txt.xz"):
        name, _, flags = line.partition(" ")
        ambiguous = WORD in flags or PLACE in flags or name in never
        if FIRST in flags:
            (ambiguous_first if ambiguous else first).add(name)
        if LAST in flags:
            (ambiguous_last if ambiguous else last).add(name)
        if PLACE in flags or name in never:
            places.add(name)
    more = frozenset(cue_list("more_names"))
    first |= more - never
    ordinary = frozenset(_lines("ordinary.txt.xz")) - more | never
    ideographic = frozenset(name for name in first | last | ambiguous_first | ambiguous_last if name[0] >= "\u0e00")
    return Lexicon(
        frozenset(first), frozenset(last), frozenset(ambiguous_first - more), frozenset(ambiguous_last - more),
        frozenset(places), ordinary, ideographic,
    )  # fmt: skip


def _lines(name: str) -> list[str]:
    return lzma.decompress((LISTS / name).read_bytes()).decode().splitlines()
