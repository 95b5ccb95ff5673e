"""Asking the database again where the connection broke, for what is harmless to ask twice."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from psycopg import OperationalError
from psycopg_pool import PoolTimeout

Result = TypeVar("Result")


async def again_if_broken(ask: Callable[[], Awaitable[Result]], pauses_seconds: Iterable[float]) -> Result:
    """What ``ask`` gives, asked once more after each pause. It may have been done although no answer came.

    Raises psycopg's errors after the last try, and ``PoolTimeout`` at once: that has waited long enough already.
    """
    for pause_seconds in pauses_seconds:
        try:
            return await ask()
        except PoolTimeout:
            raise
        except OperationalError:
            await asyncio.sleep(pause_seconds)
    return await ask()
