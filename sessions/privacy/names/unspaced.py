"""Names in scripts where no blank tells where a word ends: Chinese, Japanese, Korean, Thai."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from sessions.privacy.cues import has_cue
from sessions.privacy.names.chinese import chinese_names
from sessions.privacy.names.japanese import japanese_names
from sessions.privacy.names.korean import korean_names
from sessions.privacy.names.lexicon import lexicon
from sessions.privacy.names.thai import thai_names
from sessions.privacy.reading import Reading

Stretch = tuple[int, int]

SCRIPT: Final = re.compile("[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_HAN_OR_KANA: Final = re.compile("[\u3400-\u9fff\u3040-\u30ff]")
_KANA: Final = re.compile("[\u3041-\u30fa]")
_HANGUL: Final = re.compile("[\uac00-\ud7af]")
_THAI: Final = re.compile("[\u0e00-\u0e7f]")
_ANSWER: Final = re.compile(
    r"\s*(?:(?:我叫|我是|叫我|名字是|はい、?|私は|ええと、?|네,?\s?|저는\s|제 이름은\s|이름은\s|ผมชื่อ|ฉันชื่อ|ชื่อ|คุณ)\s?)?"
    r"([\u3400-\u9fff々\u3040-\u30ff\u30fc]{1,6}(?:[ ・][\u3400-\u9fff\u3040-\u30ff\u30fc]{1,6})?|[\uac00-\ud7af]{2,4}|[\u0e01-\u0e4e]{2,14}(?: [\u0e01-\u0e4e]{2,16})?)"
    r"(?:です|といいます|と申します|입니다|이에요|예요|요|이라고 합니다|라고 합니다|ครับ|ค่ะ)?\s*(?:[。.!！,，、]|\Z)"
)
_NO_ANSWER: Final = re.compile(
    "^(?:好|不|没|是的|对|嗯|可以|为什么|什么|はい|いいえ|なぜ|네|아니|왜|싫|ไม่|ทำไม|ครับ|ค่ะ|不想|谢谢|ありがとう|감사)"
)


def unspaced_names(reading: Reading) -> Iterator[Stretch]:
    text = reading.text
    if _HAN_OR_KANA.search(text):
        is_japanese = _KANA.search(text) is not None
        yield from japanese_names(text) if is_japanese else chinese_names(text)
        yield from _listed_names(text, is_japanese=is_japanese)
    if _HANGUL.search(text):
        yield from korean_names(text)
    if _THAI.search(text):
        yield from thai_names(text)
    yield from _answered(reading)


def _listed_names(text: str, *, is_japanese: bool) -> Iterator[Stretch]:
    """A listed surname with a listed given name behind it."""
    for start, letter in enumerate(text):
        if "\u3400" <= letter <= "\u9fff":
            end = _listed_end(text, start, is_japanese=is_japanese)
            if end is not None and text[start:end] not in lexicon().ordinary:
                yield start, end


def _listed_end(text: str, start: int, *, is_japanese: bool) -> int | None:
    for length in (3, 2) if is_japanese else (2, 1):
        if text[start : start + length] not in _surnames():
            continue
        after = start + length + (text[start + length : start + length + 1] == " ")
        for given_length in (3, 2, 1) if is_japanese else (2,):
            given = text[after : after + given_length]
            if len(given) == given_length and given in _given() and (is_japanese or not _makes_word(text, after)):
                return after + given_length
    return None


def _makes_word(text: str, after: int) -> bool:
    words = lexicon().ordinary
    return text[after - 1 : after + 1] in words or text[after : after + 2] in words


@cache
def _surnames() -> frozenset[str]:
    names = lexicon()
    return frozenset(name for name in names.last | names.ambiguous_last if "\u3400" <= name[0] <= "\u9fff")


@cache
def _given() -> frozenset[str]:
    names = lexicon()
    return frozenset(name for name in names.first | names.ambiguous_first if "\u3040" <= name[0] <= "\u9fff")


def _answered(reading: Reading) -> Iterator[Stretch]:
    if not reading.after or not has_cue("name_questions", reading.after):
        return
    match = _ANSWER.match(reading.text)
    if match and not _NO_ANSWER.match(match[1]):
        name = re.sub("(?:です|입니다|이에요|예요|ครับ|ค่ะ)$", "", match[1])
        yield match.start(1), match.start(1) + len(name)
