"""Names after words that announce them: introductions, forms of address, greetings, kin and callers."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.cue_index import BEFORE, GREETING, INTRODUCTION, SIGN_OFF, TITLE, WEAK, cues_at
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.signing import signed
from sessions.privacy.names.taking import (
    MAYBE,
    PARTICLES,
    SOLID,
    Range,
    is_brand,
    may_follow_introduction,
    name_end,
    next_belongs,
    next_is_rare,
    next_is_solid,
)
from sessions.privacy.names.words import FIRST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

_GAPS: Final = frozenset(
    {" ", ": ", ":", " - ", "  ", ", ", " : ", '"', ' "', ': "', " '", "\n", ":\n", " = ", "=", "? "}
)
_CLOSE_GAPS: Final = frozenset({" ", "  ", ": ", " - "})
_LINKS: Final = frozenset(
    "is ist est es é è to är er on je jest das der die el la le o a il mr mrs ms dr frau herr adalah ialah là von "
    "actually also just c'est now saja ο η του της هو هي הוא היא".split()
)
_FIRST_PERSON: Final = frozenset(
    "im i'm am bin suis soy sou sono ben jestem я är er olen vagyok jsem sunt ben είμαι sam saya tôi là myself som "
    "съм ik mình em aku gue это це täällä tässä tady här her c'est it's its now is o a é fala habla spricht parla mówi говорит ako minä".split()
)
_STRICTLY_FIRST_PERSON: Final = frozenset("im i'm am bin suis soy sou sono ik jestem я jag jeg".split())
_TITLES_INSIDE: Final = frozenset("mr mrs ms dr prof frau herr herrn mme pan pani ο η τον την του της".split())
_WHO: Final = frozenset(
    "who whom wem wen wer qui quién quien quem chi wie kogo czyje кого siapa vem kuka kimin".split()
)
_MOST_TITLES = 3
_MOST_LINKS = 3
_NAMED_THINGS: Final = frozenset(
    "product item model company brand file domain host shop store project theme plan package colour color variant "
    "business bank hotel street city campaign database table column variable function class plugin app server "
    "network wifi device printer artikel produkt firma produit société producto empresa prodotto azienda produto "
    "товара файла компании".split()
)
_PLAIN_TITLES: Final = frozenset(
    "mr mrs ms miss sir dr prof frau herr herrn mme mlle monsieur madame señor señora sr sra signor signora sig "
    "dhr mevr mevrouw meneer pani panią paní господин госпожа bay bayan sayın κύριε κυρία κύριος doamna domnul fru "
    "hr".split()
)
_POSSESSIVES: Final = frozenset("mein meine meinen meinem meiner unser unsere sein seine ihr ihre dein deine".split())
_TURKISH_AM: Final = ("yim", "yım", "yum", "yüm")  # 'ben müşteriyim': I am a customer
_LEAST_SMALL = 3
_MOST_SMALL = 4
_MOST_CAPITALS = 3
_LONGEST_CUE = 2
_INDIC = "\u0900"  # too few of whose words are known to tell the ordinary from names
_LONGEST_GREETING = 2


def cued_names(words: Words) -> Iterator[Range]:
    for index in range(len(words)):
        for cue in cues_at(words, index):
            found = _FINDERS[cue.purpose](words, index)
            if found is not None:
                yield found


@cache
def also_words() -> frozenset[str]:
    """First names in small letters that are words too."""
    return frozenset(cue_list("words_also_names"))


def _next(words: Words, index: int, gaps: frozenset[str]) -> int | None:
    following = index + 1
    return following if following < len(words) and words.gap(following) in gaps else None


def _is_name_of_thing(words: Words, index: int) -> bool:
    """'product name: Oak Table'."""
    return any(words.lowers[at] in _NAMED_THINGS for at in range(max(0, index - _LONGEST_CUE), index))


def _introduced(words: Words, index: int) -> Range | None:
    if _is_name_of_thing(words, index):
        return None
    start = _next(words, index, _GAPS)
    for _ in range(_MOST_LINKS):
        if start is not None and words.lowers[start] in _LINKS and not words.is_capital(start):
            start = _next(words, start, _GAPS)
    if start is not None and words.lowers[start] in PARTICLES and not words.is_capital(start):
        following = _next(words, start, _CLOSE_GAPS)
        return (start, name_end(words, following)) if following is not None and words.is_capital(following) else None
    if start is None:
        return None
    if words.lowers[start] in _WHO:
        return None
    is_vietnamese = words.is_vietnamese and words.is_capital(start) and next_belongs(words, start)
    if not is_vietnamese and not may_follow_introduction(words, start):
        return None
    return start, _introduced_end(words, start)


def _introduced_end(words: Words, start: int) -> int:
    """In small letters also unknown further words are taken, if the clause ends behind them."""
    end = name_end(words, start)
    if words.is_capital(start):
        return _capitals_end(words, start, end)
    if not words.has_case(start):
        return end
    further = end
    while further < len(words) and further - start < _MOST_SMALL and words.gap(further) in {" ", "-"}:
        is_name = words.kind(further) in SOLID | MAYBE | {UNKNOWN}
        if not is_name:
            break
        further += 1
    return further if further > end and words.ends_clause(further - 1) else end


def _capitals_end(words: Words, start: int, end: int) -> int:
    """Behind 'my name is' also a surname that is a word: the capitals in a row, if the clause ends there."""
    further = end
    while further < len(words) and further - start < _MOST_CAPITALS and words.gap(further) == " ":
        if not words.is_capital(further):
            break
        further += 1
    return further if further > end and words.ends_clause(further - 1) else end


def _weakly_introduced(words: Words, index: int) -> Range | None:
    start = _next(words, index, _CLOSE_GAPS)
    if start is None:
        return None
    kind = words.kind(start)
    if words.is_capital(start):
        is_name = kind in SOLID or (
            next_belongs(words, start) and kind != ORDINARY and not is_brand(words, start, start + 2)
        )
        is_name = is_name or (not words.is_german and _is_said_of_oneself(words, index, start))
        is_name = is_name or _is_vietnamese_name(words, start)
        is_name = is_name or (
            next_is_rare(words, start) and words.lowers[index] in _FIRST_PERSON and not words.is_german
        )
    elif words.has_case(start):
        is_name = _is_small_name(words, index, start)
    else:
        is_name = kind in SOLID or (next_is_solid(words, start) and kind in MAYBE | {UNKNOWN})
        is_name = is_name or (
            kind in MAYBE | {UNKNOWN}
            and words.ends_clause(start)
            and (kind != UNKNOWN or not words.is_followed_by_and(start))
            and (words.lowers[start] < _INDIC or words.lowers[start + 1 : start + 2] == ["बोल"])
        )
    return (start, _introduced_end(words, start)) if is_name else None


def _is_vietnamese_name(words: Words, start: int) -> bool:
    """In Vietnamese only names have a capital inside a sentence."""
    return words.is_vietnamese and not words.begins_sentence(start) and words.kind(start) != PLACE


def _is_said_of_oneself(words: Words, index: int, start: int) -> bool:
    kind = words.kind(start)
    if kind == MAYBE_FIRST:
        return True
    if kind == PLACE and words.lowers[index] in _STRICTLY_FIRST_PERSON:
        return words.ends_clause(start) and words.lowers[start] in lexicon().ambiguous_first
    return kind == UNKNOWN and words.ends_clause(start) and words.lowers[index] in _FIRST_PERSON


def _is_small_name(words: Words, index: int, start: int) -> bool:
    low = words.lowers[start]
    if words.kind(start) in SOLID and len(low) >= _LEAST_SMALL:
        return words.kind(start) == "F" or words.ends_clause(start)
    is_first_person = words.lowers[index] in _FIRST_PERSON
    if low in also_words():
        return words.ends_clause(start) and is_first_person
    if low.endswith(_TURKISH_AM):
        return False
    return (
        words.kind(start) == UNKNOWN and is_first_person and words.ends_clause(start) and _greets_before(words, index)
    )


def _greets_before(words: Words, index: int) -> bool:
    """'hej jag är tolga': a greeting opens the message and the cue follows it."""
    return any(words.lowers[at] in cue_list("greetings") for at in range(max(0, index - _LONGEST_CUE), index))


@cache
def greeting_words() -> frozenset[str]:
    return frozenset(word for cue in cue_list("greetings") for word in cue.split())


def _after_person(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", ", ", ": ", " ("}))
    start = _past_titles(words, start)
    if start is None or _is_name_of_thing(words, index):
        return None
    kind = words.kind(start)
    is_close = words.gap(start) == " "
    if words.is_capital(start):
        is_name = kind in SOLID or (kind in MAYBE and not words.is_german) or _is_vietnamese_name(words, start)
        is_rare = kind == UNKNOWN and (not words.is_german or (index > 0 and words.lowers[index - 1] in _POSSESSIVES))
        is_name = is_name or (is_rare and (is_close or not words.begins_sentence(index)))
        is_name = is_name or (
            kind not in {ORDINARY, PLACE} and next_belongs(words, start) and not is_brand(words, start, start + 2)
        )
    elif words.has_case(start):
        is_name = kind == "F" and len(words.lowers[start]) >= _LEAST_SMALL and is_close
    else:
        is_name = kind not in {ORDINARY, PLACE}
    return (start, _person_end(words, start)) if is_name else None


def _person_end(words: Words, start: int) -> int:
    """In German also a surname that is a noun: 'mein Kollege Lothar Grimm'."""
    end = name_end(words, start)
    is_open = words.is_german and words.kind(start) == FIRST and end == start + 1 and end < len(words)
    return end + 1 if is_open and words.gap(end) == " " and words.is_capital(end) else end


def _past_titles(words: Words, start: int | None) -> int | None:
    for _ in range(_MOST_TITLES):
        if start is not None and words.lowers[start] in _TITLES_INSIDE:
            start = _next(words, start, frozenset({" ", ". ", "."}))
    return start


def _titled(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", ". ", "."}))
    start = _past_titles(words, start)
    if start is None:
        return None
    is_plain = words.lowers[index] in _PLAIN_TITLES
    if words.lowers[start] in PARTICLES and not words.is_capital(start):
        following = _next(words, start, _CLOSE_GAPS)
        is_name = is_plain and following is not None and words.is_capital(following)
        return (start, name_end(words, start + 1)) if is_name else None
    return (start, name_end(words, start)) if _may_have_title(words, start, is_plain=is_plain) else None


def _may_have_title(words: Words, start: int, *, is_plain: bool) -> bool:
    kind = words.kind(start)
    if words.ends[start] - words.starts[start] == 1:
        return next_belongs(words, start) and is_plain
    if words.is_capital(start):
        is_name = kind in SOLID | MAYBE | {UNKNOWN} or is_plain
        return is_name and (is_plain or not words.is_german or kind in SOLID)
    if not words.has_case(start):
        return kind in SOLID
    is_rare = kind == UNKNOWN and (words.ends_clause(start) or len(words.lowers[start]) > _MOST_SMALL)
    return is_plain and (kind in SOLID or kind == MAYBE_LAST or is_rare)


def _greeted(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", ", ", ","}))
    if start is None or words.lowers[start] in _PLAIN_TITLES:
        return None
    if words.is_capital(start):
        is_name = _is_greeted_capital(words, index, start)
    elif words.has_case(start):
        is_name = _is_greeted_small(words, start)
    else:
        is_name = words.kind(start) in SOLID or (
            words.kind(start) in MAYBE | {UNKNOWN} and words.ends_clause(start) and words.begins_sentence(index)
        )
    return (start, name_end(words, start)) if is_name else None


def _is_greeted_capital(words: Words, index: int, start: int) -> bool:
    kind = words.kind(start)
    if kind in SOLID:
        return True
    if kind == MAYBE_FIRST:
        return words.ends_clause(start) or (not words.is_german and words.lowers[start] not in lexicon().ordinary)
    opens = any(words.begins_sentence(at) for at in range(max(0, index - _LONGEST_GREETING), index + 1))
    if kind == UNKNOWN and words.ends_clause(start) and opens:
        return True
    return kind not in {ORDINARY, PLACE} and next_belongs(words, start) and not is_brand(words, start, start + 2)


def _is_greeted_small(words: Words, start: int) -> bool:
    if words.kind(start) == "F" and len(words.lowers[start]) >= _LEAST_SMALL:
        return words.gap(start) == " " or words.ends_clause(start)
    return (
        words.lowers[start] in also_words()
        and words.lowers[start] not in lexicon().ordinary
        and start + 1 == len(words)
        and words.gap(start) == " "
    )


_FINDERS: Final[dict[str, Callable[[Words, int], Range | None]]] = {
    INTRODUCTION: _introduced,
    WEAK: _weakly_introduced,
    BEFORE: _after_person,
    TITLE: _titled,
    GREETING: _greeted,
    SIGN_OFF: signed,
}
