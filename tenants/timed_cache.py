"""A small cache whose entries die young, for what every request asks and hardly ever changes."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

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
        task = asyncio.ensure_future(self._load(key, load))
        self._loads[key] = (time.monotonic() + self._seconds, task)
        self._loads.move_to_end(key)
        while len(self._loads) > self._size:
            self._loads.popitem(last=False)
        # Shielded: a visitor who leaves must not take the answer from the others who wait for it.
        return await asyncio.shield(task)

    async def _load(self, key: Key, load: Callable[[], Awaitable[Value]]) -> Value:
        try:
            return await load()
        except BaseException:
            self._loads.pop(key, None)
            raise
