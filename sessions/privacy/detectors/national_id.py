"""Numbers of personal documents.

Forms that tell themselves by letters, separators or strong check digits are found anywhere and validated by ``stdnum``
where it knows them. Others are a plain row of digits: they are taken only after a word for such a number, and then
without a check, since people mistype.
"""

import re
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import Final

from sessions.privacy.cues import cue_pattern, has_cue
from sessions.privacy.folding import BARRIER
from sessions.privacy.kinds import Kind
from sessions.privacy.reading import Reading, Span

# Module of stdnum, and the form in which its numbers are taken without a word for them.
_FORMS: Final = (
    ("us.ssn", r"\d{3}-\d{2}-\d{4}"),
    ("it.codicefiscale", r"[A-Za-z]{6}[\dL-Vl-v]{2}[A-Za-z][\dL-Vl-v]{2}[A-Za-z][\dL-Vl-v]{3}[A-Za-z]"),
    ("es.dni", r"\d{8}[ \-]?[A-Za-z]|\d{2}\.\d{3}\.\d{3}[ \-]?[A-Za-z]"),
    ("es.nie", r"[XYZxyz][ \-]?\d{7}[ \-]?[A-Za-z]"),
    ("mx.curp", r"[A-Za-z]{4}\d{6}[HMXhmx][A-Za-z]{5}\w\d"),
    ("mx.rfc", r"[A-ZÑ&]{4}[ \-]?\d{6}[ \-]?[A-Z\d]{3}"),
    ("br.cpf", r"\d{3}\.\d{3}\.\d{3}-\d{2}"),
    ("fr.nir", r"[12][ .]?\d{2}[ .]?\d{2}[ .]?(?:\d{2}|2[AB])[ .]?\d{3}[ .]?\d{3}[ .\-]?\d{2}"),
    ("se.personnummer", r"(?:19|20)?\d{6}[\-+]\d{4}"),
    ("no.fodselsnummer", r"\d{6}[ ]?\d{5}"),
    ("fi.hetu", r"\d{6}[\-+A-FU-Ya-fu-y]\d{3}[0-9A-Za-z]"),
    ("dk.cpr", r"\d{6}-\d{4}"),
    ("be.nn", r"\d{2}\.\d{2}\.\d{2}-\d{3}[.\-]\d{2}"),
    ("ch.ssn", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d{2}"),
    ("in_.pan", r"[A-Za-z]{3}[ABCFGHJLPTabcfghjlpt][A-Za-z]\d{4}[A-Za-z]"),
    ("in_.aadhaar", r"[2-9]\d{3}[ \-]\d{4}[ \-]\d{4}"),
    ("cn.ric", r"\d{17}[\dXx]"),
    ("kr.rrn", r"\d{6}-[1-8]\d{6}"),
    ("my.nric", r"\d{6}-\d{2}-\d{4}"),
    ("th.pin", r"\d[ \-]\d{4}[ \-]\d{5}[ \-]\d{2}[ \-]\d"),
    ("za.idnr", r"\d{6}[ ]?\d{4}[ ]?\d{2}[ ]?\d"),
    ("ar.cuit", r"(?:20|23|24|27|30|33|34)-\d{8}-\d"),
    ("cl.rut", r"\d{1,2}\.\d{3}\.\d{3}-[\dKk]|\d{7,8}-[\dKk]"),
    ("ro.cnp", r"[1-9]\d{12}"),
    ("si.emso", r"\d{13}"),
    ("cz.rc", r"\d{6}/\d{3,4}"),
    ("lv.pvn", r"\d{6}-\d{5}"),
    ("pk.cnic", r"\d{5}-\d{7}-\d"),
    ("is_.kennitala", r"\d{6}-\d{4}"),
    ("id.nik", r"\d{16}"),
    ("do.cedula", r"\d{3}-\d{7}-\d"),
    ("hr.oib", r"HR\d{11}"),
)
# Known by their form alone; stdnum has no module for them.
_BY_FORM: Final = re.compile(
    r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][ \-]?\d{2}[ \-]?\d{2}[ \-]?\d{2}[ \-]?[A-D]"  # United Kingdom
    r"|\d{3}-\d{3}-\d{3}[ \-]\d{2}"  # Russia
    r"|784-\d{4}-\d{7}-\d"  # Emirates
    r"|\d{2}\.\d{3}\.\d{3}-[0-9Xx]"  # Brazil's RG
    r"|\d{8}[ ]\d[ ][A-Z]{2}\d"  # Portugal
    r"|\d\.\d{3}\.\d{3}-\d"  # Uruguay
    r"|[A-Z]{1,2}\d{6}\([0-9A]\)"  # Hong Kong
)
_NRIC = re.compile(r"[STFGMstfgm]\d{7}[A-Za-z]")  # Singapore
_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC_LETTERS = {"S": "JZIHGFEDCBA", "T": "GFEDCBAJZIH", "F": "XWUTRQPNMLK", "G": "RQPNMLKXWUT", "M": "KLJNPQRTUWX"}

_LEAST_DIGITS = 5

_LOOSE = re.compile(
    r"(?<![A-Za-z\d])(?:[A-Za-z]{0,6}\d[\dA-Za-z]*)(?:[ .\-/]{1,2}(?:[A-Za-z]{0,3}\d[\dA-Za-z]*|[A-Z]{1,2}(?![\w])))*"
)
_LOOSE_DIGITS = range(5, 19)
_BETWEEN = 45
_SENTENCE_END = re.compile(rf"[.!?;]\s|\n\s*\n|{BARRIER}")
_THING = re.compile(r"(?:order|invoice|tracking|bestell|rechnung|commande|facture|pedido|factura|ordine|заказ)")


def find_national_ids(reading: Reading) -> Iterator[Span]:
    yield from _after_cues(reading)
    yield from _by_form(reading)


def _after_cues(reading: Reading) -> Iterator[Span]:
    """The first number after a word for one, in the same sentence; and in an answer to the question for it."""
    starts = (
        [cue.end() for cue in cue_pattern("id_cues").finditer(reading.lower)] if reading.may_hold("id_cues") else []
    )
    if reading.after and has_cue("id_cues", reading.after):
        starts.insert(0, 0)
    for start in starts:
        number = _LOOSE.search(reading.text, start, start + 2 * _BETWEEN)
        if number is None or number.start() - start > _BETWEEN:
            continue
        between = reading.lower[start : number.start()]
        digits = sum(map(str.isdigit, number[0]))
        if digits in _LOOSE_DIGITS and not _SENTENCE_END.search(between) and not _THING.search(between):
            yield _span(reading, number.start(), number.end())


def _by_form(reading: Reading) -> Iterator[Span]:
    for start, end in _candidates(reading.text):
        if _tells_itself(reading.text[start:end]):
            yield _span(reading, start, end)


def _candidates(text: str) -> Iterator[tuple[int, int]]:
    """Words of letters and digits, and their runs joined by single blanks, ending at every word."""
    words = [match.span() for match in _WORD.finditer(text)]
    for index, (start, end) in enumerate(words):
        if _DIGIT.search(text, start, end):
            yield start, end
        elif end - start > _LONGEST_PREFIX or not text[start].isupper():
            continue
        best = end
        for following in range(index + 1, min(index + _MOST_PARTS, len(words))):
            next_start, next_end = words[following]
            if next_start - best != 1 or text[best] != " " or next_end - start > _LONGEST:
                break
            best = next_end
            yield start, best


_WORD = re.compile(
    r"(?<![A-Za-z0-9_@#/.\-+])[A-Za-z0-9&Ñ](?:[A-Za-z0-9_&Ñ]|[.\-/+(](?=[\dA-Za-z])|\)(?![A-Za-z0-9_])){0,40}(?![A-Za-z0-9_@])"
)
_DIGIT = re.compile("[0-9]")
_MOST_PARTS = 8
_LONGEST_PREFIX = 2  # letters before the first blank: AB 12 34 56 C
_LONGEST = 26


@cache
def _patterns() -> tuple[re.Pattern[str], tuple[tuple[str, re.Pattern[str]], ...]]:
    together = re.compile("|".join(form for _, form in _FORMS))
    return together, tuple((module, re.compile(form)) for module, form in _FORMS)


def _tells_itself(candidate: str) -> bool:
    digits = sum(map(str.isdigit, candidate))
    if digits < _LEAST_DIGITS - 1:
        return False
    together, forms = _patterns()
    if together.fullmatch(candidate) and any(
        form.fullmatch(candidate) and _is_valid(module)(candidate) for module, form in forms
    ):
        return True
    return _BY_FORM.fullmatch(candidate) is not None or _is_nric(candidate)


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    """Loaded when the first number of that form appears."""
    checks: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return checks


def _is_nric(candidate: str) -> bool:
    if not _NRIC.fullmatch(candidate):
        return False
    series, letter = candidate[0].upper(), candidate[-1].upper()
    total = sum(weight * int(digit) for weight, digit in zip(_NRIC_WEIGHTS, candidate[1:8], strict=True))
    total += {"T": 4, "G": 4, "M": 3}.get(series, 0)
    return _NRIC_LETTERS[series][total % 11] == letter


def _span(reading: Reading, start: int, end: int) -> Span:
    compact = re.sub(r"[^A-Za-z0-9]", "", reading.text[start:end]).upper()
    return Span(Kind.NATIONAL_ID, start, end, compact)
