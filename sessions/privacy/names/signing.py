"""The name under a message."""

from typing import Final

from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import MAYBE, PARTICLES, SOLID, Range
from sessions.privacy.names.words import FIRST, ORDINARY, UNKNOWN, Words

_MOST_WORDS = 4
_SMALL_LENGTHS: Final = range(3, 6)
_NO_SIGNATURE: Final = frozenset(
    "team support service group gmbh ltd inc iphone android the all everyone again department kundenservice".split()
)


def signed(words: Words, index: int) -> Range | None:
    """What stands between the farewell, whose last word is ``index``, and the end of its line or of the message."""
    start = index + 1
    if start >= len(words) or words.gap(start).strip(" ,.!\n-~*:\u060c\u2013\u2014"):
        return None
    end = _end_of_line(words, start)
    if end - start > _MOST_WORDS or any(words.lowers[at] in _NO_SIGNATURE for at in range(start, end)):
        return None
    is_line = "\n" in words.gap(start)
    is_apart = is_line or words.gap(start) != " " or words.is_capital(start) or words.kind(start) == FIRST
    if is_apart and all(_may_sign(words, at, is_line=is_line) for at in range(start, end)):
        return start, end
    return None


def _end_of_line(words: Words, start: int) -> int:
    end = start + 1
    while end < len(words) and end - start <= _MOST_WORDS and "\n" not in words.gap(end):
        end += 1
    return end


def _may_sign(words: Words, index: int, *, is_line: bool) -> bool:
    kind = words.kind(index)
    low = words.lowers[index]
    if words.ends[index] - words.starts[index] == 1:
        return words.is_capital(index)
    if words.is_capital(index) or not words.has_case(index):
        is_apart = (
            is_line
            or "," in words.gap(index)
            or "\u060c" in words.gap(index)
            or "-" in words.gap(index)
            or words.continues_name(index)
        )
        return (
            kind in SOLID | MAYBE
            or (kind == UNKNOWN and is_apart)
            or (words.is_vietnamese and is_line and kind != ORDINARY)
        )
    if kind in SOLID or low in PARTICLES:
        return True
    if is_line:
        return low not in lexicon().ordinary
    is_apart = words.gap(index) in {", ", " - ", ",", " -", "! "}
    return kind == UNKNOWN and is_apart and index + 1 == len(words) and len(low) in _SMALL_LENGTHS
