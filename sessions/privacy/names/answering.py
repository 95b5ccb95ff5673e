"""The answer to an assistant's question for the name."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list, has_cue
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.unspaced import SCRIPT
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

_MOST_WORDS = 4
_REFUSALS: Final = frozenset(
    "why no none nope nothing later skip anonymous rather prefer don't warum nein pourquoi non porque por qué "
    "perché dlaczego nie зачем нет почему because what who idea secret private नहीं क्यों لا لماذا ليس لن לא למה không nein "
    "keine keinen nada ninguno nessuno nenhum geen nee nej nei ei en hayır yok όχι γιατί nem ne nu tidak bukan miksi "
    "proč varför hvorfor neden waarom sao gì được rồi có hi hello thanks thank sister brother wife husband".split()
)


def answered_names(words: Words) -> Iterator[tuple[int, int]]:
    after = words.reading.after
    if not after or not has_cue("name_questions", after):
        return
    start = _first_of_answer(words)
    if start < len(words) and SCRIPT.match(words.lowers[start]):
        return
    end = start
    while end < len(words) and end - start < _MOST_WORDS + 1 and (end == start or _joins(words, end)):
        end += 1
    if start < end <= start + _MOST_WORDS and _is_name(words, start, end):
        yield start, end


def _first_of_answer(words: Words) -> int:
    index = 0
    while (
        index < len(words)
        and words.lowers[index] in _fillers()
        and not (words.is_capital(index) and index and not words.begins_sentence(index))
    ):
        index += 1
    return index


def _joins(words: Words, index: int) -> bool:
    return words.continues_name(index) or words.gap(index) in {". ", "  ", "\u3000", "\xb7"}


def _is_name(words: Words, start: int, end: int) -> bool:
    if any(words.lowers[index] in _REFUSALS for index in range(start, end)):
        return False
    is_only_answer = end == len(words) or words.ends_clause(end - 1)
    kinds = [words.kind(index) for index in range(start, end)]
    if not is_only_answer:
        return False
    plausible = sum(kind in {FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, UNKNOWN} for kind in kinds)
    plausible += sum(
        kind == PLACE and lexicon().is_any(words.lowers[start + place]) for place, kind in enumerate(kinds)
    )
    if len(kinds) == 1 and kinds[0] in {ORDINARY, PLACE} and words.is_capital(start) and end == len(words):
        return words.lowers[start] not in _cue_words()
    capital = sum(
        kind == ORDINARY and words.is_capital(start + place) and end - start > 1 for place, kind in enumerate(kinds)
    )
    return plausible > 0 and plausible + capital == len(kinds)


@cache
def _cue_words() -> frozenset[str]:
    lists = ("answer_fillers", "greetings", "signoffs", "not_a_secret")
    return frozenset(cue for name in lists for cue in cue_list(name)) | _REFUSALS


@cache
def _fillers() -> frozenset[str]:
    return frozenset(cue_list("answer_fillers"))
