"""Several calls for one answer: again where that may help, and of the fallback where the first choice gives up.

While nothing was said, a call that failed in passing (`RETRIED`) is made again, after a pause that grows and is drawn
at random, so that those who failed together do not come back together. `Retry-After` is kept; where it is longer than
anybody would wait, the choice gives up at once. No call begins when there is no time left for it, and while there is a
fallback the first choice must begin to answer within half of the time.

An answer that has begun is never begun again: what a visitor has read stays. An empty answer is asked for again, as
the visitor would; one that ran out of tokens, or that a filter held back, would only be so again.

Of our own beside tenacity: its pause and its end cannot see the deadline, the breaker, or what was said; and around a
generator its block takes the end of the generator, and a cancelled turn, for a failed attempt.
"""

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import count

import structlog

from agents.calls import Answer, call_model
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError, TimeoutReason
from agents.graphs.prompt import Question
from agents.llm import Client, clients
from agents.profiles import AgentProfile, ModelChoice

ATTEMPTS = 3  # of each choice
FIRST_PAUSE_SECONDS = 0.5  # at most; the next at most twice as long
LONGEST_RETRY_AFTER_SECONDS = 10.0
SHARE_BEFORE_FALLBACK = 0.5  # of the total time
RETRIED = frozenset(
    {
        "connection_failed",
        "connect",
        "rate_limited",
        "provider_failed",
        "protocol_broken",
        "error_in_stream",
        "stream_cut",
        "finish_missing",
        "answer_empty",
    }
)
LEFT_AT_THAT = frozenset({"answer_refused"})
"""Another model is not asked what the first one's filter held back."""

log = structlog.get_logger(__name__)

Parts = AsyncGenerator[str | Answer, None]


class Attempts:
    """The calls for one answer, from now on and for `profile.total_timeout_seconds` in all."""

    def __init__(self, profile: AgentProfile, question: Question) -> None:
        self._profile = profile
        self._question = question
        self._started = _now()
        self._deadline = self._started + profile.total_timeout_seconds
        self._said = False
        self._made = 0

    async def parts(self) -> Parts:
        """The pieces of one answer, then the `Answer`. Raises the last choice's `ModelError`."""
        if not self._profile.choices:
            raise ModelUnavailableError("credentials_unreadable")
        for number, choice in enumerate(self._profile.choices, start=1):
            is_last = number == len(self._profile.choices)
            by = self._deadline if is_last else self._started + SHARE_BEFORE_FALLBACK * self._total
            try:
                async with aclosing(self._tries(choice, by)) as parts:
                    async for part in parts:
                        yield part
            except ModelError as error:
                error.attempts = self._made
                if is_last or self._said or error.reason in LEFT_AT_THAT:
                    raise
                self._note_fallback(error)
            else:
                return

    @property
    def _total(self) -> float:
        return self._profile.total_timeout_seconds

    async def _tries(self, choice: ModelChoice, by: float) -> Parts:
        client = await clients().client_for(choice.connection)
        for attempt in count(1):
            try:
                async with aclosing(self._try(client, choice, by)) as parts:
                    async for part in parts:
                        yield part
            except ModelError as error:
                pause = self._pause(error, attempt)
                if pause is None or client.breaker(choice.model).refuses or _now() + pause >= by:
                    raise
            else:
                return
            await asyncio.sleep(pause)

    async def _try(self, client: Client, choice: ModelChoice, by: float) -> Parts:
        model = client.model(choice.model, self._profile.temperature, self._profile.max_output_tokens)
        with client.breaker(choice.model).call() as call:
            self._made += 1
            answering = within(call_model(self._question, model, choice.model), by, self._deadline)
            async with aclosing(answering) as parts:
                async for part in parts:
                    call.heard()
                    self._said = self._said or bool(part)
                    yield part

    def _pause(self, error: ModelError, attempt: int) -> float | None:
        """Seconds until the next attempt; None where there is to be none."""
        asked = error.retry_after_seconds or 0.0
        if self._said or attempt >= ATTEMPTS or error.reason not in RETRIED or asked > LONGEST_RETRY_AFTER_SECONDS:
            return None
        return asked + random.uniform(0, FIRST_PAUSE_SECONDS * 2 ** (attempt - 1))  # noqa: S311 - spreads, hides nothing

    def _note_fallback(self, error: ModelError) -> None:
        log.warning("the fallback is asked", agent_id=self._profile.agent_id, reason=error.reason, attempts=self._made)


async def within(parts: Parts, first_by: float, all_by: float) -> Parts:
    """The parts, while there is time. The clock stops nobody but the model: a slow reader has all the time."""
    limit = first_by
    reason: TimeoutReason = "first_token"
    async with aclosing(parts):
        while True:
            try:
                async with asyncio.timeout_at(limit):
                    part = await anext(parts)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ModelTimeoutError(reason) from None
            limit, reason = all_by, "total"
            yield part


def _now() -> float:
    return asyncio.get_running_loop().time()
