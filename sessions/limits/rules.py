"""What is asked of a counter, and what it says. Times are whole microseconds: Redis's numbers hold them exactly.

Rates follow the generic cell rate algorithm: all that is stored is the moment at which a limit will be wholly free
again; each request moves it on by one interval, and none may move it further than a minute ahead.
"""

from dataclasses import dataclass
from typing import Final

MICROSECONDS: Final = 1_000_000
MINUTE: Final = 60
DAY: Final = 86_400


@dataclass(frozen=True, slots=True)
class Rate:
    """At most ``per_minute`` at once, after that one whenever its share of a minute has passed."""

    name: str
    key: str
    per_minute: int

    @property
    def interval(self) -> int:
        return -(-MINUTE * MICROSECONDS // self.per_minute)

    @property
    def room(self) -> int:
        return self.interval * self.per_minute

    def remaining(self, ahead: int) -> int:
        return (self.room - ahead) // self.interval


@dataclass(frozen=True, slots=True)
class Budget:
    """Of a day. None is as much as there is."""

    key: str
    turns: int | None
    tokens: int | None


@dataclass(frozen=True, slots=True)
class Question:
    """May this request go on? Asked of all its limits together: a refusal by one leaves all as they were."""

    rates: tuple[Rate, ...]
    budgets: tuple[Budget, ...] = ()
    utc_offset_seconds: int = 0
    """Of the tenant's time zone: says when a day begins."""


@dataclass(frozen=True, slots=True)
class Verdict:
    refused_by: int | None
    """Which of the rates, then the budgets, must be waited for longest."""
    wait: int
    """Until that one would not refuse."""
    day: int
    """Days since 1970 in the tenant's time zone."""
    ahead: tuple[int, ...]
    """For each rate: how long until it is wholly free again."""
