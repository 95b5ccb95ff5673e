"""A breaker: a provider that is down is not called, so that its visitors hear so at once and it can get up.

After `FAILURES_IN_A_ROW` calls that failed through the provider's fault, calls are refused for `OPEN_SECONDS`. Then one
call, the probe, is let through; its first word closes the breaker, its failure opens it again. Only the provider's
faults count: a request it refuses, a rejected key or a rate limit (which has `Retry-After`) shows that it lives.

Of our own, for no library fits: pybreaker knows no asyncio, aiobreaker was released last in 2021, and purgatory lets
every call through in the moment when one should probe, and keeps its time by the wall clock.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from agents.errors import ModelError, ModelUnavailableError

FAILURES_IN_A_ROW = 5
OPEN_SECONDS = 10.0
PROVIDER_FAULTS = frozenset(
    {
        "connection_failed",
        "connect",
        "first_token",
        "idle",
        "provider_failed",
        "protocol_broken",
        "error_in_stream",
        "stream_cut",
    }
)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class GuardedCall:
    """One call that was let through. Say `heard` when the model's first word, or thought, is there."""

    breaker: "Breaker"
    is_probe: bool

    def heard(self) -> None:
        if self.is_probe:
            self.is_probe = False
            self.breaker.close()


class Breaker:
    """Of one model at one connection, in one process. `clock` gives seconds that only grow."""

    def __init__(self, connection_id: UUID, clock: Callable[[], float]) -> None:
        self._connection_id = connection_id
        self._clock = clock
        self._failures = 0
        self._open_until: float | None = None
        self._probing = False

    @property
    def refuses(self) -> bool:
        """Whether a call would be refused now."""
        return self._open_until is not None and (self._probing or self._clock() < self._open_until)

    @contextmanager
    def call(self) -> Iterator[GuardedCall]:
        """Around one call; a call that is broken off from here, say by a visitor, counts as nothing."""
        if self.refuses:
            raise ModelUnavailableError("breaker_open")
        call = GuardedCall(self, is_probe=self._open_until is not None)
        self._probing = call.is_probe
        try:
            yield call
            self._failures = 0
        except ModelError as error:
            if error.reason in PROVIDER_FAULTS:
                self._failed(call)
            raise
        finally:
            if call.is_probe:
                self._probing = False

    def close(self) -> None:
        self._open_until, self._failures, self._probing = None, 0, False
        log.info("breaker closed", connection_id=self._connection_id)

    def _failed(self, call: GuardedCall) -> None:
        if self._open_until is not None and not call.is_probe:
            return  # it began before the breaker opened, and tells nothing new
        self._failures += 1
        if call.is_probe or self._failures >= FAILURES_IN_A_ROW:
            self._open_until = self._clock() + OPEN_SECONDS
            log.warning("breaker open", connection_id=self._connection_id, failures=self._failures)
