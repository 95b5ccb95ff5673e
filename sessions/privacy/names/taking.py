"""How far a name goes once it is known where it begins."""

from typing import Final

from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

PARTICLES: Final = frozenset(
    ["van", "von", "der", "den", "de", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "la", "le", "el", "al", "bin", "binti", "ibn", "ben", "bint", "abu", "ter", "ten", "te", "zu", "zum", "y", "e", "af", "av", "ad", "ul"]
)
_MOST_WORDS = 5
_NAMES: Final = frozenset({FIRST, LAST, MAYBE_FIRST, MAYBE_LAST})
_LEAST_SMALL = 3


def name_end(words: Words, start: int) -> int:
    """The index after the name whose first word is at ``start``."""
    end = start + 1
    index = end
    while index < len(words) and index - start < _MOST_WORDS and words.continues_name(index):
        if goes_on(words, index):
            end = index = index + 1
        elif words.lowers[index] in PARTICLES and not words.is_capital(index):
            index += 1  # only with a name behind it
        elif _is_initial(words, index):
            end = index = index + 1
        else:
            break
    return end


def goes_on(words: Words, index: int) -> bool:
    """Whether the word can be a further part of a name."""
    kind = words.kind(index)
    if words.is_capital(index):
        if words.lowers[index] in PARTICLES:
            return index + 1 < len(words) and words.is_capital(index + 1)
        return kind in _NAMES or kind == UNKNOWN or (kind == PLACE and lexicon().is_any(words.lowers[index]))
    small = words.ends[index] - words.starts[index] >= _LEAST_SMALL
    return small and kind in {FIRST, LAST} and not words.is_capital(index - 1)


def _is_initial(words: Words, index: int) -> bool:
    return words.ends[index] - words.starts[index] == 1 and words.is_capital(index)


def is_wholly_small(words: Words, start: int) -> bool:
    return words.has_case(start) and not words.is_capital(start)


def may_be_first_word(words: Words, index: int) -> bool:
    """After 'my name is': anything but an ordinary word, and those too where they are written as a name."""
    kind = words.kind(index)
    if words.ends[index] - words.starts[index] < _LEAST_PART:
        return words.is_capital(index) and index + 1 < len(words) and words.is_capital(index + 1)
    if kind in {FIRST, LAST, UNKNOWN}:
        return True
    if kind == MAYBE_FIRST:
        return True
    if kind in {MAYBE_LAST, PLACE}:
        return words.is_capital(index) or (kind == PLACE and words.lowers[index] in lexicon().ambiguous_first)
    return kind == ORDINARY and words.is_capital(index) and not words.is_german


_LEAST_PART = 2
