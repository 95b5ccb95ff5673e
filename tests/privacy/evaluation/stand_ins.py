"""Redactors that are known to be right or wrong, for the tests of the scorer."""

# ruff: noqa: ARG002  the door's parameters, for which a stand-in has no use

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.privacy.evaluation.reading import EITHER, Item, Message


@dataclass(frozen=True, slots=True)
class StandIn:
    """Redacts each message by itself, whatever was known."""

    redact: Callable[[str], str]

    def redact_text(self, text: str, *, known: Sequence[str] = (), key: bytes = b"") -> str:
        return self.redact(text)

    def redact_history(
        self, messages: list[dict[str, Any]], *, known: Sequence[str] = (), key: bytes = b""
    ) -> list[dict[str, Any]]:
        return [{**message, "content": self.redact(message["content"])} for message in messages]


HIDES_NOTHING = StandIn(lambda text: text)
HIDES_EVERYTHING = StandIn(lambda _: "[NAME_0]")


def exact(items: Iterable[Item]) -> StandIn:
    """It has read the answers."""
    answers = {message.text: _redacted(message) for item in items for message in item.messages}
    return StandIn(answers.__getitem__)


def _redacted(message: Message) -> str:
    text = message.text
    for span in reversed(message.spans):
        if span.kind != EITHER:
            text = f"{text[: span.start]}[{span.kind}_0a]{text[span.end :]}"
    return text
