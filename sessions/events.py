"""A turn as AG-UI events over server-sent events. The event id is the number of characters sent so far."""

from collections.abc import AsyncIterator
from typing import Any, Final

from ag_ui.core import (
    BaseEvent,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
)

from sessions.errors import RequestError
from sessions.live import LiveTurn

_HEARTBEAT_SECONDS: Final = 15.0
_HEARTBEAT: Final = b": still here\n\n"


async def stream_turn(live: LiveTurn) -> AsyncIterator[bytes]:
    """The turn from its first word to its end; heartbeats keep proxies from closing a silent stream."""
    yield _event(0, RunStartedEvent(thread_id=live.session_id, run_id=live.message_id))
    position = 0
    async for position, text in live.texts(_HEARTBEAT_SECONDS):
        if text and position == len(text):
            yield _event(0, TextMessageStartEvent(message_id=live.reply_id, role="assistant"))
        yield _content(position, live.reply_id, text) if text else _HEARTBEAT
    if position:
        yield _event(position, TextMessageEndEvent(message_id=live.reply_id))
    yield await _end(position, live)


async def stream_stored(body: dict[str, Any]) -> AsyncIterator[bytes]:
    """A completed turn in the same events, its text in one piece."""
    reply_id, text = body["message"]["id"], body["message"]["content"]
    yield _event(0, RunStartedEvent(thread_id=body["session_id"], run_id=body["message_id"]))
    yield _event(0, TextMessageStartEvent(message_id=reply_id, role="assistant"))
    yield _content(len(text), reply_id, text)
    yield _event(len(text), TextMessageEndEvent(message_id=reply_id))
    yield _finished(len(text), body)


async def _end(position: int, live: LiveTurn) -> bytes:
    try:
        return _finished(position, await live.outcome())
    except RequestError as error:
        return _event(position, RunErrorEvent(message=error.message, code=error.code))


def _content(position: int, reply_id: str, text: str) -> bytes:
    return _event(position, TextMessageContentEvent(message_id=reply_id, delta=text))


def _finished(position: int, body: dict[str, Any]) -> bytes:
    return _event(position, RunFinishedEvent(thread_id=body["session_id"], run_id=body["message_id"], result=body))


def _event(position: int, event: BaseEvent) -> bytes:
    return f"id: {position}\ndata: {event.model_dump_json(by_alias=True)}\n\n".encode()
