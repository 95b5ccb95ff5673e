"""The turns of this process: begun, joined, bounded in number, and let to their end when the process ends.

A turn runs in a task of its own, not in the response: a visitor who leaves does not stop it, and no save depends on a
generator's ``finally``, which a dying server never reaches.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import UUID

from django.conf import settings
from structlog.contextvars import bind_contextvars

from sessions.answers import StoredAnswer
from sessions.beginning import BegunTurn, OngoingTurn, TurnRequest, begin_turn
from sessions.doors import Door
from sessions.errors import InternalError, OverloadedError, TurnInProgressError, TurnInterruptedError
from sessions.following import follow
from sessions.limits.admission import Allowance, count_tokens, give_back_turn
from sessions.live import LiveTurn, PrivateTurn
from sessions.room import take_place
from sessions.running import run_turn

_running: Final[set[asyncio.Task[None]]] = set()


@dataclass(frozen=True, slots=True)
class TakenTurn:
    turn_id: UUID
    live: LiveTurn
    is_own: bool
    """False where another request began it."""


Taken: TypeAlias = TakenTurn | StoredAnswer
_Begun: TypeAlias = asyncio.Future[Taken]


async def answer_message(door: Door, request: TurnRequest, allowance: Allowance) -> tuple[dict[str, object], bool]:
    """The answer's body, and whether it is a replay. Joins the turn where it runs already.

    Raises ``RequestError``; ``TurnInProgressError`` where a joined turn does not end in time.
    """
    give_up_at = time.monotonic() + settings.TURN_WAIT_SECONDS
    while True:
        taken = await take_turn(door, request, allowance)
        if isinstance(taken, StoredAnswer):
            return taken.body, True
        try:
            return await _outcome(taken, give_up_at), False
        except TurnInterruptedError:
            # Its owner died: the same message may run again, here.
            if taken.is_own or time.monotonic() >= give_up_at:
                raise


async def _outcome(taken: TakenTurn, give_up_at: float) -> dict[str, object]:
    if taken.is_own:
        return await taken.live.outcome()
    try:
        async with asyncio.timeout(give_up_at - time.monotonic()):
            return await taken.live.outcome()
    except TimeoutError:
        raise TurnInProgressError from None


async def take_turn(door: Door, request: TurnRequest, allowance: Allowance) -> Taken:
    """Starts answering the message, joins the turn that does, or gives the stored answer.

    Raises ``RequestError``; what is refused has written nothing. One task begins and runs the turn: a visitor who
    leaves between the claim and the first word must not leave a claimed turn behind that nobody runs.
    """
    try:
        give_back_place = take_place()
    except OverloadedError:
        await give_back_turn(allowance)
        raise
    begun: _Begun = asyncio.get_running_loop().create_future()
    begun.add_done_callback(_notice)
    task = asyncio.create_task(_turn(door, request, allowance, begun))
    _running.add(task)  # the event loop itself holds tasks only weakly
    task.add_done_callback(_running.discard)
    task.add_done_callback(lambda _: give_back_place())
    taken = await asyncio.shield(begun)
    if isinstance(taken, TakenTurn):
        bind_contextvars(turn_id=taken.turn_id)  # for the lines of the request, too
    return taken


async def finish_running_turns(seconds: float) -> None:
    """Lets this process's turns end, for at most ``seconds``; the rest is let go, for others to take over."""
    if _running:
        _, late = await asyncio.wait(_running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _notice(begun: _Begun) -> None:
    """Takes note of a refusal that its visitor is no longer there to hear."""
    if not begun.cancelled():
        begun.exception()


async def _turn(door: Door, request: TurnRequest, allowance: Allowance, begun: _Begun) -> None:
    try:
        beginning = await begin_turn(door, request)
    except Exception as error:  # noqa: BLE001  handed on to whoever asked for the turn
        begun.set_exception(error)
        await give_back_turn(allowance)
    except asyncio.CancelledError:
        begun.set_exception(OverloadedError())
        raise
    else:
        await _go_on(beginning, allowance, begun)


async def _go_on(beginning: BegunTurn | OngoingTurn | StoredAnswer, allowance: Allowance, begun: _Begun) -> None:
    if isinstance(beginning, BegunTurn):
        live = _live(beginning)
        begun.set_result(TakenTurn(beginning.claim.turn_id, live, is_own=True))
        await _run(beginning, live, allowance)
        return
    await give_back_turn(allowance)
    if isinstance(beginning, OngoingTurn):
        begun.set_result(TakenTurn(beginning.turn_id, follow(beginning), is_own=False))
    else:
        begun.set_result(beginning)


async def _run(begun: BegunTurn, live: LiveTurn, allowance: Allowance) -> None:
    try:
        await run_turn(begun, live)
    finally:
        if not live.ended:  # broken beyond what an outcome could be made of
            live.fail(InternalError())
    if live.body is not None:
        await count_tokens(allowance, sum(live.body["usage"].values()))


def _live(begun: BegunTurn) -> LiveTurn:
    kind = LiveTurn if begun.hiding is None else PrivateTurn
    return kind(
        session_id=begun.request.session_id,
        message_id=begun.request.message_id,
        fence=begun.claim.fence,
        reply_id=begun.reply_id,
    )
