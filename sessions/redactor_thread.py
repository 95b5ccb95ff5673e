"""Where the chat path redacts: in a thread of its own, for a long text takes longer than an event loop may stand still.

One thread a process: the interpreter runs one at a time anyway, and hands over to the event loop every 5 ms.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from sessions.errors import InternalError

Result = TypeVar("Result")

log = logging.getLogger(__name__)

_thread: Final = ThreadPoolExecutor(1, thread_name_prefix="redactor")


async def in_redactor_thread(work: Callable[[], Result]) -> Result:
    """What ``work`` gives. Raises ``InternalError`` in place of its errors, which may quote what was said."""
    try:
        return await asyncio.get_running_loop().run_in_executor(_thread, work)
    except Exception as error:  # noqa: BLE001  told without a word of the text
        log.warning("the redactor broke: %s", type(error).__name__)
        raise InternalError from None
