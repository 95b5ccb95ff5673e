"""The gazetteer of names and the list of ordinary words, both loaded when the first word is looked at."""

import lzma
import re
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import chain
from typing import Final, NamedTuple

from sessions.privacy.cues import LISTS, cue_list

FIRST: Final = "f"
LAST: Final = "l"
WORD: Final = "w"
PLACE: Final = "p"
COMMON: Final = "c"
_LEAST_COMMON = 5
_CUES_OF_WORDS: Final = (
    "introductions",
    "introductions_weak",
    "greetings",
    "signoffs",
    "answer_fillers",
    "said",
    "after_names",
    "name_questions",
    "not_a_secret",
)


class WordHashes:
    """A large set of words in eight bytes each. That another word has the hash of one of them may be neglected."""

    def __init__(self, words: Iterable[str]) -> None:
        self._hashes = array("q", sorted(set(map(hash, words))))

    def __contains__(self, word: str) -> bool:
        wanted = hash(word)
        place = bisect_left(self._hashes, wanted)
        return place < len(self._hashes) and self._hashes[place] == wanted


class Lexicon(NamedTuple):
    first: frozenset[str]
    """First names that are nothing else."""
    last: frozenset[str]
    """Last names that are nothing else."""
    common: frozenset[str]
    """Of the first names those of several countries that are a word in no language: known in small letters too."""
    ambiguous_first: frozenset[str]
    """First names that are a word, a place or a brand too."""
    ambiguous_last: frozenset[str]
    places: frozenset[str]
    """Places, brands, days and the like, whether or not names too."""
    ordinary: WordHashes
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
    common: set[str] = set()
    last: set[str] = set()
    ambiguous_first: set[str] = set()
    ambiguous_last: set[str] = set()
    never = frozenset(cue_list("not_names"))
    places = set(never)
    cues = _words_of_cues()
    for line in _lines("names.txt.xz"):
        name, _, flags = line.partition(" ")
        ambiguous = WORD in flags or PLACE in flags or name in never or name in cues
        if FIRST in flags:
            (ambiguous_first if ambiguous else first).add(name)
        if LAST in flags:
            (ambiguous_last if ambiguous else last).add(name)
        if COMMON in flags and not ambiguous and len(name) >= _LEAST_COMMON:
            common.add(name)
        if PLACE in flags:
            places.add(name)
    more = frozenset(cue_list("more_names")) - never - cues
    ordinary = (word for word in chain(_lines("ordinary.txt.xz"), never, cues) if word not in more)
    every = first | last | ambiguous_first | ambiguous_last
    return Lexicon(
        frozenset(first | more),
        frozenset(last),
        frozenset(common),
        frozenset(ambiguous_first - more),
        frozenset(ambiguous_last - more),
        frozenset(places - more),
        WordHashes(ordinary),
        frozenset(name for name in every if name[0] >= "\u0e00"),
    )


def _words_of_cues() -> frozenset[str]:
    return frozenset(word for name in _CUES_OF_WORDS for cue in cue_list(name) for word in cue.rstrip(":").split())


def _lines(name: str) -> Iterator[str]:
    text = lzma.decompress((LISTS / name).read_bytes()).decode()
    return (match[0] for match in re.finditer(r"[^\n]+", text))
