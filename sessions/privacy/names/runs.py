"""Names that nothing announces: words of the gazetteer written with a capital, and what belongs to them."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import PARTICLES
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

Range = tuple[int, int]
_MOST_WORDS = 6
_SOLID: Final = frozenset({FIRST, LAST})
_MAYBE: Final = frozenset({MAYBE_FIRST, MAYBE_LAST})
_LEAST_LETTERS = 3


def capital_names(words: Words) -> Iterator[Range]:
    if words.is_shouted:
        return
    index = 0
    while index < len(words):
        if not words.is_capital(index):
            index += 1 if words.has_case(index) else 0
            if index < len(words) and not words.has_case(index):
                found = _uncased(words, index)
                if found:
                    yield found
                index = found[1] if found else index + 1
            continue
        end = _run_end(words, index)
        found = _name_in_run(words, index, end)
        if found is not None:
            yield found
        index = end


def _run_end(words: Words, start: int) -> int:
    """The index after the capitalised words in a row, particles between them included."""
    end = index = start + 1
    while index < len(words) and words.continues_name(index) and index - start < _MOST_WORDS:
        if words.is_capital(index):
            end = index = index + 1
        elif words.lowers[index] in PARTICLES:
            index += 1
        else:
            break
    return end


def _name_in_run(words: Words, start: int, end: int) -> Range | None:
    kinds = [words.kind(index) for index in range(start, end)]
    if end - start > 1 and _is_brand(words, start, end):
        return None
    solid = [place for place, kind in enumerate(kinds) if kind in _SOLID and _is_long_enough(words, start + place)]
    if solid:
        low, high = _grow(words, start, kinds, solid[0], solid[-1])
        return start + low, start + high + 1
    return _of_ambiguous(words, start, kinds)


def _is_long_enough(words: Words, index: int) -> bool:
    return words.ends[index] - words.starts[index] >= _LEAST_LETTERS or words.lowers[index] in {
        "jo",
        "al",
        "ed",
        "bo",
        "cy",
    }


def _grow(words: Words, start: int, kinds: list[str], low: int, high: int) -> tuple[int, int]:
    """Around what is a name for sure, also the words that may be."""
    while high + 1 < len(kinds) and _belongs(words, start + high + 1, kinds[high + 1]):
        high += 1
    while low > 0 and _precedes(words, start + low - 1, kinds[low - 1]):
        low -= 1
    return low, high


def _belongs(words: Words, index: int, kind: str) -> bool:
    if kind in {UNKNOWN, FIRST, LAST, MAYBE_FIRST, MAYBE_LAST}:
        return not (words.is_german and kind == UNKNOWN and len(words.lowers[index]) > _LONG_NOUN)
    low = words.lowers[index]
    return (
        low in PARTICLES
        or words.ends[index] - words.starts[index] == 1
        or (kind == PLACE and lexicon().is_any(low) and low not in _MONTHS)
    )


_LONG_NOUN = 11
_MONTHS: Final = frozenset(
    ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
)


def _precedes(words: Words, index: int, kind: str) -> bool:
    if kind in _SOLID or (words.ends[index] - words.starts[index] == 1 and index + 1 < len(words)):
        return True
    if kind == MAYBE_FIRST:
        return True
    if kind == UNKNOWN:
        return not words.begins_sentence(index) and not words.is_german
    return kind == PLACE and words.lowers[index] in lexicon().ambiguous_first and words.lowers[index] not in _MONTHS


def _of_ambiguous(words: Words, start: int, kinds: list[str]) -> Range | None:
    """Words that are names or not: two of them together, or one first name inside a sentence."""
    for place, kind in enumerate(kinds):
        index = start + place
        following = kinds[place + 1] if place + 1 < len(kinds) else ""
        if kind == MAYBE_FIRST and following in {MAYBE_LAST, MAYBE_FIRST, UNKNOWN} and not words.is_german:
            return index, start + _while_name(kinds, place + 1)
        if (
            kind == PLACE
            and following in {MAYBE_LAST}
            and words.lowers[index] in lexicon().ambiguous_first
            and not words.is_german
        ):
            return index, index + 2
        if (
            kind == MAYBE_FIRST
            and len(kinds) == 1
            and not words.begins_sentence(index)
            and not words.is_german
            and _is_long_enough(words, index)
        ):
            return index, index + 1
    return None


def _while_name(kinds: list[str], place: int) -> int:
    while place < len(kinds) and kinds[place] in _MAYBE | {UNKNOWN}:
        place += 1
    return place


def _uncased(words: Words, index: int) -> Range | None:
    """In scripts without capitals a name that is nothing else, or two that may be in a row."""
    kind = words.kind(index)
    if kind in {ORDINARY, UNKNOWN, PLACE} or words.ends[index] - words.starts[index] < _LEAST_LETTERS:
        return None
    end = index + 1
    while (
        end < len(words) and words.gap(end) == " " and words.kind(end) in _SOLID | _MAYBE and end - index < _MOST_WORDS
    ):
        end += 1
    has_solid = any(words.kind(at) in _SOLID for at in range(index, end))
    return (index, end) if has_solid and (end - index > 1 or kind == FIRST) else None


def _is_brand(words: Words, start: int, end: int) -> bool:
    lowers = words.lowers[start:end]
    return any(
        " ".join(lowers[at : at + length]) in _brands() for length in (2, 3) for at in range(len(lowers) - length + 1)
    )


@cache
def _brands() -> frozenset[str]:
    return frozenset(cue_list("brands"))
