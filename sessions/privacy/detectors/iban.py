"""International bank account numbers, checked by ``stdnum``: length and form of the country, and mod 97."""

import re
from collections.abc import Iterator
from typing import Final

from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

# The registry's lengths. Needed to know where the number ends and the sentence goes on.
_LENGTHS: Final = {
    code: length
    for length, codes in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV", 22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
        33: "RU",
    }.items()
    for code in codes.split()
}  # fmt: skip
_BEGIN = re.compile(r"(?<![A-Za-z0-9])([A-Za-z]{2})[ \-]?\d[ ]?\d(?=[ \-.]{0,2}[A-Za-z0-9])")
_ALNUM = re.compile(r"[A-Za-z0-9]")
_ALNUMS = re.compile(r"[A-Za-z]{2}\d{2}(?=[A-Za-z]{0,4}\d{8})[A-Za-z0-9]{11,30}(?![A-Za-z0-9])")
_LONGEST = 33
_SEPARATORS = frozenset(" -.\t\n")


def find_ibans(reading: Reading) -> Iterator[Span]:
    for begin in _BEGIN.finditer(reading.text):
        length = _LENGTHS.get(begin[1].upper())
        taken = _take(reading.text, begin.start(), length) if length else _take_unspaced(reading.text, begin.start())
        if taken is not None and _is_valid(taken[1]):
            yield Span(Kind.IBAN, begin.start(), taken[0], taken[1])


def _take(text: str, start: int, length: int) -> tuple[int, str] | None:
    """The next ``length`` letters and digits, with at most two separators in a row; and where they end."""
    taken: list[str] = []
    gap = 0
    for place in range(start, min(len(text), start + 3 * _LONGEST)):
        letter = text[place]
        if _ALNUM.match(letter):
            taken.append(letter.upper())
            gap = 0
        elif letter in _SEPARATORS and gap < 2:  # noqa: PLR2004 (as the docstring says)
            gap += 1
        else:
            return None
        if len(taken) == length:
            is_whole = _ALNUM.match(text[place + 1 : place + 2]) is None
            return (place + 1, "".join(taken)) if is_whole else None
    return None


def _take_unspaced(text: str, start: int) -> tuple[int, str] | None:
    """A country that the table does not know yet: one word, and the check digits must do."""
    word = _ALNUMS.match(text, start)
    return (word.end(), word[0].upper()) if word else None


def _is_valid(compact: str) -> bool:
    from stdnum import iban  # noqa: PLC0415 (loaded when the first candidate appears)

    return iban.is_valid(compact, check_country=False)
