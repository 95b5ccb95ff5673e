"""All ways to find names in one reading, and the session's memory of them."""

import re
from collections.abc import Iterable
from functools import lru_cache

from sessions.privacy.kinds import Kind
from sessions.privacy.names.answering import answered_names
from sessions.privacy.names.beside import names_beside
from sessions.privacy.names.cued import cued_names
from sessions.privacy.names.heard import HeardNames
from sessions.privacy.names.runs import capital_names, small_names
from sessions.privacy.names.unspaced import SCRIPT, unspaced_names
from sessions.privacy.names.words import MAYBE_FIRST, MAYBE_LAST, ORDINARY, PLACE, Words
from sessions.privacy.reading import Reading, Span


def find_names(reading: Reading, heard: HeardNames) -> None:
    """Claim the names in the reading, and remember them for what is still to be read."""
    _claim_known(reading, heard)
    if not reading.text.isascii() and SCRIPT.search(reading.text):
        for start, end in unspaced_names(reading):
            if _claim(reading, start, end):
                heard.learn([reading.lower[start:end]])
    words = Words(reading)
    if not len(words):
        return
    for found in (answered_names, cued_names, names_beside, capital_names, small_names):
        _claim_all(words, found(words), heard)
    if heard:
        _claim_heard(words, heard)


def _claim_all(words: Words, ranges: Iterable[tuple[int, int]], heard: HeardNames) -> None:
    for start, end in ranges:
        if _claim(words.reading, words.starts[start], words.ends[end - 1]):
            heard.learn(words.lowers[start:end])


def _claim(reading: Reading, start: int, end: int) -> bool:
    value = " ".join(reading.lower[start:end].split())
    return reading.claim(Span(Kind.NAME, start, end, value))


def _claim_known(reading: Reading, heard: HeardNames) -> None:
    for phrase, value in heard.phrases.items():
        if phrase.split(" ")[0] not in reading.lower:
            continue
        for match in _phrase_pattern(phrase).finditer(reading.lower):
            reading.claim(Span(Kind.NAME, match.start(), match.end(), value))


@lru_cache(maxsize=1024)
def _phrase_pattern(phrase: str) -> re.Pattern[str]:
    words = r"[\s_.\-]{1,3}".join(map(re.escape, phrase.split(" ")))
    return re.compile(words if SCRIPT.search(phrase) else rf"(?<!\w){words}(?!\w)")


def _is_written_as_name(words: Words, index: int) -> bool:
    """With a capital that does not come from the sentence's beginning, unless somebody is spoken to there."""
    if not words.is_capital(index):
        return False
    is_ordinary = words.kind(index) in {ORDINARY, PLACE, MAYBE_FIRST, MAYBE_LAST}
    return not (is_ordinary and words.begins_sentence(index)) or words.after(index).startswith((",", "!"))


def _claim_heard(words: Words, heard: HeardNames) -> None:
    reading = words.reading
    for index, low in enumerate(words.lowers):
        value = heard.value_of(low, is_capital=_is_written_as_name(words, index))
        if value is not None:
            reading.claim(Span(Kind.NAME, words.starts[index], words.ends[index], value))
    if SCRIPT.search(reading.text):
        for word, value in heard.words.items():
            if SCRIPT.search(word):
                for match in re.finditer(re.escape(word), reading.lower):
                    reading.claim(Span(Kind.NAME, *match.span(), value))
