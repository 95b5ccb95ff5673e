"""All cues for names by their last word, so that each word of a text costs one look-up."""

import re
from functools import cache
from typing import Final, NamedTuple

from sessions.privacy.cues import cue_list
from sessions.privacy.names.words import Words

INTRODUCTION, WEAK, BEFORE, TITLE, GREETING, SIGN_OFF = (
    "introduction",
    "weak",
    "before",
    "title",
    "greeting",
    "sign-off",
)
_LISTS: Final = (
    ("introductions", INTRODUCTION), ("introductions_weak", WEAK), ("before_names", BEFORE), ("titles", TITLE),
    ("greetings", GREETING), ("signoffs", SIGN_OFF),
)  # fmt: skip
_SPLIT: Final = re.compile(r"[\s.]+")


class Cue(NamedTuple):
    purpose: str
    before: tuple[str, ...]
    """The words before the last one, from right to left."""
    needs_colon: bool


@cache
def cue_index() -> dict[str, tuple[Cue, ...]]:
    index: dict[str, list[Cue]] = {}
    for name, purpose in _LISTS:
        for cue in cue_list(name):
            words = [word for word in _SPLIT.split(cue.rstrip(" :-")) if word]
            index.setdefault(words[-1], []).append(Cue(purpose, tuple(words[-2::-1]), cue.endswith(":")))
    return {word: tuple(sorted(cues, key=lambda cue: -len(cue.before))) for word, cues in index.items()}


def cues_at(words: Words, index: int) -> list[Cue]:
    """The cues that end with this word: for each purpose the longest."""
    entries = cue_index().get(words.lowers[index])
    if entries is None:
        return []
    found: dict[str, Cue] = {}
    for cue in entries:
        if cue.purpose not in found and _matches(words, index, cue):
            found[cue.purpose] = cue
    return list(found.values())


def _matches(words: Words, index: int, cue: Cue) -> bool:
    if len(cue.before) > index:
        return False
    if cue.needs_colon and ":" not in words.after(index):
        return False
    return all(words.lowers[index - 1 - step] == word for step, word in enumerate(cue.before))
