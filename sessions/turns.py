"""The life of a turn after its beginning: think without a connection, finish in one transaction.

The turn runs in a task of its own, not in the response: a visitor who leaves does not stop it, and no save depends on
a generator's ``finally``, which a dying server never reaches.
"""

import asyncio
import logging
import time
from typing import Any, Final, TypeAlias

import psycopg
from django.conf import settings

from agents.answering import Answer, answer
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from sessions.answers import answer_body
from sessions.beginning import LEASE_SECONDS, BegunTurn, TurnRequest, begin_turn
from sessions.cleaning import AnswerCleaner
from sessions.doors import Door
from sessions.errors import (
    InternalError,
    ModelDownError,
    ModelSlowError,
    OverloadedError,
    RequestError,
    TurnInProgressError,
)
from sessions.history import HistoryMessage, as_json
from sessions.live import LiveTurn
from sessions.store import finish
from sessions.store.visits import Claim
from tenants.identifiers import new_message_id

log = logging.getLogger(__name__)

Begun: TypeAlias = asyncio.Future[LiveTurn | dict[str, Any]]

_SAVE_PAUSES_SECONDS: Final = (0.1, 0.5, 2.0)
_running: set[asyncio.Task[None]] = set()


async def take_turn(door: Door, request: TurnRequest) -> LiveTurn | dict[str, Any]:
    """Starts answering the message, or gives the stored body where it was answered before.

    Raises ``RequestError``; what is refused has written nothing. One task begins and runs the turn: a visitor who
    leaves between the claim and the first word must not leave a claimed turn behind that nobody runs.
    """
    if len(_running) >= settings.MAX_TURNS_IN_FLIGHT:
        raise OverloadedError
    begun: Begun = asyncio.get_running_loop().create_future()
    begun.add_done_callback(_notice)
    task = asyncio.create_task(_turn(door, request, begun))
    _running.add(task)  # the event loop itself holds tasks only weakly
    task.add_done_callback(_running.discard)
    return await asyncio.shield(begun)


async def finish_running_turns(seconds: float) -> None:
    """Lets this process's turns end, for at most ``seconds``; others take the rest over once their lease ran out."""
    if _running:
        _, late = await asyncio.wait(_running, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def _notice(begun: Begun) -> None:
    """Takes note of a refusal that its visitor is no longer there to hear."""
    if not begun.cancelled():
        begun.exception()


async def _turn(door: Door, request: TurnRequest, begun: Begun) -> None:
    try:
        beginning = await begin_turn(door, request)
    except Exception as error:  # noqa: BLE001  handed on to whoever asked for the turn
        begun.set_exception(error)
        return
    except asyncio.CancelledError:
        begun.set_exception(OverloadedError())
        raise
    if not isinstance(beginning, BegunTurn):
        begun.set_result(beginning)
        return
    live = LiveTurn(session_id=request.session_id, message_id=request.message_id, reply_id=new_message_id())
    begun.set_result(live)
    keeping = asyncio.create_task(_keep_lease(beginning.claim))
    try:
        await _run(beginning, live)
    finally:
        keeping.cancel()
        if not live.ended:  # cancelled, or broken beyond what an outcome could be made of
            live.fail(InternalError())


async def _keep_lease(claim: Claim) -> None:
    """Shows every few seconds that the turn's owner lives; a database that is away is asked again."""
    renewed = True
    while renewed:
        await asyncio.sleep(LEASE_SECONDS / 4)
        try:
            renewed = await finish.renew_lease(claim, LEASE_SECONDS)
        except psycopg.Error as error:
            log.warning("the lease of turn %s was not renewed: %s", claim.turn_id, type(error).__name__)


class _Clock:
    """Milliseconds of one turn."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self.first_token_ms: int | None = None

    def first_token(self) -> None:
        if self.first_token_ms is None:
            self.first_token_ms = self.total_ms

    @property
    def total_ms(self) -> int:
        return round((time.monotonic() - self._started) * 1000)


async def _run(begun: BegunTurn, live: LiveTurn) -> None:
    """The turn's own task: its outermost door, where every error becomes an outcome."""
    clock = _Clock()
    try:
        said = await _think(begun, live, clock)
        live.complete(await _finish(begun, live, said, clock))
    except ModelError as error:
        await _fail(begun, live, clock, _visible_error(error), error.reason)
    except RequestError as error:
        live.fail(error)
    except psycopg.Error:
        log.exception("turn %s could not be saved", begun.claim.turn_id)
        await _fail(begun, live, clock, OverloadedError(), "not_saved")
    except Exception:  # the outermost door of a task
        log.exception("turn %s broke", begun.claim.turn_id)
        await _fail(begun, live, clock, InternalError(), "broken")


async def _think(begun: BegunTurn, live: LiveTurn, clock: _Clock) -> Answer:
    cleaner = AnswerCleaner()
    said: Answer | None = None
    async for part in answer(
        begun.profile, history=begun.history, message=begun.request.message, context=begun.context
    ):
        if isinstance(part, str):
            clock.first_token()
            live.add(cleaner.feed(part))
        else:
            said = part
    live.add(cleaner.finish())
    if said is None or not live.text.strip():
        raise ModelUnavailableError("answer_empty")
    return said


async def _finish(begun: BegunTurn, live: LiveTurn, said: Answer, clock: _Clock) -> dict[str, Any]:
    """Saves the exchange, gives the answer's body. Raises ``TurnInProgressError`` where another took the turn over."""
    question = HistoryMessage.said_now(begun.request.message_id, "user", begun.request.message)
    reply = HistoryMessage.said_now(live.reply_id, "assistant", live.text)
    message_count = await _save(
        begun.claim,
        {
            "pair": as_json([question, reply]),
            "reply_id": reply.id,
            "model": said.model,
            "demo": begun.profile.is_demo,
            "input_tokens": said.input_tokens,
            "output_tokens": said.output_tokens,
            "first_token_ms": clock.first_token_ms,
            "total_ms": clock.total_ms,
        },
    )
    if message_count is None:
        raise TurnInProgressError
    return answer_body(
        session_id=begun.request.session_id,
        message_id=begun.request.message_id,
        agent_key=begun.profile.key,
        reply=reply,
        message_count=message_count,
        demo=begun.profile.is_demo,
        input_tokens=said.input_tokens,
        output_tokens=said.output_tokens,
    )


async def _save(claim: Claim, values: dict[str, Any]) -> int | None:
    """Finishes the turn, again where the connection broke: the fence makes a second try harmless.

    A commit whose acknowledgement was lost is found by its reply. Raises psycopg's errors after the last try.
    """
    message_count = None
    for pause_seconds in (*_SAVE_PAUSES_SECONDS, None):
        try:
            message_count = await finish.finish_turn(claim, values)
            break
        except psycopg.OperationalError:
            if pause_seconds is None:
                raise
            await asyncio.sleep(pause_seconds)
    return await finish.saved_count(claim, values["reply_id"]) if message_count is None else message_count


async def _fail(begun: BegunTurn, live: LiveTurn, clock: _Clock, error: RequestError, reason: str) -> None:
    """Closes the turn as failed, for staff to find, and tells the visitor what happened."""
    values = {
        "error_code": error.code,
        "error_reason": reason,
        "model": begun.profile.model,
        "demo": begun.profile.is_demo,
        "first_token_ms": clock.first_token_ms,
        "total_ms": clock.total_ms,
    }
    try:
        await finish.fail_turn(begun.claim, values)
    except psycopg.Error:
        log.exception("turn %s could not be closed; its lease will run out", begun.claim.turn_id)
    log.warning("turn %s failed: %s (%s)", begun.claim.turn_id, error.code, reason)
    live.fail(error)


def _visible_error(error: ModelError) -> RequestError:
    return ModelSlowError() if isinstance(error, ModelTimeoutError) else ModelDownError()
