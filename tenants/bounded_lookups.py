"""Look-ups by a key that anybody may make up: an origin, an API key, a website's key."""

from collections.abc import Awaitable, Callable
from time import monotonic as clock
from typing import Final, Generic, TypeVar

from tenants.errors import TooManyLookupsError
from tenants.timed_cache import Key, RecentKeys, TimedCache

Value = TypeVar("Value")

_SECONDS_TRUSTED: Final = 300.0


class BoundedLookups(Generic[Key, Value]):
    """Keeps what was found, and which keys led to nothing, each for ``seconds`` and at most ``size`` of them.

    Keys that led to something lately are looked up as often as it takes; of all others no more than ``most_a_second``,
    so that made-up ones neither wear the database out nor drive known ones out. For one event loop.
    """

    def __init__(self, *, seconds: float, size: int, most_a_second: int) -> None:
        self._found: TimedCache[Key, Value] = TimedCache(seconds=seconds, size=size)
        self._unknown: RecentKeys[Key] = RecentKeys(seconds=seconds, size=size)
        self._trusted: RecentKeys[Key] = RecentKeys(seconds=_SECONDS_TRUSTED, size=size)
        self._most_a_second = most_a_second
        self._second, self._lookups = 0, 0

    async def get(self, key: Key, look_up: Callable[[], Awaitable[Value | None]]) -> Value | None:
        """What ``look_up`` finds by ``key``; None where there is nothing.

        Raises what ``look_up`` raises, and ``TooManyLookupsError`` where it was not asked.
        """
        if key in self._unknown:
            return None
        try:
            found = await self._found.get(key, lambda: self._look_up(key, look_up))
        except _NothingFound:
            return None
        self._trusted.note(key)
        return found

    def found_lately(self, key: Key) -> bool:
        """Whether it led to something within the last five minutes, and not to nothing since."""
        return key in self._trusted

    async def _look_up(self, key: Key, look_up: Callable[[], Awaitable[Value | None]]) -> Value:
        if not self.found_lately(key):
            self._count()
        found = await look_up()
        if found is None:
            self._trusted.forget(key)
            self._unknown.note(key)
            raise _NothingFound
        return found

    def _count(self) -> None:
        second = int(clock())
        if second != self._second:
            self._second, self._lookups = second, 0
        self._lookups += 1
        if self._lookups > self._most_a_second:
            raise TooManyLookupsError


class _NothingFound(Exception):  # noqa: N818  never leaves this module
    """Caches keep no errors: this keeps nothing out of them."""
