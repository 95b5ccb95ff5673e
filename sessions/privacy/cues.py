"""Words that tell what stands next to them, read from ``lists/*.txt``.

A list holds one language or matter per line, its cues between ``|``; ``#`` opens a comment. A cue that ends with ``*``
may go on (``telefon*``). In scripts without blanks between words a cue may stand anywhere; elsewhere it begins a word.
"""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

LISTS: Final = Path(__file__).parent / "lists"
TOKEN: Final = re.compile(r"[^\W\d_]+")
_UNSPACED: Final = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


@cache
def cue_list(name: str) -> tuple[str, ...]:
    """The cues of ``lists/<name>.txt``, small letters, in the file's order."""
    lines = (LISTS / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    cues = [cue.strip() for line in lines if not line.startswith("#") for cue in line.split("|")]
    return tuple(dict.fromkeys(cue for cue in cues if cue))


@cache
def cue_pattern(name: str) -> re.Pattern[str]:
    """Finds a cue of the list in text of small letters."""
    return re.compile(any_of(cue_list(name)))


def any_of(cues: Iterable[str]) -> str:
    """The regular expression for any of the cues. Longer ones first, so that the whole cue is taken."""
    ordered = sorted(cues, key=len, reverse=True)
    spaced = [_as_pattern(cue) for cue in ordered if not _UNSPACED.search(cue)]
    unspaced = [re.escape(cue) for cue in ordered if _UNSPACED.search(cue)]
    parts = ([rf"(?<!\w)(?:{'|'.join(spaced)})"] if spaced else []) + unspaced
    return "|".join(parts)


class Gate(NamedTuple):
    """Tells fast that a text holds no cue of a list: most texts hold none."""

    words: frozenset[str]
    beginnings: tuple[str, ...]
    unspaced: tuple[str, ...]

    def may_pass(self, tokens: frozenset[str], lower: str) -> bool:
        if not self.words.isdisjoint(tokens):
            return True
        if self.beginnings and any(token.startswith(self.beginnings) for token in tokens):
            return True
        return not lower.isascii() and any(map(lower.__contains__, self.unspaced))


@cache
def cue_gate(name: str) -> Gate:
    words: set[str] = set()
    beginnings: set[str] = set()
    unspaced = tuple(cue for cue in cue_list(name) if _UNSPACED.search(cue))
    for cue in cue_list(name):
        first = TOKEN.match(cue)
        if first is None or _UNSPACED.search(cue):
            continue
        is_open = cue[first.end() : first.end() + 1] == "*"
        (beginnings if is_open else words).add(first[0])
    return Gate(frozenset(words), tuple(beginnings), unspaced)


def last_cue_end(name: str, text: str) -> int:
    """Where the last cue of the list in the text ends, or -1."""
    end = -1
    for match in cue_pattern(name).finditer(text):
        end = match.end()
    return end


def has_cue(name: str, text: str) -> bool:
    return cue_pattern(name).search(text) is not None


def _as_pattern(cue: str) -> str:
    words = re.escape(cue.rstrip("*")).replace(r"\ ", r"\s{1,3}")
    ends_open = cue.endswith("*") or not cue[-1].isalnum()
    return words + (r"\w{0,20}" if cue.endswith("*") else "" if ends_open else r"(?!\w)")
