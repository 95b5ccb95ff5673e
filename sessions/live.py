"""A turn while it runs: its words so far, for any number of readers, and its end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from sessions.errors import RequestError


class LiveTurn:
    """Written by the turn's own task, read by responses. A reader keeps a position, not a queue: a slow one is free."""

    def __init__(self, *, session_id: str, message_id: str, reply_id: str) -> None:
        self.session_id = session_id
        self.message_id = message_id
        self.reply_id = reply_id
        self.text = ""
        self.body: dict[str, Any] | None = None
        self.error: RequestError | None = None
        self._changed = asyncio.Event()

    @property
    def ended(self) -> bool:
        return self.body is not None or self.error is not None

    def add(self, text: str) -> None:
        if text:
            self.text += text
            self._wake()

    def complete(self, body: dict[str, Any]) -> None:
        self.body = body
        self._wake()

    def fail(self, error: RequestError) -> None:
        self.error = error
        self._wake()

    async def outcome(self) -> dict[str, Any]:
        """The answer's body once the turn ended. Raises the turn's error."""
        while not self.ended:
            await self._changed.wait()
        if self.error is not None:
            raise self.error
        assert self.body is not None
        return self.body

    async def texts(self, heartbeat_seconds: float) -> AsyncIterator[tuple[int, str]]:
        """New text with the position after it, to the turn's end; an empty text where nothing came for a while."""
        position = 0
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


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
