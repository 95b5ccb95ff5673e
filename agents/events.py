"""Server-sent events of a chat completion: out of bytes, checked, and merged into one chunk."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import orjson

from agents.errors import ModelUnavailableError

MAX_EVENT_BYTES = 512 * 1024
MAX_MODEL_NAME = 120
DONE = b"[DONE]"


class EventReader:
    """Gives the data of each event once it is whole; comments, names and ids are left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Raises `ModelUnavailableError` for an event that does not end."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        events = [event for line in lines if (event := self._line(line.rstrip(b"\r"))) is not None]
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise ModelUnavailableError("protocol_broken")
        return events

    def _line(self, line: bytes) -> bytes | None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
            self._size += len(line)
        elif not line and self._data:
            event = b"\n".join(self._data)
            self._data.clear()
            self._size = 0
            return event
        return None


@dataclass(slots=True)
class MergedEvents:
    """What some events say together. `done` is the protocol's own end, after the model's `finish_reason`."""

    text: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    model: str | None = None
    progressed: bool = False
    done: bool = False

    @classmethod
    def read(cls, events: Iterable[bytes]) -> Self:
        """Raises `ModelUnavailableError` for anything that is not a chat completion's event."""
        merged = cls()
        for data in events:
            if data.startswith(DONE):
                merged.done = True
                break
            merged._add(_parsed(data))
        return merged

    def as_chunk(self) -> dict[str, Any]:
        """In the provider's shape, of which `ChatOpenAI` reads these parts."""
        delta = {"role": "assistant", "content": "".join(self.text)}
        choice = {"index": 0, "delta": delta, "finish_reason": self.finish_reason}
        return {"model": self.model, "choices": [choice], "usage": self.usage}

    def _add(self, event: dict[str, Any]) -> None:
        if event.get("error"):
            raise ModelUnavailableError("error_in_stream")
        usage = event.get("usage")
        if isinstance(usage, dict):
            self.usage = _counted(usage)
            self.progressed = True
        if isinstance(name := event.get("model"), str) and len(name) <= MAX_MODEL_NAME and name.isprintable():
            self.model = name
        for choice in _list_of_dicts(event.get("choices"))[:1]:
            self._add_choice(choice)

    def _add_choice(self, choice: dict[str, Any]) -> None:
        delta = choice.get("delta") or {}
        if not isinstance(delta, dict):
            raise ModelUnavailableError("protocol_broken")
        # A refusal is what the model has to say to the visitor.
        text = delta.get("content") or delta.get("refusal") or ""
        if not isinstance(text, str):
            raise ModelUnavailableError("protocol_broken")
        self.text.append(text)
        if choice.get("finish_reason"):
            self.finish_reason = str(choice["finish_reason"])
        # Reasoning, under whichever name the provider gives it, is progress; an empty heartbeat is not.
        if self.finish_reason or any(value for name, value in delta.items() if name != "role"):
            self.progressed = True


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        event = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise ModelUnavailableError("protocol_broken") from None
    if not isinstance(event, dict):
        raise ModelUnavailableError("protocol_broken")
    return event


def _list_of_dicts(value: object) -> list[dict[str, Any]]:
    items = [] if value is None else value
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ModelUnavailableError("protocol_broken")
    return items


def _counted(usage: dict[str, Any]) -> dict[str, int]:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: count for name in names if isinstance(count := usage.get(name), int) and 0 <= count < 2**31}
