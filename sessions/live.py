"""A turn while it runs: its words so far, for any number of readers, and its end."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Literal, TypeVar

from sessions.errors import RequestError

Interruption = Literal["stopped", "lost"]
Result = TypeVar("Result")


class InterruptedTurn(Exception):  # noqa: N818  not an error: somebody asked for it
    """The turn was stopped by its visitor, or its lease was lost to another process: ``live.interruption`` says."""


class LiveTurn:
    """Written by the turn's own task, read by responses. A reader keeps a position, not a queue: a slow one is free.

    ``fence`` tells the runs of one turn apart: after a crash its words may come out differently. One that
    ``is_followed`` runs in another process, and may be further there than is known here.
    """

    def __init__(
        self, *, session_id: str, message_id: str, fence: int, reply_id: str, is_followed: bool = False
    ) -> None:
        self.session_id = session_id
        self.message_id = message_id
        self.fence = fence
        self.reply_id = reply_id
        self.is_followed = is_followed
        self.text = ""
        self.body: dict[str, Any] | None = None
        self.error: RequestError | None = None
        self.interruption: Interruption | None = None
        self._changed = asyncio.Event()
        self._work: asyncio.Task[Any] | None = None

    is_private = False
    """Whether its words are for the request that began it alone: see ``PrivateTurn``."""

    @property
    def for_others(self) -> "LiveTurn":
        """The turn as it is for whoever joins it."""
        return self

    @property
    def ended(self) -> bool:
        return self.body is not None or self.error is not None

    def add(self, text: str) -> None:
        if text:
            self.text += text
            self._wake()

    def complete(self, body: dict[str, Any], stored: dict[str, Any] | None = None) -> None:  # noqa: ARG002  see below
        """``stored``: the body as it is stored, where that has other words."""
        self.body = body
        self._wake()

    def fail(self, error: RequestError) -> None:
        self.error = error
        self._wake()

    def interrupt(self, why: Interruption) -> None:
        """Ends what ``interruptible`` runs, now or as soon as it begins; later than that it changes nothing.

        Only once: a second cancellation would break off the closing of the model's connection.
        """
        if self.interruption is not None:
            return
        self.interruption = why
        if self._work is not None:
            self._work.cancel()

    async def interruptible(self, work: Coroutine[Any, Any, Result]) -> Result:
        """The result of ``work``. Raises ``InterruptedTurn`` where ``interrupt`` came first."""
        self._work = task = asyncio.create_task(work)
        if self.interruption is not None:
            task.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if self.interruption is None or _is_being_cancelled():
                raise
            raise InterruptedTurn from None
        finally:
            self._work = None

    async def outcome(self) -> dict[str, Any]:
        """The answer's body once the turn ended. Raises the turn's error."""
        while not self.ended:
            await self._changed.wait()
        if self.error is not None:
            raise self.error
        assert self.body is not None
        return self.body

    async def texts(self, position: int, heartbeat_seconds: float) -> AsyncIterator[tuple[int, str]]:
        """Text beyond ``position`` with the position after it, to the turn's end; an empty text after a silence."""
        while True:
            changed, ended = self._changed, self.ended
            if position < len(self.text):
                new = self.text[position:]
                position += len(new)
                yield position, new
            elif ended:
                return
            elif not await _happens(changed, heartbeat_seconds):
                yield position, ""

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


class PrivateTurn(LiveTurn):
    """A turn that is stored in other words than its visitor hears. All others hear what is stored, once it is stored:
    one text for joins, here and in other processes, for replays and reloads, with positions that fit."""

    is_private = True

    def __init__(self, *, session_id: str, message_id: str, fence: int, reply_id: str) -> None:
        super().__init__(session_id=session_id, message_id=message_id, fence=fence, reply_id=reply_id)
        self._for_others = LiveTurn(session_id=session_id, message_id=message_id, fence=fence, reply_id=reply_id)

    @property
    def for_others(self) -> LiveTurn:
        return self._for_others

    def complete(self, body: dict[str, Any], stored: dict[str, Any] | None = None) -> None:
        super().complete(body)
        shown = stored or body
        self._for_others.add(shown["message"]["content"] if shown["message"] else "")
        self._for_others.complete(shown)

    def fail(self, error: RequestError) -> None:
        super().fail(error)
        self._for_others.fail(error)


def _is_being_cancelled() -> bool:
    """Whether it is the waiting task itself that was cancelled, and not only the work it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
