"""A small cache whose entries die young, for what every request asks and hardly ever changes."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Any, Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class TimedCache(Generic[Key, Value]):
    """At most ``size`` values, each for ``seconds``; many who miss the same key at once load it once.

    Errors are not kept. For one event loop.
    """

    def __init__(self, *, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._loads: OrderedDict[Key, tuple[float, asyncio.Task[Value]]] = OrderedDict()

    async def get(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        """The value of ``key``, loaded by ``load`` where none is fresh. Raises what ``load`` raises."""
        if (known := self._loads.get(key)) is not None and (known[0] > time.monotonic() or not known[1].done()):
            return await asyncio.shield(known[1])
        task = asyncio.create_task(self._load(key, load))
        self._loads[key] = (time.monotonic() + self._seconds, task)
        self._loads.move_to_end(key)
        task.add_done_callback(_notice)
        self._drop_old()
        # Shielded: a visitor who leaves must not take the answer from the others who wait for it.
        return await asyncio.shield(task)

    async def _load(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        try:
            return await load()
        except BaseException:
            if key in self._loads and self._loads[key][1] is asyncio.current_task():
                del self._loads[key]
            raise

    def _drop_old(self) -> None:
        """The oldest come first: those whose time is over, and those too many."""
        while self._loads:
            key, (expires_at, task) = next(iter(self._loads.items()))
            if len(self._loads) <= self._size and (expires_at > time.monotonic() or not task.done()):
                return
            del self._loads[key]


class RecentKeys(Generic[Key]):
    """Which keys were noted within the last ``seconds``; at most ``size`` of them, the latest."""

    def __init__(self, *, seconds: float, size: int) -> None:
        self._seconds = seconds
        self._size = size
        self._noted_at: OrderedDict[Key, float] = OrderedDict()

    def note(self, key: Key) -> None:
        self._noted_at[key] = time.monotonic()
        self._noted_at.move_to_end(key)
        if len(self._noted_at) > self._size:
            self._noted_at.popitem(last=False)

    def forget(self, key: Key) -> None:
        self._noted_at.pop(key, None)

    def __contains__(self, key: Key) -> bool:
        noted_at = self._noted_at.get(key)
        return noted_at is not None and time.monotonic() - noted_at < self._seconds


def _notice(task: asyncio.Task[Any]) -> None:
    """Takes note of an error that nobody waits for any more."""
    if not task.cancelled():
        task.exception()
