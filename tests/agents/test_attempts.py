"""Several calls for one answer, over real HTTP: the stub counts what it was asked."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from agents import attempts, breaker, llm
from agents.answering import Answer, answer, cut_short
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from agents.profiles import AgentProfile, ModelChoice
from tests.agents.builders import ask, conversation, make_connection, make_profile
from tests.stub_model import StubModel

ECHO = 'echo:{"system":97,"messages":[["user","Hi"]]}'


@pytest.fixture(autouse=True)
async def _closed_clients() -> AsyncIterator[None]:
    yield
    await llm.close_clients()


@pytest.fixture
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_PAUSE_SECONDS", 0.01)


def named(settings: str) -> str:
    """A model's name with the stub's settings in it, and a mark of its own: the stub counts by names."""
    return f"stub;{settings};mark={uuid4().hex[:8]}"


def stub_profile(stub: StubModel, model: str, **changes: Any) -> AgentProfile:
    timeouts = {"first_token_timeout_seconds": 0.5, "idle_timeout_seconds": 0.5}
    return make_profile(make_connection(stub.url, **timeouts), model=model, **changes)


def with_fallback(stub: StubModel, first: str, second: str, **changes: Any) -> AgentProfile:
    return stub_profile(stub, first, fallback=ModelChoice(make_connection(stub.url), second), **changes)


async def failure(profile: AgentProfile) -> tuple[str, ModelError, float]:
    """What was said before it, the error, and the seconds it took."""
    said = ""
    started = time.monotonic()

    async def listen() -> None:
        nonlocal said
        async for part in answer(profile, history=[], message="Hi", context={}):
            said += str(part)

    with pytest.raises(ModelError) as caught:
        await listen()
    return said, caught.value, time.monotonic() - started


@pytest.mark.usefixtures("_without_pauses")
@pytest.mark.parametrize(
    "settings",
    [
        "fault=429;retry_after=",
        "fault=429;retry_after=0",
        "fault=500",
        "fault=503;retry_after=",
        "fault=hang_up",
        "fault=garbage",
        "fault=error_event",
        "fault=cut_early",
        "fault=empty",
    ],
)
async def test_passing_fault_is_tried_again(stub_model: StubModel, settings: str) -> None:
    model = named(f"{settings};fail_first=2")

    pieces, whole = await ask(stub_profile(stub_model, model), "Hi")

    assert ("".join(pieces), whole.text, whole.model) == (ECHO, ECHO, model)
    assert stub_model.calls(model) == 3


@pytest.mark.usefixtures("_without_pauses")
@pytest.mark.parametrize(
    ("settings", "reason"),
    [("fault=500", "provider_failed"), ("fault=429;retry_after=", "rate_limited"), ("fault=empty", "answer_empty")],
)
async def test_lasting_fault_is_tried_three_times(stub_model: StubModel, settings: str, reason: str) -> None:
    model = named(settings)

    _, error, _ = await failure(stub_profile(stub_model, model))

    assert (error.reason, error.attempts, stub_model.calls(model)) == (reason, 3, 3)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("400", "request_rejected"),
        ("401", "credentials_rejected"),
        ("403", "credentials_rejected"),
        ("404", "request_rejected"),
        ("redirect", "redirected"),
        ("hang", "first_token"),
        ("comments", "first_token"),
        ("content_filter", "answer_refused"),
        ("spent", "tokens_spent"),
    ],
)
async def test_other_faults_are_not_tried_again(stub_model: StubModel, fault: str, reason: str) -> None:
    model = named(f"fault={fault}")

    _, error, seconds = await failure(stub_profile(stub_model, model))

    assert (error.reason, error.attempts, stub_model.calls(model)) == (reason, 1, 1)
    assert seconds < 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("cut", "stream_cut"),
        ("late_garbage", "protocol_broken"),
        ("stall", "idle"),
        ("no_finish", "finish_missing"),
        ("huge", "answer_too_long"),
    ],
)
async def test_answer_that_has_begun_is_never_begun_again(stub_model: StubModel, fault: str, reason: str) -> None:
    first, second = named(f"fault={fault};fail_first=1"), named("well=1")

    said, error, _ = await failure(with_fallback(stub_model, first, second))

    assert error.reason == reason
    assert stub_model.calls() == stub_model.calls(first) == 1
    whole = "x" * 32_000 if fault == "huge" else ECHO
    assert said != ""
    assert whole.startswith(said)


async def test_answer_up_to_the_limit_of_tokens_is_an_answer(stub_model: StubModel) -> None:
    _, whole = await ask(stub_profile(stub_model, named("fault=length")), "Hi")

    assert whole.text == ECHO


@pytest.mark.parametrize("asked", ["1", "date+2"])
async def test_retry_after_is_waited_for(stub_model: StubModel, asked: str) -> None:
    model = named(f"fault=429;fail_first=1;retry_after={asked}")
    started = time.monotonic()

    await ask(stub_profile(stub_model, model), "Hi")

    assert 0.95 < time.monotonic() - started < 3
    assert stub_model.calls(model) == 2


@pytest.mark.parametrize(
    ("settings", "total_seconds", "reason"),
    [
        ("fault=429;retry_after=11", 60.0, "rate_limited"),
        ("fault=503;retry_after=date+60", 600.0, "provider_failed"),
        ("fault=503;retry_after=4", 3.0, "provider_failed"),
    ],
)
async def test_retry_after_beyond_patience_or_deadline_is_not_waited_for(
    stub_model: StubModel, settings: str, total_seconds: float, reason: str
) -> None:
    model = named(settings)

    _, error, seconds = await failure(stub_profile(stub_model, model, total_timeout_seconds=total_seconds))

    assert (error.reason, stub_model.calls(model)) == (reason, 1)
    assert seconds < 0.5


async def test_deadline_covers_all_attempts(stub_model: StubModel) -> None:
    first, second = named("fault=500;latency_ms=300"), named("fault=hang")

    _, error, seconds = await failure(with_fallback(stub_model, first, second, total_timeout_seconds=1.0))

    assert (type(error), error.reason) == (ModelTimeoutError, "first_token")
    assert 0.9 < seconds < 1.3


async def test_no_attempt_begins_when_its_time_is_over(stub_model: StubModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "FIRST_PAUSE_SECONDS", 1_000.0)
    model = named("fault=500")

    _, error, seconds = await failure(stub_profile(stub_model, model, total_timeout_seconds=1.0))

    assert (error.reason, stub_model.calls(model)) == ("provider_failed", 1)
    assert seconds < 0.5


def test_pauses_grow_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    async def drawn(attempt: int) -> list[float]:
        made = attempts.Attempts(make_profile(), None)  # type: ignore[arg-type]  # the question plays no part
        pauses = [made._pause(ModelUnavailableError("provider_failed"), attempt) for _ in range(1_000)]
        return [pause for pause in pauses if pause is not None]

    for attempt, longest in ((1, 0.5), (2, 1.0)):
        pauses = asyncio.run(drawn(attempt))
        assert len(set(pauses)) > 900
        assert 0 <= min(pauses) < longest * 0.1
        assert longest * 0.9 < max(pauses) <= longest
    assert asyncio.run(drawn(3)) == []


@pytest.mark.usefixtures("_without_pauses")
@pytest.mark.parametrize(
    ("settings", "calls"),
    [
        ("fault=500", 3),
        ("fault=garbage", 3),
        ("fault=429;retry_after=20", 1),
        ("fault=401", 1),
        ("fault=404", 1),
        ("fault=redirect", 1),
        ("fault=hang", 1),
        ("fault=spent", 1),
    ],
)
async def test_fallback_answers_where_the_first_gives_up(stub_model: StubModel, settings: str, calls: int) -> None:
    first, second = named(settings), named("well=1")
    profile = with_fallback(stub_model, first, second)

    with capture_logs() as lines:
        pieces, whole = await ask(profile, "Hi")

    assert ("".join(pieces), whole.text, whole.model) == (ECHO, ECHO, second)
    assert (stub_model.calls(first), stub_model.calls(second)) == (calls, 1)
    [line] = [line for line in lines if line["event"] == "the fallback is asked"]
    assert (line["agent_id"], line["attempts"]) == (profile.agent_id, calls)


async def test_fallback_answers_where_the_first_address_is_refused(stub_model: StubModel) -> None:
    forbidden = make_connection("http://127.0.0.1:9/v1", operator_owned=False)
    second = named("well=1")
    profile = make_profile(forbidden, fallback=ModelChoice(make_connection(stub_model.url), second))

    assert (await ask(profile, "Hi"))[1].model == second


async def test_fallback_answers_where_the_first_key_is_broken(stub_model: StubModel) -> None:
    second = named("well=1")
    fallback = ModelChoice(make_connection(stub_model.url), second)

    assert (await ask(make_profile(is_broken=True, fallback=fallback), "Hi"))[1].model == second

    _, error, _ = await failure(make_profile(is_broken=True))
    assert (error.reason, error.attempts) == ("credentials_unreadable", 0)


async def test_fallback_is_not_asked_what_a_filter_held_back(stub_model: StubModel) -> None:
    first, second = named("fault=content_filter"), named("well=1")

    _, error, _ = await failure(with_fallback(stub_model, first, second))

    assert (error.reason, stub_model.calls()) == ("answer_refused", 1)


async def test_hanging_first_choice_leaves_half_of_the_time(stub_model: StubModel) -> None:
    first, second = named("fault=hang"), named("latency_ms=300")
    profile = make_profile(
        make_connection(stub_model.url),
        model=first,
        fallback=ModelChoice(make_connection(stub_model.url), second),
        total_timeout_seconds=1.0,
    )
    started = time.monotonic()

    assert (await ask(profile, "Hi"))[1].model == second

    assert 0.75 < time.monotonic() - started < 1


async def test_slow_first_choice_that_speaks_keeps_the_floor(stub_model: StubModel) -> None:
    first, second = named("tokens=9;tokens_per_second=9"), named("well=1")

    _, whole = await ask(with_fallback(stub_model, first, second, total_timeout_seconds=1.6), "Hi")

    assert (whole.model, stub_model.calls(second)) == (first, 0)


@pytest.mark.usefixtures("_without_pauses")
async def test_failing_fallback_gives_its_own_reason(stub_model: StubModel) -> None:
    first, second = named("fault=500"), named("fault=400")

    _, error, _ = await failure(with_fallback(stub_model, first, second))

    assert (error.reason, error.attempts) == ("request_rejected", 4)
    assert (stub_model.calls(first), stub_model.calls(second)) == (3, 1)


@pytest.mark.usefixtures("_without_pauses")
async def test_breaker_stops_the_calls_and_heals(stub_model: StubModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "OPEN_SECONDS", 0.4)
    model = named("fault=500;fail_first=5")
    profile = stub_profile(stub_model, model)

    outcomes = [(await failure(profile))[1] for _ in range(4)]

    assert [(error.reason, error.attempts) for error in outcomes] == [
        ("provider_failed", 3),
        ("provider_failed", 2),
        ("breaker_open", 0),
        ("breaker_open", 0),
    ]
    assert stub_model.calls(model) == 5
    await asyncio.sleep(0.4)
    for _ in range(2):
        assert (await ask(profile, "Hi"))[1].text == ECHO
    assert stub_model.calls(model) == 7


@pytest.mark.usefixtures("_without_pauses")
async def test_open_breaker_sends_everybody_to_the_fallback_at_once(stub_model: StubModel) -> None:
    first, second = named("fault=500"), named("well=1")
    profile = with_fallback(stub_model, first, second)

    answers = [await ask(profile, "Hi") for _ in range(5)]

    assert [whole.model for _, whole in answers] == [second] * 5
    assert (stub_model.calls(first), stub_model.calls(second)) == (5, 5)


@pytest.mark.usefixtures("_without_pauses")
async def test_breaker_of_one_model_leaves_the_others_of_its_connection(stub_model: StubModel) -> None:
    first, second = named("fault=500"), named("well=1")
    connection = make_connection(stub_model.url)
    profile = make_profile(connection, model=first, fallback=ModelChoice(connection, second))

    assert [(await ask(profile, "Hi"))[1].model for _ in range(3)] == [second] * 3
    assert stub_model.calls(first) == 5


async def test_hanging_provider_opens_its_breaker(stub_model: StubModel) -> None:
    model = named("fault=hang")
    profile = stub_profile(stub_model, model, total_timeout_seconds=0.3)

    together = await asyncio.gather(*(failure(profile) for _ in range(5)))

    assert [error.reason for _, error, _ in together] == ["first_token"] * 5
    assert [(error.reason, seconds < 0.1) for _, error, seconds in [await failure(profile)]] == [("breaker_open", True)]
    assert stub_model.calls(model) == 5


async def test_closing_during_a_pause_makes_no_further_call(
    stub_model: StubModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempts, "FIRST_PAUSE_SECONDS", 0.0)
    model = named("fault=429;retry_after=1")
    task = asyncio.create_task(ask(stub_profile(stub_model, model), "Hi"))
    await asyncio.sleep(0.5)
    assert stub_model.calls(model) == 1

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    await asyncio.sleep(1.1)
    assert stub_model.calls(model) == 1


def test_cut_short_counts_by_estimate() -> None:
    profile = make_profile(instructions="", website_instructions="", model="small")

    stopped = cut_short(profile, history=conversation("Hello", "Hi!"), message="Tell me", context={}, text="It is good")

    assert stopped == Answer(text="It is good", input_tokens=2 + 1 + 2, output_tokens=3, model="small")
