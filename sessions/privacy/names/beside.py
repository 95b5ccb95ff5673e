"""Names before words that tell of them: ``İlker Bey``, ``tom here``, ``Pemberton told``."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.cued import greeting_words
from sessions.privacy.names.taking import MAYBE, SOLID, Range, name_end
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, ORDINARY, PLACE, UNKNOWN, Words

_SUFFIXED_TITLES: Final = frozenset(["bey", "hanım", "beyefendi", "hanımefendi", "जी", "साहब", "साहिब"])
_SUFFIXED_NAMES: Final = frozenset({"úr", "asszony", "kisasszony"})
_IN_THE_NAME: Final = frozenset({"adına", "ismine", "adlı", "isimli", "nimellä", "नाम"})
_PRESENT: Final = frozenset({"here", "hier", "vagyok"})
_LONGEST_GREETING = 3
_LEAST = 3


def names_beside(words: Words) -> Iterator[Range]:
    for index, low in enumerate(words.lowers):
        if low in _cues():
            found = _beside(words, index, low)
            if found is not None:
                yield found


@cache
def _said() -> frozenset[str]:
    return frozenset(cue_list("said"))


@cache
def _cues() -> frozenset[str]:
    return frozenset(cue_list("after_names")) | _SUFFIXED_TITLES | _SUFFIXED_NAMES | _IN_THE_NAME | _said()


def _beside(words: Words, index: int, low: str) -> Range | None:
    if low in _said():
        return _speaker(words, index)
    if not index or words.gap(index) != " ":
        return None
    if low in _IN_THE_NAME:
        return _in_whose_name(words, index)
    kind = words.kind(index - 1)
    if low in _SUFFIXED_TITLES:
        is_name = kind not in {ORDINARY, PLACE} and (words.is_capital(index - 1) or not words.has_case(index - 1))
    elif low in _SUFFIXED_NAMES:
        is_name = kind in SOLID
    else:
        is_name = _is_caller(words, index, low)
    return (_first_of_name(words, index - 1), index) if is_name else None


def _in_whose_name(words: Words, index: int) -> Range | None:
    """The name before 'in the name of', which follows it in Turkish, Finnish and Hindi."""
    if words.lowers[index] == "नाम":
        if words.lowers[index - 1] != "के":
            return None
        index -= 1
    at = index - 1
    if at < 0 or words.gap(index) != " " or words.kind(at) in {ORDINARY, PLACE}:
        return None
    is_name = words.is_capital(at) or not words.has_case(at)
    return (_first_of_name(words, at), index) if is_name else None


def _first_of_name(words: Words, index: int) -> int:
    is_two = index and words.continues_name(index) and words.is_capital(index - 1) and words.is_capital(index)
    return index - 1 if is_two and words.kind(index - 1) not in {ORDINARY, PLACE} else index


def _is_caller(words: Words, index: int, low: str) -> bool:
    at = index - 1
    kind = words.kind(at)
    is_present = low in _PRESENT
    if not _opens_message(words, _first_of_name(words, at)) or not (words.ends_clause(index) or is_present):
        return False
    if kind == FIRST or (kind == MAYBE_FIRST and (words.is_capital(at) or words.ends_clause(index))):
        return True
    return kind in {LAST, UNKNOWN} and is_present and words.has_case(at) and words.ends_clause(index)


def _opens_message(words: Words, index: int) -> bool:
    return index <= _LONGEST_GREETING and all(words.lowers[at] in greeting_words() for at in range(index))


def _speaker(words: Words, index: int) -> Range | None:
    if index and words.gap(index) == " " and _may_speak(words, index - 1):
        return index - 1, index
    if words.lowers[index] in _BOUGHT:
        return None
    start = index + 1
    is_behind = (
        start < len(words) and words.gap(start) == " " and _may_speak(words, start) and not words.is_capital(index)
    )
    if is_behind and (not words.is_german or words.kind(start) != UNKNOWN or words.lowers[index] in _GERMAN_SAID):
        return start, name_end(words, start)
    return None


_BOUGHT: Final = frozenset(
    "bought ordered forgot lives signed married paid kaufte bestellte compró pidió comprou pediu acheté commandé comprato "
    "ordinato kocht bestelde kupił kupiła zamówił zamówiła купил купила заказал заказала замовив замовила köpte beställde "
    "købte bestilte kjøpte osti tilasi".split()
)
_GERMAN_SAID: Final = frozenset({"sagte", "meinte", "erklärte", "fragte", "antwortete"})


def _may_speak(words: Words, index: int) -> bool:
    kinds = SOLID | {MAYBE_FIRST, UNKNOWN} if not words.is_german else SOLID | MAYBE | {UNKNOWN}
    is_plain = words.reading.text[words.starts[index] + 1 : words.ends[index]].replace("-", "").islower()
    is_plain = is_plain or words.kind(index) in SOLID
    return words.is_capital(index) and is_plain and words.kind(index) in kinds and len(words.lowers[index]) >= _LEAST
