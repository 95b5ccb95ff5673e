"""Coming back to a turn: after a reload, from a second tab, at another process, after it has ended."""

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any, Final

from sessions.beginning import OngoingTurn
from sessions.doors import Door
from sessions.errors import NotFoundError, TurnInterruptedError, error_of_turn
from sessions.events import as_ended_turn, position_after, stream_turn
from sessions.following import follow
from sessions.history import HistoryMessage
from sessions.live import LiveTurn
from sessions.replaying import stored_answer
from sessions.room import take_place
from sessions.starting import check_right
from sessions.store import keep
from sessions.store.visits import Visit
from sessions.transcripts import BEYOND_THE_END, messages_page
from tenants.database import Row

_SNAPSHOT_MESSAGES: Final = 50


class JoinedStream:
    """The events of a turn that another request began. It holds a place in this process until it is closed."""

    def __init__(self, events: AsyncIterator[bytes], give_back_place: Callable[[], None]) -> None:
        self._events = events
        self.close = give_back_place

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._events


async def join_turn(door: Door, visit: Visit, message_id: str, last_event_id: int | None) -> JoinedStream:
    """The turn's events from where the reader stopped reading.

    A reader whose words are not this run's gets the messages as they are now, and the rest. Raises the session
    token's errors, ``NotFoundError``, ``OverloadedError``, and the error that the turn ended with.
    """
    give_back_place = take_place()
    try:
        return JoinedStream(await _events(door, visit, message_id, last_event_id), give_back_place)
    except BaseException:
        give_back_place()
        raise


async def is_known(visit: Visit, message_id: str) -> bool:
    """Whether the message's turn waits, runs, or has been answered: sending it again would cost nothing."""
    row = await keep.turn_of_visitor(visit, message_id)
    if row is None or not row["may_use"] or row["turn_id"] is None:
        return False
    return row["state"] not in {"failed", "abandoned"}


async def _events(door: Door, visit: Visit, message_id: str, last_event_id: int | None) -> AsyncIterator[bytes]:
    row = await keep.turn_of_visitor(visit, message_id)
    check_right(visit, row)
    assert row is not None
    if row["turn_id"] is None:
        raise NotFoundError("This session has no turn with this message_id.")
    live = await _turn(door, visit, message_id, row)
    position = position_after(live, last_event_id)
    if position is not None:
        return stream_turn(live, position)
    messages = await _messages_now(visit, live, row)
    saved = next((message["content"] for message in messages if message["id"] == live.reply_id), None)
    if saved is not None:  # meanwhile; what is followed may lag behind
        return stream_turn(live, len(saved), messages)
    if live.body is not None:  # saved, and older than what the snapshot shows
        return stream_turn(live, len(live.text), messages)
    said = live.text  # read together with its length: from here on the turn may say more
    return stream_turn(live, len(said), [*messages, *_words(live, said, row["created_at"])])


async def _turn(door: Door, visit: Visit, message_id: str, row: Row) -> LiveTurn:
    agent_key = door.agent_of_session(row["agent_id"]).agent.key
    if row["state"] == "failed":
        raise error_of_turn(row["error_code"], row["error_reason"])
    if row["state"] == "abandoned":
        raise TurnInterruptedError
    if row["state"] in {"completed", "stopped"}:
        return as_ended_turn(await stored_answer(visit.tenant_id, row["turn_id"], visit.session_id, agent_key))
    return follow(OngoingTurn.of(visit, message_id, agent_key, row))


async def _messages_now(visit: Visit, live: LiveTurn, row: Row) -> list[dict[str, Any]]:
    """The newest messages, oldest first, with the visitor's own of this turn."""
    page = await messages_page(visit, before=BEYOND_THE_END, limit=_SNAPSHOT_MESSAGES)
    messages = page.messages[::-1]
    if row["message"] and all(message["id"] != live.message_id for message in messages):
        asked = HistoryMessage(id=live.message_id, role="user", content=row["message"], at=row["created_at"])
        messages.append(asked.public())
    return messages


def _words(live: LiveTurn, said: str, at: datetime) -> list[dict[str, Any]]:
    """What the answer has come to, as a message."""
    return [HistoryMessage(id=live.reply_id, role="assistant", content=said, at=at).public()] if said else []
