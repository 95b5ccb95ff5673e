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


class HiddenNames:
    """The placeholders of names in what was seen, and which words of other texts stand behind them.

    Each word of a name has a placeholder; up to three words together had one before version 2 of the redactor.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._hidden: set[str] = set()

    def see(self, stored: str) -> None:
        if _OPENING in stored:
            self._hidden |= {name for name in PLACEHOLDER.findall(stored) if name.startswith(_OPENING)}

    def said_in(self, texts: Iterable[str], most_words: int | None = None) -> list[str]:
        """Small letters, in the order of the texts. Some 5 ms for a thousand words, of each text ``most_words``."""
        lengths = {SHORT if len(name) == _SHORT_LENGTH else LONG for name in self._hidden}
        if not lengths:
            return []
        runs = dict.fromkeys(run for text in texts for run in _runs(text, most_words))
        return [name for name in runs if any(self._is_hidden(name, digits) for digits in lengths)]

    def _is_hidden(self, name: str, digits: int) -> bool:
        return placeholder(Kind.NAME, name, self._key, digits) in self._hidden


def names_said_before(stored: Iterable[str], text: str, key: bytes) -> list[str]:
    """The words of ``text`` that stand as a name's placeholder, made with ``key``, in the ``stored`` texts.

    Bounded: of a thousand words, 3,000 hashes, some 5 ms, at most.
    """
    names = HiddenNames(key)
    for said in stored:
        names.see(said)
    return names.said_in([text], _MOST_WORDS)


def _runs(text: str, most_words: int | None) -> Iterator[str]:
    words = _WORD.findall(fold(text).text.lower())[:most_words]
    for length in range(1, _LONGEST_NAME_WORDS + 1):
        for start in range(len(words) - length + 1):
            yield " ".join(words[start : start + length])
