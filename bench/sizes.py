"""How much of everything is measured."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Size:
    warm_up_clients: int = 20
    warm_up_turns: int = 10
    one_client_sessions: int = 5
    one_client_turns: int = 40
    busy_clients: int = 50
    busy_seconds: int = 10
    waiting_clients: int = 200
    waiting_rounds: int = 3
    flat_sessions: int = 10
    flat_turn: int = 50
    many_sessions: int = 20_000
    retention_clients: int = 5
    redacting_sessions: int = 30
    redaction_seconds: float = 2.0
    hostile_kb: int = 20


DEFAULT: Final = Size()
FULL: Final = Size(waiting_clients=1000, waiting_rounds=2, flat_sessions=4, flat_turn=500, many_sessions=1_000_000)
QUICK: Final = Size(
    warm_up_clients=2,
    warm_up_turns=2,
    one_client_sessions=1,
    one_client_turns=5,
    busy_clients=4,
    busy_seconds=1,
    waiting_clients=10,
    waiting_rounds=1,
    flat_sessions=1,
    flat_turn=12,
    many_sessions=200,
    retention_clients=2,
    redacting_sessions=1,
    redaction_seconds=0.1,
    hostile_kb=1,
)
