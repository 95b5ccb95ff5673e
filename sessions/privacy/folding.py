"""Text as the detectors read it: without invisible characters, with plain spaces, dashes, digits and letters.

Where a character stands is remembered, so that what a detector finds can be cut out of the original.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final, NamedTuple

BARRIER: Final = "\ue000"
"""Stands in folded text for every character of a placeholder. Private use: part of no word, number or address."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0"
)
_MARKS = "\u0300-\u036f\u3099\u309a"
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63\uff0d"
_APOSTROPHES = "\u2018\u2019\u02bc\u00b4\uff07"
_DOTS = "\uff0e\u2024\ufe52"
_ODD_ASTRAL = re.compile("[\U0001d400-\U0001d7ff\U000e0000-\U000e01ff]")
# Where compatible forms stand. Not among them: fractions and signs such as № and ™, which would turn into words.
_COMPATIBLE = (
    (0x00A0, 0x00A1), (0x0660, 0x066A), (0x06F0, 0x06FA), (0x07C0, 0x07CA), (0x0966, 0x0970), (0x09E6, 0x09F0),
    (0x0A66, 0x0A70), (0x0AE6, 0x0AF0), (0x0B66, 0x0B70), (0x0BE6, 0x0BF0), (0x0C66, 0x0C70), (0x0CE6, 0x0CF0),
    (0x0D66, 0x0D70), (0x0E50, 0x0E5A), (0x0ED0, 0x0EDA), (0x0F20, 0x0F2A), (0x1040, 0x104A), (0x17E0, 0x17EA),
    (0x1680, 0x1681), (0x2000, 0x200B), (0x202F, 0x2030), (0x205F, 0x2060), (0x2070, 0x2072), (0x2074, 0x207A),
    (0x2080, 0x208A), (0x2460, 0x2469), (0x24B6, 0x24EA), (0x3000, 0x3001), (0xFB00, 0xFB07), (0xFE50, 0xFE70),
    (0xFF01, 0xFFEF), (0x1D400, 0x1D800),
)  # fmt: skip


class Folded(NamedTuple):
    text: str
    places: Sequence[int]
    """For each character of ``text`` its place in the original."""

    def original(self, start: int, end: int) -> tuple[int, int]:
        """The stretch of the original that became ``text[start:end]``, without what is invisible around it."""
        return self.places[start], self.places[end - 1] + 1


def fold(text: str) -> Folded:
    """Linear in the length of the text. Text with nothing odd in it, the common case, is returned as it is."""
    if text.isascii() or (_odd().search(text) is None and _ODD_ASTRAL.search(text) is None):
        return Folded(text, range(len(text)))
    letters: list[str] = []
    places: list[int] = []
    invisible, plain_forms = _invisible(), _plain_forms()
    for place, letter in enumerate(text):
        if letter.isascii():
            letters.append(letter)
            places.append(place)
        elif not invisible.match(letter) and not _joined_with_last(letters, letter):
            plain = plain_forms.get(letter, letter)
            letters += plain
            places += [place] * len(plain)
    return Folded("".join(letters), places)


def _joined_with_last(letters: list[str], mark: str) -> bool:
    """Whether the mark became one character with the letter before it."""
    if not letters or not unicodedata.combining(mark):
        return False
    joined = unicodedata.normalize("NFC", letters[-1] + mark)
    if len(joined) == 1:
        letters[-1] = joined
    return len(joined) == 1


@cache
def _plain_forms() -> dict[str, str]:
    table = dict(_compatible_forms())
    table["\u0130"] = "I"  # would be two characters once made small
    table |= dict.fromkeys(_DASHES, "-") | dict.fromkeys(_APOSTROPHES, "'") | dict.fromkeys(_DOTS, ".")
    return table


def _compatible_forms() -> Iterator[tuple[str, str]]:
    for start, stop in _COMPATIBLE:
        for letter in map(chr, range(start, stop)):
            category = unicodedata.category(letter)
            plain = str(unicodedata.decimal(letter)) if category == "Nd" else unicodedata.normalize("NFKC", letter)
            if category == "Zs":
                yield letter, " "
            elif category != "Cn" and plain != letter and not plain.startswith(" "):
                yield letter, plain


@cache
def _invisible() -> re.Pattern[str]:
    return re.compile(f"[{_INVISIBLE}\U000e0000-\U000e01ff]")


@cache
def _odd() -> re.Pattern[str]:
    """Whatever folding changes in the basic plane; apart from the rest, so that ``re`` makes one bitmap of it."""
    plain = "".join(re.escape(letter) for letter in _plain_forms() if letter <= "\uffff")
    return re.compile(f"[{_INVISIBLE}{_MARKS}{plain}]")
