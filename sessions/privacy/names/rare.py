"""Names of words that are no names for sure: rare ones, and such as are ordinary words too."""

import re
from typing import Final

from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.taking import MAYBE, Range
from sessions.privacy.names.things import ARTICLES
from sessions.privacy.names.words import MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, UNKNOWN, Words

_AGE: Final = re.compile(
    r",? \(?(?:aged |âgée? de |de |i moshës )?[1-9]\d(?: (?:years|ans|años|anos|anni|jahre|lat|år|let|лет|рок|jaar|yaşında|éves|ani|ετών|-year))?(?:[,.;)]|\Z| (?:years|ans|años|anos|anni))"
)
MODALS: Final = frozenset(
    "can could will would kan kann könnte czy может ли може чи puede podría pode poderia può potrebbe peut poate "
    "může môže voiko apakah bisakah could".split()
)
_DONE_BY_THINGS: Final = frozenset(
    "be ship deliver work fit run connect play support be's werden wird funktionieren".split()
)
_FIRST_WORDS = 3
_SHORT_MESSAGE = 7  # words; in so few a word that may be a name needs a cue
_PAIR: Final = range(2, 4)
LONG_NOUN = 11
LEAST_LETTERS = 3
_LONGEST_ABBREVIATION = 3


def ambiguous_name(words: Words, start: int, kinds: list[str]) -> Range | None:
    """The name in a run without one for sure: two such words together, or one where the sentence speaks of a person."""
    if words.is_german:
        return _rare_pair(words, start, kinds)
    for place in range(len(kinds)):
        length = _ambiguous_length(words, start + place, kinds[place:])
        if length:
            return start + place, start + place + length
    if _has_age(words, start + len(kinds)) and kinds[-1] in {UNKNOWN, MAYBE_LAST}:
        return start + (kinds[0] in {ORDINARY, PLACE}), start + len(kinds)
    if kinds == [UNKNOWN] and _is_asked_about(words, start):
        return start, start + 1
    return _rare_pair(words, start, kinds)


def _ambiguous_length(words: Words, index: int, kinds: list[str]) -> int:
    """How many words from this one on are a name, its first being a first name that is a word too."""
    following = kinds[1] if len(kinds) > 1 else ""
    if kinds[0] == PLACE and following == MAYBE_LAST and words.lowers[index] in lexicon().ambiguous_first:
        return 2
    if kinds[0] != MAYBE_FIRST:
        return 0
    if following:
        return 1 + _count_names(kinds[1:]) if following in MAYBE | {UNKNOWN} else 0
    is_told = len(words) > _SHORT_MESSAGE and "?" not in words.reading.text
    return int(is_told and words.is_alone(index) and not words.begins_sentence(index) and is_long_enough(words, index))


def _count_names(kinds: list[str]) -> int:
    return next((place for place, kind in enumerate(kinds) if kind not in MAYBE | {UNKNOWN}), len(kinds))


def _has_age(words: Words, end: int) -> bool:
    """'Torquil Macrae, 61, was seen'."""
    return (
        words.after(end - 1).startswith((",", " ("))
        and _AGE.match(words.reading.lower, words.ends[end - 1]) is not None
    )


# 'Can Lorcan come on Thursday?'


def _is_asked_about(words: Words, index: int) -> bool:
    if not index or words.gap(index) != " " or words.lowers[index - 1] not in MODALS or index > _FIRST_WORDS:
        return False
    text = words.reading.text[words.starts[index] + 1 : words.ends[index]]
    following = words.lowers[index + 1] if index + 1 < len(words) else ""
    return text.islower() and following not in _DONE_BY_THINGS and not words.is_capital(min(index + 1, len(words) - 1))


def _rare_pair(words: Words, start: int, kinds: list[str]) -> Range | None:
    """Two or three rare words with a capital, where nothing speaks of a thing."""
    if len(kinds) not in _PAIR or any(kind != UNKNOWN for kind in kinds):
        return None
    end = start + len(kinds)
    if words.begins_sentence(start) and (words.is_german or not words.is_english):
        return None
    if not all(_looks_plain(words, at) for at in range(start, end)) or _is_said_of_thing(words, start, end):
        return None
    return start, end


def _looks_plain(words: Words, index: int) -> bool:
    text = words.reading.text[words.starts[index] + 1 : words.ends[index]]
    is_long = words.is_german and len(text) >= LONG_NOUN
    return text.replace("-", "").islower() and len(text) >= LEAST_LETTERS - 1 and not is_long


def _is_said_of_thing(words: Words, start: int, end: int) -> bool:
    """A question for it, an article or a verb of having before it, a number behind it."""
    before = words.lowers[start - 1] if start and words.gap(start) == " " else ""
    following = words.after(end - 1).lstrip(" ")[:1]
    return (
        "?" in words.reading.text or before in ARTICLES or before in _HAVING or following.isdigit() or following == "&"
    )


_HAVING: Final = frozenset(
    "have has had bought buy sell sells ordered order use uses using wear want wants need needs love prefer like got get stock "
    "via on with looking for habe kaufen gekauft bestellt nutze suche tengo compré uso quiero busco tenho comprei uso quero "
    "ho comprato uso cerco heb gekocht gebruik mam kupiłem kupiłam używam у купил купила использую har köpte købte olen".split()
)


def is_long_enough(words: Words, index: int) -> bool:
    """Short words in capitals are abbreviations."""
    if words.ends[index] - words.starts[index] <= _LONGEST_ABBREVIATION and words.is_upper(index):
        return False
    return words.ends[index] - words.starts[index] >= LEAST_LETTERS or words.lowers[index] in {
        "jo",
        "al",
        "ed",
        "bo",
        "cy",
    }
