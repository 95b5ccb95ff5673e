"""Watching a turn that another process runs: a live turn here that says what is said there."""

import asyncio
import time
from typing import Any, Final
from uuid import UUID

import psycopg
import structlog
from structlog.contextvars import bind_contextvars

from sessions.beginning import OngoingTurn
from sessions.errors import RequestError, TurnInterruptedError, error_of_turn
from sessions.in_flight import find_running
from sessions.live import LiveTurn
from sessions.relay import tell
from sessions.replaying import stored_answer
from sessions.sharing import shared_text
from sessions.store import keep
from tenants.database import Row

log = structlog.get_logger(__name__)

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 0.25
_SECONDS_BETWEEN_ASKING: Final = 2.0

# One watch serves all who follow the same run of a turn in this process.
_followed: Final[dict[tuple[UUID, int], LiveTurn]] = {}
_watching: Final[set[asyncio.Task[None]]] = set()


async def stop_watching() -> None:
    """For the end of the process: who follows a turn here is told that the line is cut."""
    watching = list(_watching)
    for task in watching:
        task.cancel()
    await asyncio.gather(*watching, return_exceptions=True)


def follow(turn: OngoingTurn) -> LiveTurn:
    """The turn as it runs, here or elsewhere. It fails with ``TurnInterruptedError`` where its owner dies.

    Whoever follows a turn holds a place of ``sessions.room``, so that watches are as bounded as turns.
    """
    here = find_running(turn.turn_id, turn.fence)
    if here is not None:
        return here.for_others
    return _followed.get((turn.turn_id, turn.fence)) or _watch(turn)


def _watch(turn: OngoingTurn) -> LiveTurn:
    live = LiveTurn(
        session_id=turn.session_id,
        message_id=turn.message_id,
        fence=turn.fence,
        reply_id=turn.reply_id,
        is_followed=True,
    )
    _followed[turn.turn_id, turn.fence] = live
    task = asyncio.create_task(_mirror(turn, live))
    _watching.add(task)
    task.add_done_callback(_watching.discard)
    return live


async def _mirror(turn: OngoingTurn, live: LiveTurn) -> None:
    bind_contextvars(turn_id=turn.turn_id)
    try:
        await _watch_until_end(turn, live)
    except RequestError as error:
        live.fail(error)
    except Exception:  # the outermost door of a task
        log.exception("a turn could not be followed")
        live.fail(TurnInterruptedError())
    finally:
        del _followed[turn.turn_id, turn.fence]
        if not live.ended:
            live.fail(TurnInterruptedError())


async def _watch_until_end(turn: OngoingTurn, live: LiveTurn) -> None:
    """Looks at the database for the end, and at what the owner shares for the words."""
    pause, ask_at, known = _FIRST_PAUSE_SECONDS, 0.0, 0
    while not await _ended(turn, live):
        text = await shared_text(turn.turn_id, turn.fence, known)
        known += len(text.encode())
        live.add(text)
        if not text and time.monotonic() >= ask_at:
            tell("share", turn.turn_id)
            ask_at = time.monotonic() + _SECONDS_BETWEEN_ASKING
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)


async def _ended(turn: OngoingTurn, live: LiveTurn) -> bool:
    """Completes ``live`` where the turn has its answer. Raises its error where it has none."""
    try:
        state = await keep.turn_state(turn.tenant_id, turn.turn_id)
    except psycopg.OperationalError:
        return False  # the turn goes on without the database, and so does who follows it
    if state is None or _is_lost(state, turn):
        raise TurnInterruptedError
    if state["state"] == "failed":
        raise error_of_turn(state["error_code"], state["error_reason"])
    if state["state"] not in {"completed", "stopped"}:
        return False
    answer = await stored_answer(turn.tenant_id, turn.turn_id, turn.session_id, turn.agent_key)
    live.add(_rest(live.text, answer.body))
    live.complete(answer.body)
    return True


def _is_lost(state: Row, turn: OngoingTurn) -> bool:
    return bool(state["fence"] != turn.fence or state["is_lapsed"] or state["state"] == "abandoned")


def _rest(said: str, body: dict[str, Any]) -> str:
    message = body["message"]
    content: str = message["content"] if message else ""
    return content[len(said) :] if content.startswith(said) else ""
