"""The way back from placeholders to the real words, in a text that comes in pieces."""

import re
from collections.abc import Mapping
from typing import Final

from sessions.privacy.placeholders import PLACEHOLDER

_OPENING: Final = "["


class Restorer:
    """Gives what a visitor hears of a model's answer; ``said`` is the same in the model's own words, for the store.

    A piece may end within a placeholder: what may be the beginning of one is held back until it is whole, or is none.
    The two texts therefore always tell the same, however early the answer is broken off.
    """

    def __init__(self, real_words: Mapping[str, str]) -> None:
        self.said = ""
        self._real_words = real_words
        self._held_back = ""

    def feed(self, piece: str) -> str:
        text = self._held_back + piece
        decided = self._decided(text)
        self._held_back = text[decided:]
        return self._restored(text[:decided])

    def finish(self) -> str:
        """The end of the answer: what was held back is no placeholder after all."""
        rest, self._held_back = self._held_back, ""
        return self._restored(rest)

    def _decided(self, text: str) -> int:
        start = text.rfind(_OPENING)
        if start >= 0 and any(name.startswith(text[start:]) and name != text[start:] for name in self._real_words):
            return start
        return len(text)

    def _restored(self, text: str) -> str:
        self.said += text
        return PLACEHOLDER.sub(self._real, text) if _OPENING in text else text

    def _real(self, found: re.Match[str]) -> str:
        return self._real_words.get(found[0], found[0])
