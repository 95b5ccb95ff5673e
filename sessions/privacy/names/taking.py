"""How far a name goes once it is known where it begins."""

from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

Range = tuple[int, int]
"""The first word of a name and the index after its last."""

SOLID: Final = frozenset({FIRST, LAST})
MAYBE: Final = frozenset({MAYBE_FIRST, MAYBE_LAST})
PARTICLES: Final = frozenset(
    "van von der den de del della di da do dos das du des la le el al bin binti ibn ben bint abu ter ten te zu zum "
    "y e af av ad ul".split()
)
_MOST_WORDS = 5
_LEAST_SMALL = 3
_LEAST_LETTERS = 2


def name_end(words: Words, start: int) -> int:
    """The index after the name whose first word is at ``start``."""
    end = start + 1
    index = end
    while index < len(words) and index - start < _MOST_WORDS and words.continues_name(index):
        if _goes_on(words, index) or _is_initial(words, index):
            end = index = index + 1
        elif words.lowers[index] in PARTICLES and not words.is_capital(index):
            index += 1  # only with a name behind it
        else:
            break
    return end


def _goes_on(words: Words, index: int) -> bool:
    """Whether the word can be a further part of a name."""
    kind = words.kind(index)
    low = words.lowers[index]
    if not words.has_case(index):
        return kind not in {ORDINARY, PLACE} and words.gap(index) == " " and len(low) >= _LEAST_LETTERS
    if words.is_capital(index):
        if words.is_vietnamese:
            return True
        if low in PARTICLES:
            return index + 1 < len(words) and words.is_capital(index + 1)
        if kind == ORDINARY:
            return not words.is_german and index + 1 < len(words) and next_is_solid(words, index)
        return kind in SOLID | MAYBE | {UNKNOWN} or (kind == PLACE and lexicon().is_any(low))
    return len(low) >= _LEAST_SMALL and kind in SOLID and not words.is_capital(index - 1)


def _is_initial(words: Words, index: int) -> bool:
    is_letter = words.ends[index] - words.starts[index] == 1 and words.is_capital(index)
    return is_letter and (words.lowers[index] != "i" or words.after(index).startswith("."))


def next_belongs(words: Words, index: int) -> bool:
    """Whether a second word follows that looks like part of a name."""
    following = index + 1
    if following >= len(words) or not words.continues_name(following):
        return False
    if words.lowers[following] in PARTICLES and following + 1 < len(words):
        following += 1
    if not words.has_case(following):
        return words.kind(following) in SOLID | {MAYBE_LAST, UNKNOWN}
    kinds = SOLID | MAYBE | (frozenset() if words.is_german else {UNKNOWN})
    return words.is_capital(following) and (words.kind(following) in kinds or words.is_vietnamese)


def may_follow_introduction(words: Words, index: int) -> bool:
    """After 'my name is': anything but an ordinary word, and those too where they are written as a name."""
    kind = words.kind(index)
    if words.ends[index] - words.starts[index] < _LEAST_LETTERS:
        return words.is_capital(index) and next_belongs(words, index)
    if kind == UNKNOWN and words.has_case(index) and not words.is_capital(index):
        return words.ends_clause(index) or next_is_solid(words, index) or _ends_after_next(words, index)
    if kind in SOLID | {UNKNOWN, MAYBE_FIRST}:
        return True
    if kind == PLACE:
        return words.lowers[index] in lexicon().ambiguous_first or (
            words.is_capital(index) and next_belongs(words, index)
        )
    if kind == MAYBE_LAST:
        return words.is_capital(index) or not words.has_case(index)
    return kind == ORDINARY and words.is_capital(index) and not words.is_german and words.ends_clause(index)


def next_is_solid(words: Words, index: int) -> bool:
    following = index + 1
    is_name = following < len(words) and words.continues_name(following) and words.kind(following) in SOLID
    return is_name and (words.is_capital(following) or not words.is_capital(index))


def next_is_rare(words: Words, index: int) -> bool:
    """Whether a word with a capital follows that no list of ordinary words holds."""
    following = index + 1
    is_close = following < len(words) and words.continues_name(following) and words.is_capital(following)
    return is_close and words.kind(following) in SOLID | {UNKNOWN, MAYBE_LAST}


def _ends_after_next(words: Words, index: int) -> bool:
    following = index + 1
    is_close = following < len(words) and words.continues_name(following)
    return is_close and words.kind(following) == UNKNOWN and words.ends_clause(following)


def is_brand(words: Words, start: int, end: int) -> bool:
    lowers = words.lowers[start:end]
    places = ((at, length) for length in (2, 3) for at in range(len(lowers) - length + 1))
    return any(" ".join(lowers[at : at + length]) in _brands() for at, length in places)


@cache
def _brands() -> frozenset[str]:
    return frozenset(cue_list("brands"))
