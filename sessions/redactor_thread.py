"""Where the chat path redacts: in a thread of its own, for a long text takes longer than an event loop may stand still.

One thread a process: the interpreter runs one at a time anyway, and hands over to the event loop every 5 ms.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import structlog

from sessions.errors import InternalError

Result = TypeVar("Result")

log = structlog.get_logger(__name__)

_thread: Final = ThreadPoolExecutor(1, thread_name_prefix="redactor")


async def in_redactor_thread(work: Callable[[], Result]) -> Result:
    """What ``work`` gives. Raises ``InternalError`` in place of its errors, which may quote what was said."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread, work)
    except Exception:
        log.warning("the redactor broke", exc_info=True)
        raise InternalError from None
