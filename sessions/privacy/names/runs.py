"""Names that nothing announces: words of the gazetteer written with a capital, and what belongs to them."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import MAYBE, PARTICLES, SOLID, Range, is_brand
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

_MOST_WORDS = 6
_LEAST_LETTERS = 3
_LONGEST_ABBREVIATION = 3


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
        is_rare = kinds <= {UNKNOWN, MAYBE_FIRST, MAYBE_LAST} and end - start <= _MOST_IN_LIST and not words.begins_sentence(start)
        if is_rare and (_is_row(words, start) and _before_row(words, start) in ends or _after_row(words, end) in starts):
            yield start, end


def _is_row(words: Words, index: int) -> bool:
    return words.gap(index) == ", " or words.lowers[index - 1] in _AND


def _before_row(words: Words, start: int) -> int:
    """The index after the last word of what stands before in the row."""
    return start - 1 if words.lowers[start - 1] in _AND and words.gap(start) == " " else start


def _after_row(words: Words, end: int) -> int:
    """The index of the next in the row, or -1."""
    if end >= len(words):
        return -1
    if words.lowers[end] in _AND and words.gap(end) == " ":
        return end + 1
    return end if words.gap(end) == ", " else -1


_MOST_IN_LIST = 3


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
    if end - start > 1 and is_brand(words, start, end):
        return None
    if words.is_vietnamese and end - start > 1:
        return _vietnamese(words, start, end)
    if end - start == 1 and (_is_beside_place(words, start) or _is_beside_article(words, start)):
        return None
    if start and words.lowers[start - 1] in _SAINTS and words.continues_name(start):
        return None
    start = _without_article(words, start, end)
    kinds = [words.kind(index) for index in range(start, end)]
    if end - start == 1 and _is_beside_article(words, start):
        return None
    solid = [place for place, kind in enumerate(kinds) if kind in SOLID and _is_long_enough(words, start + place)]
    if solid:
        low, high = _grow(words, start, kinds, solid[0], solid[-1])
        return start + low, start + high + 1
    return _of_ambiguous(words, start, kinds)


_SAINTS: Final = frozenset("saint st san santa santo são sankt sainte ste sant sint szent svatý święty".split())
_IN: Final = frozenset("in nach em im w v в во στη στην στο near around nahe zi зі".split())
_AND: Final = frozenset("and or und oder et ou y o e i lub и или en of och eller og ja tai és vagy a nebo și sau ve veya και ή".split())
_ARTICLES: Final = frozenset(
    "the a an my your our this that le la les l un une mon ma votre el los las una mi su o os as um uma il lo gli het een de "
    "den det en ett et die der das new model brand app".split()
)


def _is_beside_place(words: Words, index: int) -> bool:
    """'in X' is a place, and so is what is named in one breath with a place; unless a genitive says otherwise."""
    if not index or words.reading.text.startswith("'s", words.ends[index]):
        return False
    before = words.lowers[index - 1]
    if before in _IN and words.gap(index) == " ":
        return True
    other = index - 2 if before in _AND else index - 1
    is_row = before in _AND or words.gap(index) == ", "
    if not is_row or other < 0 or not words.is_capital(other):
        return False
    return words.kind(other) == PLACE or _is_beside_place(words, other)


def _is_beside_article(words: Words, index: int) -> bool:
    """'the Oliver sofa'. Not in languages that put an article before names."""
    return index > 0 and words.gap(index) == " " and words.lowers[index - 1] in _ARTICLES_OF_THINGS


def _without_article(words: Words, start: int, end: int) -> int:
    """A sentence may begin with one: 'The Victorian lamp'."""
    return start + 1 if end - start > 1 and words.lowers[start] in _ARTICLES_OF_THINGS else start


_ARTICLES_OF_THINGS: Final = frozenset("the this these that your our an les un une los las un una ein eine".split())


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
        "nguyễn trần lê phạm hoàng huỳnh phan vũ võ đặng bùi đỗ hồ ngô dương lý đoàn trịnh đinh lâm mai tô đào cao tạ lương "
        "hà thái châu tăng la quách vương tôn tống kiều giang".split()
    )


def _is_long_enough(words: Words, index: int) -> bool:
    """Short words in capitals are abbreviations."""
    if words.ends[index] - words.starts[index] <= _LONGEST_ABBREVIATION and words.is_upper(index):
        return False
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
    "january february march april may june july august september october november december monday tuesday "
    "wednesday thursday friday saturday sunday"
.split())


def _precedes(words: Words, index: int, kind: str) -> bool:
    if kind in SOLID or (words.ends[index] - words.starts[index] == 1 and index + 1 < len(words)):
        return True
    if kind == MAYBE_FIRST:
        return True
    if kind == UNKNOWN:
        return not words.begins_sentence(index) and not words.is_german
    if kind == ORDINARY:
        return not words.begins_sentence(index) and not words.is_german and not _is_beside_article(words, index)
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
    if _has_age(words, start + len(kinds)) and kinds[-1] in {UNKNOWN, MAYBE_LAST} and not words.is_german:
        return start + (kinds[0] in {ORDINARY, PLACE}), start + len(kinds)
    if kinds == [UNKNOWN] and _is_asked_about(words, start):
        return start, start + 1
    return _unknown_pair(words, start, kinds)


_AGE: Final = re.compile(r",? \(?(?:aged |âgée? de |de |i moshës )?[1-9]\d(?: (?:years|ans|años|anos|anni|jahre|lat|år|let|лет|рок|jaar|yaşında|éves|ani|ετών|-year))?(?:[,.;)]|\Z| (?:years|ans|años|anos|anni))")


def _has_age(words: Words, end: int) -> bool:
    """'Torquil Macrae, 61, was seen'."""
    return words.after(end - 1).startswith((",", " (")) and _AGE.match(words.reading.lower, words.ends[end - 1]) is not None


# 'Can Lorcan come on Thursday?'
_MODALS: Final = frozenset(
    "can could will would kan kann könnte czy может ли може чи puede podría pode poderia può potrebbe peut poate může môže voiko "
    "apakah bisakah could que".split()
)
_DONE_BY_THINGS: Final = frozenset("be ship deliver work fit run connect play support be's werden wird funktionieren".split())


def _is_asked_about(words: Words, index: int) -> bool:
    if not index or words.gap(index) != " " or words.lowers[index - 1] not in _MODALS or index > _FIRST_WORDS:
        return False
    text = words.reading.text[words.starts[index] + 1 : words.ends[index]]
    following = words.lowers[index + 1] if index + 1 < len(words) else ""
    return text.islower() and following not in _DONE_BY_THINGS and not words.is_capital(min(index + 1, len(words) - 1))


_FIRST_WORDS = 3


def _unknown_pair(words: Words, start: int, kinds: list[str]) -> Range | None:
    """Two or three rare words with a capital, and no article or number that speaks of a thing."""
    if len(kinds) not in _PAIR or any(kind != UNKNOWN for kind in kinds):
        return None
    end = start + len(kinds)
    text = words.reading.text
    looks_plain = all(
        text[words.starts[at] + 1 : words.ends[at]].replace("-", "").islower() and len(words.lowers[at]) >= _LEAST_LETTERS
        for at in range(start, end)
    )
    if words.begins_sentence(start) and (words.is_german or not words.is_english):
        return None
    if words.is_german and any(len(words.lowers[start + place]) > _LONG_NOUN for place in range(len(kinds))):
        return None
    has_article = start > 0 and words.lowers[start - 1] in _ARTICLES and words.gap(start) == " "
    following = words.after(end - 1).lstrip(" ")[:1]
    return (start, end) if looks_plain and not has_article and not following.isdigit() and following != "&" else None


_PAIR: Final = range(2, 4)


def _while_name(kinds: list[str], place: int) -> int:
    while place < len(kinds) and kinds[place] in MAYBE | {UNKNOWN}:
        place += 1
    return place


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
    is_long = words.ends[start] - words.starts[start] >= _LEAST_LETTERS
    return (start, end) if is_long and has_solid and (end - start > 1 or words.kind(start) == FIRST) else None
