"""What a load generator is asked to do, and what it reports. Both cross a pipe as JSON."""

from dataclasses import dataclass, field
from typing import Any, Self

import orjson


@dataclass(frozen=True, slots=True)
class Target:
    """An HTTP address of 127.0.0.1 that answers a POST with JSON or an event stream.

    A conversation adds its session, its message and the message's id to ``body``; anything else is sent as it stands.
    """

    port: int
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    is_conversation: bool = True
    start_path: str = ""
    """Where a session is started with a token, before anything is measured; empty where there is no such thing."""
    first_mark: str = ""
    """Stands in the first piece that holds words of the answer."""
    end_mark: str = ""
    """Stands in every answer that is whole."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Each client takes ``turns`` turns in each of its ``sessions``, and begins none after ``seconds``."""

    target: Target
    clients: int = 1
    sessions: int = 1
    turns: int = 1
    seconds: float = 300.0
    message: str = "Hello {number}"
    """What a client says; ``{number}`` is the turn's in its session."""

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> Self:
        values = orjson.loads(text)
        return cls(**{**values, "target": Target(**values["target"])})


@dataclass(frozen=True, slots=True)
class TimedTurn:
    number: int
    """Within its session, from 1."""
    total_ms: float
    first_token_ms: float
    """The same as ``total_ms`` where the target has no ``first_mark``."""


@dataclass(slots=True)
class LoadReport:
    seconds: float = 0.0
    """From the signal to go to the last answer."""
    turns: list[TimedTurn] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=dict)

    @property
    def total_ms(self) -> list[float]:
        return [turn.total_ms for turn in self.turns]

    @property
    def first_token_ms(self) -> list[float]:
        return [turn.first_token_ms for turn in self.turns]

    def count_error(self, reason: str, times: int = 1) -> None:
        self.errors[reason] = self.errors.get(reason, 0) + times

    def to_json(self) -> bytes:
        return orjson.dumps(self)

    @classmethod
    def from_json(cls, text: bytes | str) -> Self:
        values = orjson.loads(text)
        return cls(values["seconds"], [TimedTurn(**turn) for turn in values["turns"]], values["errors"])
