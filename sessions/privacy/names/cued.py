"""Names after words that announce them: introductions, forms of address, greetings, sign-offs, kin and callers."""

from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import cue_list
from sessions.privacy.names.cue_index import BEFORE, GREETING, INTRODUCTION, SIGN_OFF, TITLE, WEAK, cues_at
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import PARTICLES, may_be_first_word, name_end
from sessions.privacy.names.words import FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

Range = tuple[int, int]

_MOST_OF_SIGNATURE = 4
_PUBLIC_TITLES: Final = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "miss",
        "dr",
        "prof",
        "frau",
        "herr",
        "herrn",
        "mme",
        "mlle",
        "monsieur",
        "madame",
        "señor",
        "señora",
        "sr",
        "sra",
        "signor",
        "signora",
        "sig",
        "dhr",
        "mevr",
        "mevrouw",
        "meneer",
        "pani",
        "господин",
        "госпожа",
        "bay",
        "bayan",
        "sayın",
    }
)
_NO_SIGNATURE: Final = frozenset(
    {
        "team",
        "support",
        "service",
        "group",
        "gmbh",
        "ltd",
        "inc",
        "iphone",
        "android",
        "the",
        "all",
        "everyone",
        "again",
    }
)
_GAPS_IN_SENTENCE: Final = frozenset(
    {" ", ": ", ":", " - ", "  ", ", ", " : ", '"', ' "', ': "', " '", "\n", ":\n", " = ", "="}
)
_LINKS: Final = frozenset(
    {
        "is",
        "ist",
        "est",
        "es",
        "é",
        "è",
        "to",
        "är",
        "er",
        "on",
        "je",
        "jest",
        "das",
        "der",
        "die",
        "el",
        "la",
        "o",
        "a",
        "il",
        "mr",
        "mrs",
        "ms",
        "dr",
        "frau",
        "herr",
        "adalah",
        "ialah",
        "là",
        "ist:",
        "von",
        "actually",
        "also",
        "just",
    }
)


def cued_names(words: Words) -> Iterator[Range]:
    for index in range(len(words)):
        for cue in cues_at(words, index):
            found = _FINDERS[cue.purpose](words, index)
            if found is not None:
                yield found


def _next(words: Words, index: int, gaps: frozenset[str] = _GAPS_IN_SENTENCE) -> int | None:
    following = index + 1
    return following if following < len(words) and words.gap(following) in gaps else None


def _introduced(words: Words, index: int) -> Range | None:
    start = _next(words, index)
    while start is not None and words.lowers[start] in _LINKS and not words.is_capital(start):
        start = _next(words, start)
    if start is None or not may_be_first_word(words, start):
        return None
    if words.kind(start) == UNKNOWN and not words.has_case(start) and not _is_lone_script_word(words, start):
        return None
    return start, _introduced_end(words, start)


def _is_lone_script_word(words: Words, start: int) -> bool:
    return len(words.lowers[start]) > 1


def _introduced_end(words: Words, start: int) -> int:
    """In small letters also an unknown second word is taken, if the clause ends there."""
    end = name_end(words, start)
    if end < len(words) and not words.is_capital(start) and words.gap(end) in {" ", "-"}:
        is_name = words.kind(end) in {UNKNOWN, FIRST, LAST, MAYBE_FIRST, MAYBE_LAST}
        if (
            is_name
            and words.ends_clause(end)
            and not (words.lowers[end] in lexicon().ordinary and words.kind(end) == UNKNOWN)
        ):
            return end + 1
    return end


def _weakly_introduced(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", "  ", ": ", " - "}))
    if start is None:
        return None
    kind = words.kind(start)
    if words.is_capital(start):
        is_name = kind in {FIRST, LAST} or (
            kind == MAYBE_FIRST and (not words.is_german or _next_is_name(words, start))
        )
        is_name = is_name or (
            kind == UNKNOWN
            and not words.is_german
            and words.ends_clause(start)
            and words.lowers[index] in _FIRST_PERSON
        )
        is_name = is_name or (
            kind in {UNKNOWN, MAYBE_LAST, PLACE} and _next_is_name(words, start) and not _is_brand_pair(words, start)
        )
    elif words.has_case(start):
        is_name = (kind == FIRST and len(words.lowers[start]) > _LEAST_SMALL) or (
            words.lowers[start] in also_words() and words.ends_clause(start) and words.lowers[index] in _FIRST_PERSON
        )
    else:
        is_name = kind in {FIRST, LAST}
    return (start, name_end(words, start)) if is_name else None


_LEAST_SMALL = 2
_FIRST_PERSON: Final = frozenset(
    {
        "im",
        "i'm",
        "am",
        "bin",
        "suis",
        "soy",
        "sou",
        "sono",
        "ben",
        "jestem",
        "я",
        "är",
        "er",
        "olen",
        "vagyok",
        "jsem",
        "sunt",
        "είμαι",
        "sam",
        "saya",
        "tôi",
        "là",
        "myself",
        "som",
        "съм",
        "це",
        "это",
    }
)


def _next_is_name(words: Words, index: int) -> bool:
    following = index + 1
    return (
        following < len(words)
        and words.continues_name(following)
        and words.is_capital(following)
        and words.kind(following) in {FIRST, LAST, MAYBE_LAST}
    )


def _is_brand_pair(words: Words, index: int) -> bool:
    return f"{words.lowers[index]} {words.lowers[index + 1]}" in cue_list("brands")


def _after_person(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", ", ", ": ", " ("}))
    while start is not None and words.lowers[start] in _TITLES_INSIDE:
        start = _next(words, start, frozenset({" ", ". ", "."}))
    if start is None or (words.begins_sentence(start) and ":" not in words.gap(start) and "(" not in words.gap(start)):
        return None
    kind = words.kind(start)
    if words.is_capital(start):
        is_name = kind in {FIRST, LAST} or (kind == MAYBE_FIRST and not words.is_german)
        is_name = is_name or (
            kind == UNKNOWN and not words.is_german and "," not in words.gap(start) and not words.begins_sentence(index)
        )
        is_name = is_name or (kind != ORDINARY and _next_is_name(words, start) and not _is_brand_pair(words, start))
    else:
        is_name = kind == FIRST and len(words.lowers[start]) > _LEAST_SMALL and words.gap(start) == " "
    return (start, name_end(words, start)) if is_name else None


_TITLES_INSIDE: Final = frozenset({"mr", "mrs", "ms", "dr", "prof", "frau", "herr", "herrn", "mme", "pan", "pani"})


def _titled(words: Words, index: int) -> Range | None:
    start = index + 1
    if start >= len(words) or words.gap(start) not in {" ", ". ", "."}:
        return None
    title = words.lowers[index]
    while words.lowers[start] in _TITLES_INSIDE and start + 1 < len(words) and words.gap(start + 1) in {" ", ". "}:
        start += 1
    if words.lowers[start] in PARTICLES and start + 1 < len(words):
        return (start, name_end(words, start + 1)) if words.is_capital(start + 1) and title in _PUBLIC_TITLES else None
    kind = words.kind(start)
    is_plain = title in _PUBLIC_TITLES
    if words.is_capital(start):
        if not is_plain and not words.is_capital(index) and kind not in {FIRST, LAST, MAYBE_FIRST, MAYBE_LAST}:
            return None
        is_name = (
            kind in {FIRST, LAST, MAYBE_FIRST, MAYBE_LAST, UNKNOWN}
            or (kind == ORDINARY and is_plain)
            or (kind == PLACE and is_plain)
        )
        if not is_plain and (kind in {UNKNOWN, PLACE} or (words.is_german and kind != LAST and kind != FIRST)):
            is_name = False
    else:
        is_name = is_plain and (
            kind in {FIRST, LAST, MAYBE_LAST}
            or (kind == UNKNOWN and words.has_case(start) and words.ends_clause(start))
        )
        is_name = is_name or (not words.has_case(start) and kind in {FIRST, LAST})
    if is_name and words.ends[start] - words.starts[start] == 1:
        is_name = start + 1 < len(words) and words.is_capital(start + 1)
    return (start, name_end(words, start)) if is_name else None


def _greeted(words: Words, index: int) -> Range | None:
    start = _next(words, index, frozenset({" ", ", ", ","}))
    if start is None or words.lowers[start] in _PUBLIC_TITLES:
        return None
    kind = words.kind(start)
    if words.is_capital(start):
        is_name = kind in {FIRST, LAST} or (
            (kind == MAYBE_FIRST
            and not words.is_german
            and words.lowers[start] not in lexicon().ordinary)
            or (kind == MAYBE_FIRST
            and words.ends_clause(start))
        )
        is_name = is_name or (
            kind == UNKNOWN
            and words.ends_clause(start)
            and not words.is_german
            and words.gap(start) == " "
            and words.begins_sentence(index - _length_before(words, index))
        )
        is_name = is_name or (kind not in {ORDINARY, PLACE} and _next_is_name(words, start))
    elif words.has_case(start):
        is_name = (
            kind == FIRST
            and len(words.lowers[start]) > _LEAST_SMALL
            and (words.gap(start) == " " or words.ends_clause(start))
        ) or (
            words.lowers[start] in also_words()
            and start + 1 == len(words)
            and words.gap(start) == " "
            and words.lowers[start] not in _NOT_GREETED
        )
    else:
        is_name = kind in {FIRST, LAST}
    return (start, name_end(words, start)) if is_name else None


_NOT_GREETED: Final = frozenset(
    {
        "will",
        "may",
        "mai",
        "can",
        "max",
        "sol",
        "mar",
        "or",
        "claude",
        "alexa",
        "siri",
        "paris",
        "summer",
        "april",
        "june",
        "sky",
        "hope",
        "joy",
        "love",
        "nur",
        "ola",
        "rich",
        "miles",
        "mark",
        "chip",
        "frank",
        "sam",
        "ali",
        "kim",
        "lee",
        "mina",
        "марк",
        "света",
    }
)


def _length_before(words: Words, index: int) -> int:
    """How many words of a greeting stand before its last one, at most two."""
    return (
        0
        if words.begins_sentence(index)
        else 1
        if index and words.begins_sentence(index - 1)
        else 2
        if index > 1
        else 0
    )


def _signed(words: Words, index: int) -> Range | None:
    """What stands between the farewell and the end of the message, if it is short and nothing but a name."""
    start = index + 1
    remaining = len(words) - start
    if (
        remaining < 1
        or words.gap(start).strip(" ,.!\n-~*:")
        or (not words.gap(start).strip(" ")
        and words.gap(start) != " ")
    ):
        return None
    end = start
    while end < len(words) and end - start < _MOST_OF_SIGNATURE and (end == start or "\n" not in words.gap(end)):
        if words.lowers[end] in _NO_SIGNATURE:
            return None
        end += 1
    if end < len(words) and "\n" not in words.gap(end):
        return None
    is_line = "\n" in words.gap(start)
    if all(_may_sign(words, at, is_line=is_line) for at in range(start, end)) and (
        is_line or words.gap(start) != " " or words.is_capital(start) or words.kind(start) == FIRST
    ):
        return start, end
    return None


def _may_sign(words: Words, index: int, *, is_line: bool) -> bool:
    kind = words.kind(index)
    if words.ends[index] - words.starts[index] == 1:
        return words.is_capital(index)
    if words.is_capital(index) or not words.has_case(index):
        return kind in {FIRST, LAST, MAYBE_FIRST, MAYBE_LAST} or (
            kind == UNKNOWN and (is_line or "," in words.gap(index) or words.continues_name(index))
        )
    if kind in {FIRST, LAST}:
        return True
    return (
        words.lowers[index] in PARTICLES
        or (words.lowers[index] in also_words() and words.lowers[index] not in _NOT_GREETED)
        or (is_line and kind == UNKNOWN and words.begins_sentence(index))
    )


@cache
def also_words() -> frozenset[str]:
    return frozenset(cue_list("words_also_names"))


_FINDERS: Final = {
    INTRODUCTION: _introduced,
    WEAK: _weakly_introduced,
    BEFORE: _after_person,
    TITLE: _titled,
    GREETING: _greeted,
    SIGN_OFF: _signed,
}
