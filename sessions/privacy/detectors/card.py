"""Payment card numbers: the ranges in use today, checked by Luhn; after a word for a card also mistyped ones."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Final

from sessions.privacy.cues import has_cue
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

# (first number of the range, last, allowed lengths); the ends have the same count of digits.
_RANGES: Final = (
    ("2200", "2204", (16, 17, 18, 19)),  # Mir
    ("2221", "2720", (16,)),  # Mastercard
    ("300", "305", (14, 16, 19)),  # Diners Club
    ("3095", "3095", (14, 16, 19)),
    ("34", "34", (15,)),  # American Express
    ("3500", "3599", (16, 17, 18, 19)),  # JCB, RuPay and LankaPay; JCB begins with 3528
    ("1800", "1800", (15,)),  # JCB of old
    ("2131", "2131", (15,)),
    ("36", "36", (14, 16, 19)),
    ("37", "37", (15,)),
    ("38", "39", (14, 16, 19)),
    ("4", "4", (13, 16, 19)),  # Visa
    ("50", "50", (12, 13, 14, 15, 16, 17, 18, 19)),  # Maestro, Verve, Elo, RuPay
    ("51", "55", (16,)),
    ("56", "59", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("60", "60", (16, 17, 18, 19)),  # Discover, RuPay, Hipercard
    ("62", "62", (16, 17, 18, 19)),  # UnionPay
    ("63", "63", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("64", "65", (16, 17, 18, 19)),
    ("66", "69", (12, 13, 14, 15, 16, 17, 18, 19)),
    ("81", "82", (16, 17, 18, 19)),
    ("8600", "8600", (16,)),  # Uzcard
    ("9704", "9704", (16, 19)),  # Napas
    ("9792", "9792", (16,)),  # Troy
    ("9860", "9860", (16,)),  # Humo
)
_LONGEST = 19
_SHORTEST = 12
_CUE_REACH = 40
_RUN = re.compile(r"(?<![A-Za-z0-9_])\d(?:[ .\-_/\t\n\xb7]{0,3}\d){11,}")
_GROUP = re.compile(r"\d+")
_LENGTH_OF_FOURS = 17
_FOURS = re.compile(r"\d{4}[ \-.]\d{4}[ \-.]\d{4}[ \-.]\d{4}\b|\d{4}[ \-.]\d{6}[ \-.]\d{5}\b")
_DOUBLED = tuple(sum(divmod(2 * digit, 10)) for digit in range(10))


def find_cards(reading: Reading) -> Iterator[Span]:
    for run in _RUN.finditer(reading.text):
        yield from _in_run(reading, run.start(), run.end())


def _in_run(reading: Reading, start: int, end: int) -> Iterator[Span]:
    """A run may hold more than the card: an expiry date, a code, another number. Cards begin and end with a group."""
    groups = [match.span() for match in _GROUP.finditer(reading.text, start, end)]
    first = 0
    while first < len(groups):
        last = _last_group_of_card(reading, groups, first)
        if last is None:
            first += 1
            continue
        yield _span(reading, groups[first][0], groups[last][1])
        first = last + 1


def _last_group_of_card(reading: Reading, groups: list[tuple[int, int]], first: int) -> int | None:
    digits, found = "", None
    for index in range(first, min(len(groups), first + _LONGEST)):
        digits += reading.text[groups[index][0] : groups[index][1]]
        if len(digits) > _LONGEST:
            break
        if len(digits) >= _SHORTEST and (is_card(digits) or _is_mistyped(reading, groups[first][0], groups[index][1])):
            found = index
    return found


@cache
def _forms() -> re.Pattern[str]:
    """The ranges as one pattern, since it is tried at every group of a long row of digits."""
    alternatives = []
    for low, high, lengths in _RANGES:
        beginnings = "|".join(str(number) for number in range(int(low), int(high) + 1))
        rests = "|".join(rf"\d{{{length - len(low)}}}" for length in sorted(lengths, reverse=True))
        alternatives.append(f"(?:{beginnings})(?:{rests})")
    return re.compile("|".join(alternatives))


def is_card(digits: str) -> bool:
    return _forms().fullmatch(digits) is not None and is_luhn(digits)


def is_luhn(digits: str) -> bool:
    backwards = [int(digit) for digit in reversed(digits)]
    return (sum(backwards[::2]) + sum(_DOUBLED[digit] for digit in backwards[1::2])) % 10 == 0 and any(
        one != other for one, other in pairwise(digits)
    )


def _is_mistyped(reading: Reading, start: int, end: int) -> bool:
    if end - start < _LENGTH_OF_FOURS or _FOURS.fullmatch(reading.text, start, end) is None:
        return False
    return has_cue("card_cues", reading.before(start, _CUE_REACH)) or has_cue("card_cues", reading.after)


def _span(reading: Reading, start: int, end: int) -> Span:
    digits = "".join(_GROUP.findall(reading.text, start, end))
    return Span(Kind.CARD, start, end, digits)
