"""Telephone numbers.

Own candidates first, since ``phonenumbers`` is slow: a run of 6 to 15 digits with the usual separators. International
ones are taken if possible; national ones if a word for a telephone stands near, or if their grouping or a numbering plan
says so and no word for an order, a parcel or an article stands nearer.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from sessions.privacy.cues import has_cue, last_cue_end
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

_CANDIDATE: Final = re.compile(
    r"(?<![A-Za-z0-9_#$€£¥.,:/=\-])(?:\+\s?|00\s?|\(\+?)?\(?\d(?:[ ]?[.\-/()][ ]?[(]?\d|[ ]{0,2}[(]?\d|\)[ ]?[.\-/]?[ ]?\d){5,24}(?:\s?(?:ext|x|ext\.|durchwahl)\.?\s?\d{1,5})?(?![A-Za-z0-9_%€$£¥]|[.,:]\d|\s?(?:kg|px|mm|cm|km|eur|usd|x\s\d))"
)
_EXTENSION: Final = re.compile(r"\s?(?:ext|x|durchwahl)")
_DATE: Final = re.compile(
    r"(?:19|20)\d{2}[./\- ](?:0?[1-9]|1[0-2])[./\- ](?:0?[1-9]|[12]\d|3[01])(?:\D.*)?|(?:0?[1-9]|[12]\d|3[01])[./\-](?:0?[1-9]|[12]\d|3[01])[./\-](?:(?:19|20)\d{2}|\d{2})(?:\D.*)?|(?:19|20)\d{2}\s?[\-/]\s?(?:19|20)\d{2}"
)
_QUAD: Final = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_DIGITS = range(6, 16)
_LEAST_CUED = 5
_REACH = 45
_REACH_AFTER = 14
_SHAPES: Final = re.compile(
    r"\(\d{2,5}\)[ ]?\d[\d \-./]{4,12}"  # (555) 123-4567, (030) 123456, (11) 91234-5678
    r"|1?[ .\-]?[2-9]\d{2}[.\- ][2-9]\d{2}[.\- ]\d{4}"  # 555-234-5678
    r"|1?[ .\-]?\([2-9]\d{2}\)[ ]?[2-9]\d{2}[.\- ]\d{4}"
    r"|0\d(?:[ .\-]\d{2}){4}"  # 06 12 34 56 78
    r"|0\d{1,5}[ ]?[/\-][ ]?\d[\d \-/]{4,11}"  # 030/123456, 0151-23456789, 06-12345678, 090-1234-5678
    r"|0\d{1,4}[ ]\d{3,5}[ ]?\d{0,5}[ ]?\d{0,5}"  # 020 7946 0958, 0412 345 678
    r"|\d{2}[ ]9?\d{4}-\d{4}"  # 11 91234-5678
    r"|[679]\d{2}[ \-.]\d{3}[ \-.]\d{3}|[679]\d{2}(?:[ ]\d{2}){3}"  # 612 345 678
    r"|5\d{2}[ ]\d{3}[ ]\d{2}[ ]\d{2}|8[ \-]?\(?\d{3}\)?[ \-]?\d{3}[ \-]?\d{2}[ \-]?\d{2}"  # 532 123 45 67, 8 (912) 345-67-89
    r"|[6-9]\d{4}[ \-]\d{5}|1[3-9]\d[ \-]\d{4}[ \-]\d{4}|0?5\d[ \-]?\d{3}[ \-]?\d{4}|01\d[ \-]\d{3,4}[ \-]\d{4}"
    r"|\d{3}[ ]\d{3}[ ]\d{2}[ ]\d{2}|\d{2}[ ]\d{2}[ ]\d{2}[ ]\d{2}"
)
_BARE: Final = re.compile(r"0[1-9]\d{7,10}|[6-9]\d{9}|[2-9]\d{2}[2-9]\d{6}|1[3-9]\d{9}|[679]\d{8}|8\d{10}|05\d{8}")
# Numbering plans that are tried for bare numbers.
_REGIONS: Final = ("US", "GB", "DE", "FR", "ES", "IT", "IN", "BR", "PL", "NL", "RU", "CN", "JP", "TR", "AU")


def find_phones(reading: Reading) -> Iterator[Span]:
    for match in _CANDIDATE.finditer(reading.text):
        start, end = match.start(), match.start() + len(match[0].rstrip(" .-/("))
        candidate = reading.text[start:end]
        if candidate.startswith("(") and ")" not in candidate:
            start, candidate = start + 1, candidate[1:]
        digits = "".join(filter(str.isdigit, _EXTENSION.split(candidate)[0]))
        if _is_phone(reading, start, end, candidate, digits):
            yield Span(Kind.PHONE, start, end, normalised(candidate, digits))


def _is_phone(reading: Reading, start: int, end: int, candidate: str, digits: str) -> bool:
    if (
        len(digits) not in _DIGITS
        or " / " in candidate
        or _QUAD.fullmatch(candidate)
        or _DATE.fullmatch(candidate)
        or len(set(digits)) == 1
    ):
        return False
    if candidate.startswith(("+", "(+")):
        return _is_international(candidate)
    nearby = _leaning(reading, start, end)
    if nearby is not None:
        return nearby
    if candidate.startswith("00"):
        return _is_international(f"+{candidate[2:]}")
    if _SHAPES.fullmatch(_EXTENSION.split(candidate)[0]):
        return True
    return _BARE.fullmatch(candidate) is not None and _in_a_plan(candidate)


def _leaning(reading: Reading, start: int, end: int) -> bool | None:
    """What the words around say: a telephone, something else, or nothing. The nearest before it counts most."""
    before = reading.before(start, _REACH).rpartition("\n\n")[2]
    person, thing = last_cue_end("phone_cues", before), last_cue_end("number_of_thing_cues", before)
    if before.rstrip().endswith("#"):
        return False
    if person != thing:
        return person > thing
    if has_cue("phone_cues", reading.lower[end : end + _REACH_AFTER]):
        return True
    if reading.after and has_cue("phone_cues", reading.after):
        return True
    if reading.after and has_cue("number_of_thing_cues", reading.after) and "?" in reading.after:
        return False
    return None


def _is_international(candidate: str) -> bool:
    number = _parse(candidate, None)
    return number is not None and bool(_phonenumbers().is_possible_number(number))


def _in_a_plan(candidate: str) -> bool:
    return any(_is_valid(candidate, region) for region in _REGIONS)


def _is_valid(candidate: str, region: str) -> bool:
    number = _parse(candidate, region)
    return number is not None and bool(_phonenumbers().is_valid_number_for_region(number, region))


def normalised(candidate: str, digits: str) -> str:
    """E.164 where the country is told; else the digits, for '030 123' is another number in each country."""
    if candidate.lstrip("(").startswith("+"):
        return f"+{digits}".replace("+00", "+")
    return f"+{digits[2:]}" if digits.startswith("00") else digits


def _parse(candidate: str, region: str | None) -> Any:
    library = _phonenumbers()
    try:
        return library.parse(candidate.replace("(+", "+", 1).replace("(0)", ""), region)
    except library.NumberParseException:
        return None


@cache
def _phonenumbers() -> Any:
    """Loaded when the first candidate appears: it takes a tenth of a second."""
    import phonenumbers  # noqa: PLC0415 (as said)

    return phonenumbers
