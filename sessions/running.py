"""A claimed turn, from its place in the line to its end: wait, think without a connection, finish in one transaction.

Whatever happens ends in an outcome: the exchange in the history, or a closed turn that staff can find and an error
that its visitor can read. Where not even that can be written, the lease runs out and the next request takes over.
"""

import asyncio
import time
from datetime import timedelta
from typing import Any, Final

import psycopg
import structlog
from django.conf import settings
from structlog.contextvars import bind_contextvars

from agents.answering import Answer, answer, cut_short
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from sessions.again import again_if_broken
from sessions.answers import answer_body
from sessions.beginning import BegunTurn
from sessions.cleaning import AnswerCleaner
from sessions.errors import (
    InternalError,
    ModelDownError,
    ModelSlowError,
    OverloadedError,
    RecordsAwayError,
    RequestError,
    TurnInProgressError,
    TurnInterruptedError,
    error_of_turn,
)
from sessions.hiding import Exchange
from sessions.history import HistoryMessage, as_json
from sessions.in_flight import running_here
from sessions.live import InterruptedTurn, LiveTurn
from sessions.privacy.restoring import Restorer
from sessions.relay import tell
from sessions.replaying import stored_answer
from sessions.store import finish, keep
from sessions.store.finish import Finished
from sessions.store.visits import Claim
from sessions.waiting import wait_in_line
from tenants.errors import DatabaseAwayError

log = structlog.get_logger(__name__)

_SAVE_PAUSES_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0)
_CLOSE_PAUSES_SECONDS: Final = (0.1, 0.5, 1.0)
_SECONDS_TO_LET_GO: Final = 2.0


async def run_turn(begun: BegunTurn, live: LiveTurn) -> None:
    """Brings the turn to its end. Cancelled, it lets go of the turn, so that another process may run it at once."""
    bind_contextvars(turn_id=begun.claim.turn_id)  # of this task: nothing else runs in it
    run = _Run(begun, live)
    keeping = asyncio.create_task(_keep_lease(begun.claim, live))
    try:
        with running_here(begun.claim.turn_id, live):
            await run.to_its_end()
    except asyncio.CancelledError:
        await run.let_go()
        raise
    finally:
        keeping.cancel()


async def _keep_lease(claim: Claim, live: LiveTurn) -> None:
    """Shows every few seconds that the turn's owner lives, and hears there whether it must stop.

    A database that is away is asked again; a turn that another owner has taken over is given up.
    """
    while True:
        await asyncio.sleep(settings.TURN_LEASE_SECONDS / 4)
        try:
            renewed = await keep.renew_lease(claim, settings.TURN_LEASE_SECONDS)
        except psycopg.Error as error:
            log.warning("the lease of a turn was not renewed", error=error)
            continue
        if renewed is None:
            live.interrupt("lost")
            return
        if renewed["must_stop"]:
            live.interrupt("stopped")


class _Run:
    """One run of one turn."""

    def __init__(self, begun: BegunTurn, live: LiveTurn) -> None:
        self._claim = begun.claim
        self._request = begun.request
        self._profile = begun.profile
        self._begun = begun
        self._conversation = begun.conversation
        self._live = live
        self._restorer: Restorer | None = None
        self._started_at = time.monotonic()
        self._first_token_ms: int | None = None

    async def to_its_end(self) -> None:
        """The outermost door of a turn: every error becomes an outcome."""
        try:
            await self._answer_or_stop()
        except ModelError as error:
            await self._fail(_visible_error(error), error.reason)
        except RequestError as error:
            await self._fail(error, "waited_too_long" if isinstance(error, TurnInProgressError) else error.code)
        except psycopg.Error as error:
            log.exception("a turn could not be saved")
            is_away = isinstance(error, DatabaseAwayError)
            await self._fail(RecordsAwayError() if is_away else OverloadedError(), "not_saved")
        except Exception:
            log.exception("a turn broke")
            await self._fail(InternalError(), "broken")

    async def let_go(self) -> None:
        """Leaves the turn to whoever asks for it next; quickly, for this process is about to end."""
        try:
            async with asyncio.timeout(_SECONDS_TO_LET_GO):
                await self._close("abandoned", TurnInterruptedError.code, "process_ended")
        except (psycopg.Error, TimeoutError) as error:
            log.warning("a turn was not let go", error=error)
        self._tell("abandoned")
        self._live.fail(TurnInterruptedError())

    async def _answer_or_stop(self) -> None:
        try:
            await self._wait_and_answer()
        except InterruptedTurn:
            await self._end_interrupted()

    async def _wait_and_answer(self) -> None:
        if self._begun.is_waiting:
            self._conversation = await wait_in_line(self._begun, self._live)
            self._started_at = time.monotonic()
        await self._hide_from_model()
        said = await self._live.interruptible(self._think())
        await self._finish(said, "completed")

    async def _hide_from_model(self) -> None:
        """The real words of this turn's placeholders are its visitor's alone, and known until it ends."""
        hiding = self._begun.hiding
        if hiding is not None and hiding.is_before_model:
            self._conversation = self._conversation.hidden(await hiding.for_model(self._conversation.told))
            self._restorer = Restorer(hiding.real_words)

    async def _think(self) -> Answer:
        cleaner, said = AnswerCleaner(), None
        async for part in answer(self._profile, **self._question()):
            if isinstance(part, Answer):
                said = part
            else:
                self._note_first_token()
                self._say(cleaner.feed(part))
        self._say(cleaner.finish())
        if self._restorer is not None:
            self._live.add(self._restorer.finish())
        if said is None or not self._live.text.strip():
            raise ModelUnavailableError("answer_empty")
        return said

    def _say(self, text: str) -> None:
        self._live.add(text if self._restorer is None else self._restorer.feed(text))

    @property
    def _said(self) -> str:
        """What the model has said, as far as the visitor has heard it."""
        return self._live.text if self._restorer is None else self._restorer.said

    def _note_first_token(self) -> None:
        if self._first_token_ms is None:
            self._first_token_ms = self._milliseconds

    def _question(self) -> dict[str, Any]:
        conversation = self._conversation
        return {
            "history": conversation.history,
            "message": self._begun.message,
            "context": conversation.context,
        }

    async def _end_interrupted(self) -> None:
        """Stopped: what was said until then is the answer. Lost: another owner answers, and this one is silent."""
        if self._live.interruption == "lost":
            self._tell("lost")
            self._live.fail(TurnInterruptedError())
        elif self._live.text.strip():
            await self._finish(cut_short(self._profile, **self._question(), text=self._live.text), "stopped")
        else:
            await self._close("stopped", "", "")
            self._tell("stopped")
            self._live.complete(await self._stored_body())

    async def _finish(self, said: Answer, state: str) -> None:
        """Saves the exchange and gives the answer to all who wait for it."""
        stored = await self._stored_words()
        question, reply = self._exchange(stored, stopped=state == "stopped")
        values = {
            **self._figures(said.model),
            "state": state,
            "pair": as_json([question, reply]),
            "reply_id": reply.id,
            "input_tokens": said.input_tokens,
            "output_tokens": said.output_tokens,
        }
        finished = await _save(self._claim, values, stored.over_told())
        if finished is None:
            self._tell("lost")
            self._live.fail(TurnInterruptedError())
            return
        self._tell(state, input_tokens=said.input_tokens, output_tokens=said.output_tokens)
        self._move_line_on(finished.somebody_waits)
        heard = reply.model_copy(update={"content": self._live.text})
        count = finished.message_count
        self._live.complete(self._body(heard, count, said), self._body(reply, count, said))

    async def _stored_words(self) -> Exchange:
        """The turn's words as they may be stored. Raises ``InternalError`` where they cannot be replaced."""
        message, hiding = self._begun.message, self._begun.hiding
        if hiding is None:
            return Exchange(message, self._said)
        return await hiding.exchange(self._conversation.told, message, self._said)

    def _exchange(self, stored: Exchange, *, stopped: bool) -> tuple[HistoryMessage, HistoryMessage]:
        asked_at = self._conversation.asked_at
        answered_at = asked_at + timedelta(milliseconds=self._milliseconds)
        message_id, reply_id = self._request.message_id, self._live.reply_id
        kept: dict[str, Any] = {"redacted": self._begun.hiding is not None}
        return (
            HistoryMessage(id=message_id, role="user", content=stored.message, at=asked_at, **kept),
            HistoryMessage(
                id=reply_id, role="assistant", content=stored.reply, at=answered_at, stopped=stopped, **kept
            ),
        )

    def _body(self, reply: HistoryMessage, message_count: int, said: Answer) -> dict[str, Any]:
        return answer_body(
            session_id=self._request.session_id,
            message_id=self._request.message_id,
            agent_key=self._profile.key,
            reply=reply,
            message_count=message_count,
            demo=self._profile.is_demo,
            input_tokens=said.input_tokens,
            output_tokens=said.output_tokens,
            stopped=reply.stopped,
        )

    async def _stored_body(self) -> dict[str, Any]:
        claim, key = self._claim, self._profile.key
        return (await stored_answer(claim.tenant_id, claim.turn_id, self._request.session_id, key)).body

    async def _fail(self, error: RequestError, reason: str) -> None:
        """Closes the turn as failed, for staff to find, and tells the visitor what happened."""
        try:
            await self._close("failed", error.code, reason)
        except psycopg.Error:
            log.exception("a turn could not be closed; its lease will run out")
        self._tell("failed", code=error.code, reason=reason)
        self._live.fail(error)

    async def _close(self, state: str, error_code: str, reason: str) -> None:
        stored = await self._words_to_leave()
        values = {
            **self._figures(self._profile.model),
            "state": state,
            "error_code": error_code,
            "error_reason": reason,
            "message": None if self._begun.hiding is None else stored.message,
            "partial_reply": stored.reply,
        }
        over_told = stored.over_told()
        closing = again_if_broken(lambda: keep.close_turn(self._claim, values, over_told), _CLOSE_PAUSES_SECONDS)
        self._move_line_on(await closing)

    def _tell(self, state: str, **more: Any) -> None:
        """The turn's one line in the log."""
        how = log.warning if state == "failed" else log.info
        how("turn ended", state=state, ms=self._milliseconds, first_token_ms=self._first_token_ms, **more)

    async def _words_to_leave(self) -> Exchange:
        """Of a turn without an exchange. Where the redactor broke: no more than is stored already, for its job."""
        try:
            return await self._stored_words()
        except InternalError:
            return Exchange(self._begun.message, "")

    def _move_line_on(self, somebody_waits: bool) -> None:
        if somebody_waits:
            tell("next", self._claim.session_pk)

    def _figures(self, model: str) -> dict[str, Any]:
        return {
            "model": model,
            "demo": self._profile.is_demo,
            "first_token_ms": self._first_token_ms,
            "total_ms": self._milliseconds,
        }

    @property
    def _milliseconds(self) -> int:
        return round((time.monotonic() - self._started_at) * 1000)


async def _save(claim: Claim, values: dict[str, Any], over_told: dict[str, Any] | None) -> Finished | None:
    """Finishes the turn, again where the connection broke: the fence makes a second try harmless.

    A commit whose acknowledgement was lost is found by its reply. Raises psycopg's errors after the last try.
    """
    finished = await again_if_broken(lambda: finish.finish_turn(claim, values, over_told), _SAVE_PAUSES_SECONDS)
    return finished or await finish.finished_before(claim, values["reply_id"])


def _visible_error(error: ModelError) -> RequestError:
    kind = ModelSlowError if isinstance(error, ModelTimeoutError) else ModelDownError
    return error_of_turn(kind.code, error.reason)
