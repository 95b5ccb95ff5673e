"""Counting in this process alone, while Redis is away. It forgets the longest untouched where there are too many."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sessions.limits.rules import DAY, MICROSECONDS, Budget, Question, Rate, Verdict

_KEYS_REMEMBERED: Final = 50_000


@dataclass(slots=True)
class _Spent:
    day: int
    turns: int = 0
    tokens: int = 0


class LocalCounter:
    """The same decisions as ``shared``, on this process's clocks: ``monotonic`` for rates, ``wall`` for days."""

    def __init__(
        self,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        size: int = _KEYS_REMEMBERED,
    ) -> None:
        self._monotonic, self._wall, self._size = monotonic, wall, size
        self._moments: OrderedDict[str, int] = OrderedDict()
        self._spent: OrderedDict[str, _Spent] = OrderedDict()

    def decide(self, question: Question) -> Verdict:
        now = int(self._monotonic() * MICROSECONDS)
        day, second_of_day = divmod(self._wall() + question.utc_offset_seconds, DAY)
        until_midnight = math.ceil((DAY - second_of_day) * MICROSECONDS)
        ahead = [self._ahead(rate, now) for rate in question.rates]
        waits = [before + rate.interval - rate.room for rate, before in zip(question.rates, ahead, strict=True)]
        waits += [until_midnight if self._is_spent(budget, int(day)) else 0 for budget in question.budgets]
        wait = max(0, *waits)
        if wait:
            return Verdict(refused_by=waits.index(wait), wait=wait, day=int(day), ahead=tuple(ahead))
        ahead = [before + rate.interval for rate, before in zip(question.rates, ahead, strict=True)]
        for rate, after in zip(question.rates, ahead, strict=True):
            self._moments[rate.key] = now + after
            self._moments.move_to_end(rate.key)
        for budget in question.budgets:
            self._today(budget.key, int(day)).turns += 1
        self._forget_the_oldest()
        return Verdict(refused_by=None, wait=0, day=int(day), ahead=tuple(ahead))

    def count(self, keys: Iterable[str], day: int, *, turns: int = 0, tokens: int = 0) -> None:
        """Adds to what the budgets of ``keys`` have spent on ``day``, if it is not over."""
        for key in keys:
            if (spent := self._spent.get(key)) is not None and spent.day == day:
                spent.turns += turns
                spent.tokens += tokens

    def _ahead(self, rate: Rate, now: int) -> int:
        return min(max(self._moments.get(rate.key, now) - now, 0), rate.room)

    def _is_spent(self, budget: Budget, day: int) -> bool:
        spent = self._spent.get(budget.key)
        if spent is None or spent.day < day:
            return False
        turns_gone = budget.turns is not None and spent.turns >= budget.turns
        return turns_gone or (budget.tokens is not None and spent.tokens >= budget.tokens)

    def _today(self, key: str, day: int) -> _Spent:
        if key not in self._spent or self._spent[key].day < day:
            self._spent[key] = _Spent(day)
        self._spent.move_to_end(key)
        return self._spent[key]

    def _forget_the_oldest(self) -> None:
        for kept in (self._moments, self._spent):
            while len(kept) > self._size:
                kept.popitem(last=False)
