"""Calls to a provider that is down, without a provider: the clock is the test's own."""

from uuid import UUID

import pytest

from agents.breaker import FAILURES_IN_A_ROW, OPEN_SECONDS, PROVIDER_FAULTS, Breaker
from agents.errors import ModelTimeoutError, ModelUnavailableError, UnavailableReason


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(UUID(int=1), clock)


def fail(breaker: Breaker, reason: UnavailableReason = "provider_failed") -> str:
    """The reason that the caller sees."""
    with pytest.raises(ModelUnavailableError) as caught, breaker.call():
        raise ModelUnavailableError(reason)
    return caught.value.reason


def answer(breaker: Breaker) -> None:
    with breaker.call() as call:
        call.heard()


def opened(breaker: Breaker) -> Breaker:
    for _ in range(FAILURES_IN_A_ROW):
        assert fail(breaker) == "provider_failed"
    return breaker


def half_open(breaker: Breaker, clock: Clock) -> Breaker:
    opened(breaker)
    clock.now += OPEN_SECONDS
    return breaker


def test_breaker_opens_after_failures_in_a_row(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    assert fail(breaker) == "breaker_open"
    clock.now += OPEN_SECONDS - 0.001
    assert fail(breaker) == "breaker_open"


def test_answer_between_failures_keeps_the_breaker_closed(breaker: Breaker) -> None:
    for _ in range(FAILURES_IN_A_ROW - 1):
        fail(breaker)
    answer(breaker)
    for _ in range(FAILURES_IN_A_ROW - 1):
        assert fail(breaker) == "provider_failed"
    assert not breaker.refuses


def test_first_word_of_a_closed_breakers_call_forgives_nothing(breaker: Breaker) -> None:
    """A provider that breaks off every answer is down, too."""

    def break_off() -> None:
        with breaker.call() as call:
            call.heard()
            raise ModelTimeoutError("idle")

    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(ModelTimeoutError):
            break_off()
    assert breaker.refuses


@pytest.mark.parametrize(
    "reason",
    ["request_rejected", "credentials_rejected", "rate_limited", "redirected", "answer_empty", "answer_refused"],
)
def test_faults_of_the_request_open_nothing(breaker: Breaker, reason: UnavailableReason) -> None:
    for _ in range(FAILURES_IN_A_ROW * 2):
        assert fail(breaker, reason) == reason
    assert reason not in PROVIDER_FAULTS


def test_half_open_breaker_lets_one_probe_through(breaker: Breaker, clock: Clock) -> None:
    with half_open(breaker, clock).call():
        assert [fail(breaker) for _ in range(3)] == ["breaker_open"] * 3


def test_probes_first_word_closes_the_breaker(breaker: Breaker, clock: Clock) -> None:
    with half_open(breaker, clock).call() as probe:
        probe.heard()
        answer(breaker)
    assert fail(breaker) == "provider_failed"
    assert not breaker.refuses


def test_failed_probe_opens_the_breaker_again(breaker: Breaker, clock: Clock) -> None:
    assert fail(half_open(breaker, clock)) == "provider_failed"
    clock.now += OPEN_SECONDS - 0.001
    assert fail(breaker) == "breaker_open"
    clock.now += 0.001
    answer(breaker)
    assert not breaker.refuses


def test_probe_that_is_broken_off_leaves_its_place_to_the_next(breaker: Breaker, clock: Clock) -> None:
    class VisitorLeft(BaseException):
        pass

    with pytest.raises(VisitorLeft), half_open(breaker, clock).call():
        raise VisitorLeft
    answer(breaker)
    assert not breaker.refuses


def test_calls_from_before_neither_close_nor_prolong_the_opening(breaker: Breaker, clock: Clock) -> None:

    def break_off_late() -> None:
        with breaker.call():
            opened(breaker)
            clock.now += OPEN_SECONDS / 2
            raise ModelUnavailableError("stream_cut")

    with breaker.call() as early:
        with pytest.raises(ModelUnavailableError):
            break_off_late()
        early.heard()
    assert fail(breaker) == "breaker_open"
    clock.now += OPEN_SECONDS / 2
    answer(breaker)
    assert not breaker.refuses
