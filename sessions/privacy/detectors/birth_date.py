"""Dates of birth: any date near a word for being born. Other dates stay."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.cues import cue_pattern, has_cue
from sessions.privacy.folding import BARRIER
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_MONTH = r"[^\W\d_]{3,14}\.?"
_YEAR = r"(?:(?:18|19|20)\d{2}|'\d{2})"
_DAY = r"(?:0?[1-9]|[12]\d|3[01])"
_OF = r"(?:of|de|del|di|van|do)"
_DATE: Final = re.compile(
    rf"""(?<![A-Za-z0-9])(?:
      (?:18|19|20|13|14|24|25)\d{{2}}\s?[./\-]\s?\d{{1,2}}\s?[./\-]\s?\d{{1,2}}\.?
    | \d{{1,2}}\s?[./\-]\s?\d{{1,2}}\s?[./\-]\s?(?:\d{{4}}|\d{{2}})
    | (?:\d{{4}}|[明大昭平令][治正和成]\d{{1,2}}|[\u0e00-\u0e7f.]{{0,5}}\d{{2,4}})\s?[年년]\s?\d{{1,2}}\s?[月월]\s?\d{{1,2}}\s?[日号일]?
    | \d{{2}}\s?[年년]\s?\d{{1,2}}\s?[月월]\s?\d{{1,2}}\s?[日号일]?
    | {_DAY}(?:st|nd|rd|th|er|\.|º|°|ter|e|-го|-е)?\s{{1,2}}(?:{_OF}\s)?(?:the\s)?{_MONTH},?\s{{0,2}}(?:{_OF}\s|del?\s|year\s)?{_YEAR}
    | {_MONTH}\s(?:the\s)?{_DAY}(?:st|nd|rd|th)?,?\s{{1,2}}{_YEAR}
    | {_DAY}[\-/]{_MONTH}[\-/](?:{_YEAR}|\d{{2}})
    | {_YEAR}\.?\s{_MONTH}\s{_DAY}\.?
    | \S{{2,14}}\s{{0,1}}ngày\s{_DAY}\stháng\s\d{{1,2}}\snăm\s\d{{4}} | {_DAY}\stháng\s\d{{1,2}}(?:,?\snăm)?\s\d{{4}}
    | {_DAY}\s[^\s\d]{{2,14}}\s(?:พ\.ศ\.\s?|ค\.ศ\.\s?)?\d{{4}}
    | (?:19|20)\d{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])
    | (?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])(?:19|20)\d{{2}}
    | \d{{2}}\s\d{{2}}\s(?:19|20)\d{{2}}
    )(?!\d)""",
    re.VERBOSE | re.IGNORECASE,
)
_MONTHS = (
    r"jan(?:uary|uar)?|feb(?:ruary|ruar)?|mar(?:ch)?|märz|apr(?:il)?|may|mai|june?|juni|july?|juli|aug(?:ust)?|sept?(?:ember)?|o[ck]t(?:ober)?|nov(?:ember)?|de[cz](?:ember)?"
    r"|janvier|février|mars|avril|juin|juillet|août|septembre|octobre|novembre|décembre"
    r"|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
    r"|janeiro|fevereiro|março|maio|junho|julho|setembro|outubro|dezembro"
    r"|gennaio|febbraio|aprile|maggio|giugno|luglio|settembre|ottobre|dicembre|января|февраля|марта|апреля|мая|июня|июля|августа|сентября|октября|ноября|декабря"
)
_DAY_OF_YEAR: Final = re.compile(
    rf"(?<!\w)(?:(?:the\s)?{_DAY}(?:st|nd|rd|th|\.)?\s(?:{_OF}\s)?(?:{_MONTHS})|(?:{_MONTHS})\s(?:the\s)?{_DAY}(?:st|nd|rd|th)?)(?!\w)"
    r"|\d{1,2}\s?[月월]\s?\d{1,2}\s?[日号일]|(?<![\d./\-])\d{1,2}[./]\d{1,2}\.?(?![\d./%])"
)
_REACH = 40
_REACH_BACK = 14
_BACKWARD_CUE = re.compile(
    r"\s{0,2}(?:生まれ|出生|생|년생|に生まれ|에 태어|doğumlu|születés|-ben születtem|-én születtem|syntynyt)"
)
_NOT_BETWEEN = re.compile(rf"[!?;{BARRIER}]|\.\s{{1,3}}[^\W\d]|\n\s*\n")


def find_birth_dates(reading: Reading) -> Iterator[Span]:
    is_cued = reading.may_hold("birth_cues")
    starts = [cue.end() for cue in cue_pattern("birth_cues").finditer(reading.lower)] if is_cued else []
    if reading.after and has_cue("birth_cues", reading.after):
        starts.insert(0, 0)
    for start in starts:
        stretch_end = min(len(reading.text), start + 2 * _REACH)
        date = _DATE.search(reading.text, start, stretch_end) or _DAY_OF_YEAR.search(reading.lower, start, stretch_end)
        if date and date.start() - start <= _REACH and not _NOT_BETWEEN.search(reading.text, start, date.start()):
            yield _span(reading, *date.span())
    if starts:
        yield from _before_cues(reading)


def _before_cues(reading: Reading) -> Iterator[Span]:
    """``1985年3月12日生まれ``"""
    for date in _DATE.finditer(reading.text):
        if _BACKWARD_CUE.match(reading.lower, date.end()):
            yield _span(reading, *date.span())


def _span(reading: Reading, start: int, end: int) -> Span:
    return Span(Kind.BIRTH_DATE, start, end, " ".join(reading.lower[start:end].split()))
