"""Names that nothing announces: words of the gazetteer written with a capital, and what belongs to them."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.rare import LEAST_LETTERS, LONG_NOUN, MODALS, ambiguous_name, is_long_enough
from sessions.privacy.names.taking import MAYBE, PARTICLES, SOLID, Range
from sessions.privacy.names.things import AND, is_beside_article, is_beside_thing, is_no_person, without_article
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

_MOST_WORDS = 6
_MOST_IN_LIST = 3
_MONTHS: Final = frozenset(
    "january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday".split()
)


def capital_names(words: Words) -> Iterator[Range]:
    if words.is_shouted:
        return
    found: list[Range] = []
    doubtful: list[Range] = []
    for start, end in _runs(words):
        name = _name_in_run(words, start, end) if words.is_capital(start) else _uncased(words, start, end)
        if name is not None:
            found.append(name)
        elif words.is_capital(start):
            doubtful.append((start, end))
    yield from found
    if found:
        yield from _listed_with(words, found, doubtful)


def small_names(words: Words) -> Iterator[Range]:
    """First names in small letters, as far as they cannot be anything else."""
    for index, low in enumerate(words.lowers):
        if (
            _is_common(low)
            and (words.is_shouted or not words.is_capital(index))
            and not is_beside_article(words, index)
            and not is_beside_thing(words, index, index + 1)
        ):
            yield index, index + 1


def _is_common(low: str) -> bool:
    """Also without the apostrophe that people leave out: 'siobhans birthday'."""
    names = lexicon()
    return low in names.common or (low.endswith("s") and low[:-1] in names.common and low not in names.ordinary)


def _runs(words: Words) -> Iterator[Range]:
    """The words in a row that are written with a capital, and in scripts without capitals those that may be names."""
    index = 0
    while index < len(words):
        start = index
        if words.is_capital(index):
            index = _run_end(words, index)
            yield start, index
        elif words.has_case(index):
            index += 1
        else:
            index = _uncased_end(words, index)
            if index > start:
                yield start, index
            index = max(index, start + 1)


def _listed_with(words: Words, found: list[Range], doubtful: list[Range]) -> Iterator[Range]:
    """Rare words with a capital that stand in one row with a name: 'Ann, Torquil Macrae and Bob'."""
    ends = {end for _, end in found}
    starts = {start for start, _ in found}
    for start, end in doubtful:
        kinds = {words.kind(index) for index in range(start, end)}
        is_rare = (
            kinds <= {UNKNOWN, MAYBE_FIRST, MAYBE_LAST}
            and end - start <= _MOST_IN_LIST
            and not words.begins_sentence(start)
        )
        if is_rare and (
            (_is_row(words, start) and _before_row(words, start) in ends) or _after_row(words, end) in starts
        ):
            yield start, end


def _is_row(words: Words, index: int) -> bool:
    return words.gap(index) in {", ", " & ", " + "} or words.lowers[index - 1] in AND


def _before_row(words: Words, start: int) -> int:
    """The index after the last word of what stands before in the row."""
    return start - 1 if words.lowers[start - 1] in AND and words.gap(start) == " " else start


def _after_row(words: Words, end: int) -> int:
    """The index of the next in the row, or -1."""
    if end >= len(words):
        return -1
    if words.lowers[end] in AND and words.gap(end) == " ":
        return end + 1
    return end if words.gap(end) in {", ", " & ", " + "} else -1


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
    start = without_article(words, start, end)
    if is_no_person(words, start, end):
        return None
    if words.is_vietnamese and end - start > 1:
        return _vietnamese(words, start, end)
    kinds = [words.kind(index) for index in range(start, end)]
    solid = [place for place, kind in enumerate(kinds) if kind in SOLID and is_long_enough(words, start + place)]
    if solid:
        low, high = _grow(words, start, kinds, solid[0], solid[-1])
        return start + low, start + high + 1
    return ambiguous_name(words, start, kinds)


def _vietnamese(words: Words, start: int, end: int) -> Range | None:
    """Only names have several capitals in a row."""
    surnames = _vietnamese_surnames()
    while start < end and words.lowers[start] not in surnames and words.begins_sentence(start):
        start += 1
    is_name = words.lowers[start : start + 1] and (
        words.lowers[start] in surnames or any(words.kind(at) in SOLID for at in range(start, end))
    )
    return (start, end) if is_name and end - start > 1 else None


@cache
def _vietnamese_surnames() -> frozenset[str]:
    return frozenset(
        "nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý đoàn trịnh đinh lâm mai tô đào cao tạ "
        "lương hà thái châu tăng la quách vương tôn tống kiều giang".split()
    )


def _grow(words: Words, start: int, kinds: list[str], low: int, high: int) -> tuple[int, int]:
    """Around what is a name for sure, also the words that may be."""
    while high + 1 < len(kinds) and _belongs(words, start + high + 1, kinds[high + 1]):
        high += 1
    while low > 0 and _precedes(words, start + low - 1, kinds[low - 1]):
        low -= 1
    return low, high


def _belongs(words: Words, index: int, kind: str) -> bool:
    if kind in {UNKNOWN, FIRST, LAST, MAYBE_FIRST, MAYBE_LAST}:
        return not (words.is_german and kind == UNKNOWN and len(words.lowers[index]) > LONG_NOUN)
    low = words.lowers[index]
    return (
        low in PARTICLES
        or words.ends[index] - words.starts[index] == 1
        or (kind == PLACE and lexicon().is_any(low) and low not in _MONTHS)
    )


def _precedes(words: Words, index: int, kind: str) -> bool:
    if words.lowers[index] in MODALS and words.lowers[index] != "will":
        return False
    if kind in SOLID or (words.ends[index] - words.starts[index] == 1 and index + 1 < len(words)):
        return True
    if kind == MAYBE_FIRST:
        return True
    if kind == UNKNOWN:
        return not words.begins_sentence(index) and not words.is_german
    if kind == ORDINARY:
        return not words.begins_sentence(index) and not words.is_german and not is_beside_article(words, index)
    return kind == PLACE and words.lowers[index] in lexicon().ambiguous_first and words.lowers[index] not in _MONTHS


def _uncased_end(words: Words, index: int) -> int:
    """The index after the words from this one on that a list of names holds; the index itself if there is none."""
    end = index
    while end < len(words) and end - index < _MOST_WORDS and (end == index or words.gap(end) == " "):
        if words.kind(end) not in SOLID | MAYBE or words.has_case(end):
            break
        end += 1
    return end


def _uncased(words: Words, start: int, end: int) -> Range | None:
    """A name that is nothing else, or two that may be in a row."""
    has_solid = any(words.kind(at) in SOLID for at in range(start, end))
    if is_beside_thing(words, start, end):
        return None
    is_long = words.ends[start] - words.starts[start] >= LEAST_LETTERS
    return (start, end) if is_long and has_solid and (end - start > 1 or words.kind(start) == FIRST) else None
