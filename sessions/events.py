"""A turn as AG-UI events over server-sent events."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

from ag_ui.core import (
    AssistantMessage,
    BaseEvent,
    MessagesSnapshotEvent,
    RunErrorEvent,
    RunFinishedEvent,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    UserMessage,
)

from agents.calls import MAX_ANSWER_CHARACTERS
from sessions.answers import StoredAnswer
from sessions.errors import InvalidRequestError, RequestError, TurnInterruptedError
from sessions.live import LiveTurn

RUN_STRIDE: Final = 1_000_000
"""An event's id is the number of characters sent, and this much more for each time the turn changed hands: the words
of a run that died do not continue in the next. No answer is as long as this."""

_PRIVATE_STRIDE: Final = RUN_STRIDE // 2
"""Added for words that are its visitor's alone: they are stored in others, in which no such position can be meant."""

_HEARTBEAT_SECONDS: Final = 15.0
_HEARTBEAT: Final = b": still here\n\n"
_LONGEST_EVENT_ID: Final = 15

_MESSAGES: Final[dict[str, type[UserMessage | AssistantMessage]]] = {"user": UserMessage, "assistant": AssistantMessage}


def read_event_id(header: str | None) -> int | None:
    """The ``Last-Event-ID`` of a reader who comes back. Raises ``InvalidRequestError``."""
    if not header:
        return None
    if not (header.isascii() and header.isdigit() and len(header) <= _LONGEST_EVENT_ID):
        raise InvalidRequestError(fields={"Last-Event-ID": "This must be the id of an event of this turn."})
    return int(header)


def position_after(live: LiveTurn, event_id: int | None) -> int | None:
    """Where a reader goes on that has seen ``event_id``; None where what it has does not fit this run's words.

    A turn that is followed may be further than this process has heard.
    """
    if event_id is None:
        return 0
    position = event_id - _first_id(live)
    may_be_ahead = live.is_followed and not live.ended
    fits = 0 <= position <= MAX_ANSWER_CHARACTERS and (position <= len(live.text) or may_be_ahead)
    return position if fits else None


def as_ended_turn(stored: StoredAnswer) -> LiveTurn:
    """A stored answer in the form of a turn that has just ended."""
    body = stored.body
    message = body["message"] or {"id": "", "content": ""}
    live = LiveTurn(
        session_id=body["session_id"], message_id=body["message_id"], fence=stored.fence, reply_id=message["id"]
    )
    live.add(message["content"])
    live.complete(body)
    return live


async def stream_turn(
    live: LiveTurn, position: int = 0, snapshot: Iterable[dict[str, Any]] | None = None
) -> AsyncIterator[bytes]:
    """The turn from ``position`` to its end; heartbeats keep proxies from closing a silent stream.

    ``snapshot``, public messages with the oldest first, replaces what the reader has: it comes before the rest.
    """
    first_id, is_open = _first_id(live), False
    yield _event(first_id + position, RunStartedEvent(thread_id=live.session_id, run_id=live.message_id))
    if snapshot is not None:
        yield _event(first_id + position, _snapshot(snapshot))
    try:
        async for after, text in live.texts(position, _HEARTBEAT_SECONDS):
            if text and not is_open:
                yield _event(first_id + position, TextMessageStartEvent(message_id=live.reply_id, role="assistant"))
                is_open = True
            yield _content(first_id + after, live, text) if text else _HEARTBEAT
            position = after
    except asyncio.CancelledError:  # the server ends, or nobody reads any more; the turn itself goes on
        yield _event(first_id + position, _error(TurnInterruptedError()))
        return
    if is_open:
        yield _event(first_id + position, TextMessageEndEvent(message_id=live.reply_id))
    yield _event(first_id + position, await _end(live))


def _first_id(live: LiveTurn) -> int:
    return (live.fence - 1) * RUN_STRIDE + (_PRIVATE_STRIDE if live.is_private else 0)


def _snapshot(messages: Iterable[dict[str, Any]]) -> MessagesSnapshotEvent:
    return MessagesSnapshotEvent(
        messages=[_MESSAGES[message["role"]](id=message["id"], content=message["content"]) for message in messages]
    )


async def _end(live: LiveTurn) -> BaseEvent:
    try:
        body = await live.outcome()
    except RequestError as error:
        return _error(error)
    return RunFinishedEvent(thread_id=body["session_id"], run_id=body["message_id"], result=body)


def _error(error: RequestError) -> RunErrorEvent:
    return RunErrorEvent(message=error.message, code=error.code)


def _content(event_id: int, live: LiveTurn, text: str) -> bytes:
    return _event(event_id, TextMessageContentEvent(message_id=live.reply_id, delta=text))


def _event(event_id: int, event: BaseEvent) -> bytes:
    return f"id: {event_id}\ndata: {event.model_dump_json(by_alias=True)}\n\n".encode()
