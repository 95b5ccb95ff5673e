"""Names that were hidden before, found again by their placeholders: the words themselves are kept nowhere."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from sessions.privacy.folding import fold
from sessions.privacy.kinds import Kind
from sessions.privacy.placeholders import LONG, PLACEHOLDER, SHORT, placeholder

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’.\-][^\W\d_]+)*")
_MOST_WORDS: Final = 1_000
_LONGEST_NAME_WORDS: Final = 3
_OPENING: Final = f"[{Kind.NAME}_"
_SHORT_LENGTH: Final = len(_OPENING) + SHORT + len("]")


def names_said_before(stored: Iterable[str], text: str, key: bytes) -> list[str]:
    """The words of ``text`` that stand as a name's placeholder, made with ``key``, in the ``stored`` texts.

    A name of several words is found as it was said, in up to three words. Bounded: 3,000 hashes, some 5 ms, at most.
    """
    hidden = {name for said in stored if _OPENING in said for name in PLACEHOLDER.findall(said)}
    digits = {SHORT if len(name) == _SHORT_LENGTH else LONG for name in hidden if name.startswith(_OPENING)}
    if not digits:
        return []
    return [
        name
        for name in dict.fromkeys(_runs(text))
        for many in digits
        if placeholder(Kind.NAME, name, key, many) in hidden
    ]


def _runs(text: str) -> Iterator[str]:
    words = _WORD.findall(fold(text).text.lower())[:_MOST_WORDS]
    for length in range(1, _LONGEST_NAME_WORDS + 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
