"""The model over real HTTP, in good and in bad order."""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langsmith.utils import tracing_is_enabled
from pytest_django.fixtures import Settings
from structlog.testing import capture_logs

from agents import llm
from agents.answering import Answer, answer
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from agents.profiles import AgentProfile
from tests.agents.builders import API_KEY, ask, make_connection, make_profile
from tests.stub_model import StubModel


@pytest.fixture(autouse=True)
async def _closed_clients() -> AsyncIterator[None]:
    yield
    await llm.close_clients()


def stub_profile(stub: StubModel, model: str = "stub", **changes: Any) -> AgentProfile:
    return make_profile(make_connection(stub.url), model=model, **changes)


def hurried(profile: AgentProfile, **timeouts: float) -> AgentProfile:
    assert profile.connection is not None
    fields: dict[str, Any] = {f"{name}_timeout_seconds": seconds for name, seconds in timeouts.items()}
    return replace(profile, connection=replace(profile.connection, **fields))


async def test_answer_shows_exactly_what_was_sent(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model, temperature=0.5, max_output_tokens=99)

    pieces, whole = await ask(profile, "Who am I?", "I'm Alice", "Hello Alice")

    spoken = '[["user","I\'m Alice"],["assistant","Hello Alice"],["user","Who am I?"]]'
    system = "You are the assistant of a shop.\n\nAbout this website:\nOpening hours: Monday to Friday 9:00-18:00."
    assert whole == Answer(f'echo:{{"system":{len(system)},"messages":{spoken}}}', 31, 15, "stub")
    assert "".join(pieces) == whole.text
    [request] = stub_model.bodies()
    assert request == {
        "authorization": f"Bearer {API_KEY}",
        "body": {
            "model": "stub",
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": "I'm Alice"},
                {"role": "assistant", "content": "Hello Alice"},
                {"role": "user", "content": "Who am I?"},
            ],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": 0.5,
            "max_completion_tokens": 99,
        },
    }


async def test_text_arrives_while_the_model_is_still_speaking(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model, "stub;tokens=40;tokens_per_second=50")
    started = time.monotonic()
    arrivals = [time.monotonic() - started async for _ in answer(profile, history=[], message="Hi", context={})]

    assert arrivals[0] < 0.4
    assert arrivals[-1] > 0.7
    assert len(arrivals) > 10


async def test_tokens_that_came_together_leave_together(stub_model: StubModel) -> None:
    pieces, whole = await ask(stub_profile(stub_model, "stub;tokens=300"), "Hi")

    assert whole.output_tokens == 300
    assert len(pieces) < 10


async def test_refusal_of_the_model_is_its_answer(stub_model: StubModel) -> None:
    _, whole = await ask(stub_profile(stub_model, "stub;fault=refusal"), "Hi")

    assert whole.text == "I cannot help with that."


@pytest.mark.parametrize(
    ("fault", "expected", "reason", "attempts"),
    [
        ("400", ModelUnavailableError, "request_rejected", 1),
        ("401", ModelUnavailableError, "credentials_rejected", 1),
        ("403", ModelUnavailableError, "credentials_rejected", 1),
        ("404", ModelUnavailableError, "request_rejected", 1),
        ("429", ModelUnavailableError, "rate_limited", 1),
        ("500", ModelUnavailableError, "provider_failed", 3),
        ("503", ModelUnavailableError, "provider_failed", 1),
        ("redirect", ModelUnavailableError, "redirected", 1),
        ("hang_up", ModelUnavailableError, "protocol_broken", 3),
        ("garbage", ModelUnavailableError, "protocol_broken", 3),
        ("late_garbage", ModelUnavailableError, "protocol_broken", 1),
        ("error_event", ModelUnavailableError, "error_in_stream", 3),
        ("cut_early", ModelUnavailableError, "stream_cut", 3),
        ("cut", ModelUnavailableError, "stream_cut", 1),
        ("no_finish", ModelUnavailableError, "finish_missing", 1),
        ("empty", ModelUnavailableError, "answer_empty", 3),
        ("content_filter", ModelUnavailableError, "answer_refused", 1),
        ("spent", ModelUnavailableError, "tokens_spent", 1),
        ("huge", ModelUnavailableError, "answer_too_long", 1),
        ("hang", ModelTimeoutError, "first_token", 1),
        ("comments", ModelTimeoutError, "first_token", 1),
        ("stall", ModelTimeoutError, "idle", 1),
    ],
)
async def test_fault_of_the_provider_has_its_reason(
    stub_model: StubModel,
    fault: str,
    expected: type[ModelError],
    reason: str,
    attempts: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    profile = hurried(stub_profile(stub_model, f"stub;fault={fault}"), first_token=0.6, idle=0.6)
    connection = profile.choices[0].connection
    started = time.monotonic()

    with caplog.at_level(logging.DEBUG), capture_logs() as lines, pytest.raises(ModelError) as caught:
        await ask(profile, "canary-words")

    assert (type(caught.value), caught.value.reason) == (expected, reason)
    assert time.monotonic() - started < 2.5
    assert (caught.value.attempts, stub_model.calls()) == (attempts, attempts)
    [line] = [line for line in lines if line["event"] == "no answer"]
    assert (line["agent_id"], line["connection_id"]) == (profile.agent_id, connection.id)
    assert (line["reason"], line["attempts"]) == (reason, attempts)
    for secret in (API_KEY, "canary-words", "overloaded", "The stub says no"):
        assert secret not in caplog.text + str(lines)
        assert secret not in _everything_said_by(caught.value)


async def test_slow_drip_ends_at_the_total_deadline(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model, "stub;fault=drip", total_timeout_seconds=1.0)
    started = time.monotonic()

    with pytest.raises(ModelTimeoutError, match="total"):
        await ask(profile, "Hi")

    assert 0.9 < time.monotonic() - started < 1.5


async def test_slow_reader_is_not_timed_out(stub_model: StubModel) -> None:
    profile = hurried(stub_profile(stub_model, "stub;tokens=40;tokens_per_second=100"), idle=0.3)
    async for _ in answer(profile, history=[], message="Hi", context={}):
        await asyncio.sleep(0.05)


async def test_refused_connection_has_its_reason() -> None:
    with pytest.raises(ModelUnavailableError, match="connection_failed"):
        await ask(make_profile(make_connection(f"http://127.0.0.1:{_closed_port()}/v1")), "Hi")


async def test_server_that_never_accepts_is_a_connect_timeout() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [_half_open(port) for _ in range(4)]
        profile = hurried(make_profile(make_connection(f"http://127.0.0.1:{port}/v1")), connect=0.4)
        with pytest.raises(ModelTimeoutError, match="connect"):
            await ask(profile, "Hi")
        for filler in fillers:
            filler.close()


async def test_server_that_speaks_no_http_is_broken() -> None:
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ModelUnavailableError, match="protocol_broken"):
            await ask(make_profile(make_connection(f"http://127.0.0.1:{port}/v1")), "Hi")


async def test_answer_without_end_is_read_up_to_the_limit() -> None:
    event = b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}}]}\n\n' % (b"x" * 1_000)
    sent, ended = 0, asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            while True:
                writer.write(event)
                await writer.drain()
                sent += len(event)
        writer.close()
        ended.set()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ModelUnavailableError, match="answer_too_long"):
            await ask(make_profile(make_connection(f"http://127.0.0.1:{port}/v1")), "Hi")
        await asyncio.wait_for(ended.wait(), 2)
    assert 32_000 < sent < 10_000_000  # the kernel's buffers took the rest


@pytest.mark.parametrize("key", ["sk-line\r\nx-injected: 1", "sk-ключ", "sk key"])
async def test_key_that_is_no_header_is_rejected_without_a_call(stub_model: StubModel, key: str) -> None:
    with pytest.raises(ModelUnavailableError, match="credentials_rejected") as caught:
        await ask(make_profile(make_connection(stub_model.url, api_key=key)), "Hi")

    assert stub_model.calls() == 0
    assert key not in _everything_said_by(caught.value)


async def test_connection_without_a_key_sends_none(stub_model: StubModel) -> None:
    await ask(make_profile(make_connection(stub_model.url, api_key="")), "Hi")

    assert stub_model.bodies()[0]["authorization"] == ""


async def test_tenants_connection_may_not_reach_this_machine(stub_model: StubModel, settings: Settings) -> None:
    settings.PRIVATE_MODEL_HOSTS = []
    for url in (stub_model.url, f"https://127.0.0.1:{stub_model.port}/v1", "https://localhost/v1"):
        with pytest.raises(ModelUnavailableError, match="address_refused"):
            await ask(make_profile(make_connection(url, operator_owned=False)), "Hi")

    assert stub_model.calls() == 0


async def test_private_host_of_the_environment_serves_tenants(stub_model: StubModel, settings: Settings) -> None:
    settings.PRIVATE_MODEL_HOSTS = [f"127.0.0.1:{stub_model.port}"]

    await ask(make_profile(make_connection(stub_model.url, operator_owned=False)), "Hi")

    assert stub_model.calls() == 1


async def test_closing_the_answer_stops_the_call(stub_model: StubModel) -> None:
    stream = answer(
        stub_profile(stub_model, "stub;tokens=500;tokens_per_second=50"), history=[], message="Hi", context={}
    )
    await anext(stream)
    await stream.aclose()

    assert await _eventually(lambda: stub_model.control()["aborted"]) == 1
    assert stub_model.control()["in_flight"] == 0


async def test_cancelled_turn_stops_the_call(stub_model: StubModel) -> None:
    task = asyncio.create_task(ask(stub_profile(stub_model, "stub;fault=hang"), "Hi"))
    await _eventually(stub_model.calls)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await _eventually(lambda: stub_model.control()["aborted"]) == 1


async def test_calls_share_one_connection(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model)
    for _ in range(5):
        await ask(profile, "Hi")

    assert _kept_connections(profile) == 1


async def test_cut_call_leaves_no_connection(stub_model: StubModel) -> None:
    profile = hurried(stub_profile(stub_model, "stub;fault=stall"), idle=0.2)
    with pytest.raises(ModelTimeoutError):
        await ask(profile, "Hi")

    assert _kept_connections(profile) == 0


@pytest.mark.parametrize("change", [{"api_key": "sk-new"}, {"idle_timeout_seconds": 9.0}])
async def test_changed_connection_gets_a_new_client(stub_model: StubModel, change: dict[str, Any]) -> None:
    profile = stub_profile(stub_model)
    assert profile.connection is not None
    await ask(profile, "Hi")
    before = await llm.clients().client_for(profile.connection)

    changed = replace(profile, connection=replace(profile.connection, **change))
    assert changed.connection is not None
    await ask(changed, "Hi")

    assert before is not await llm.clients().client_for(changed.connection)
    assert stub_model.bodies()[0]["authorization"] == f"Bearer {changed.connection.api_key}"


async def test_retired_client_lets_its_calls_end(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model, "stub;tokens=20;tokens_per_second=40")
    running = asyncio.create_task(ask(profile, "Hi"))
    await _eventually(stub_model.calls)

    await llm.close_clients()

    assert (await running)[1].output_tokens == 20


async def test_clients_are_bounded(stub_model: StubModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llm, "CLIENTS_KEPT", 3)
    for _ in range(5):
        await ask(stub_profile(stub_model), "Hi")

    assert len(llm.clients()) == 3


def test_event_loops_do_not_share_clients(stub_model: StubModel) -> None:
    connection = make_connection(stub_model.url)

    async def used() -> llm.Client:
        await ask(make_profile(connection), "Hi")
        client = await llm.clients().client_for(connection)
        await llm.close_clients()
        return client

    assert asyncio.run(used()) is not asyncio.run(used())
    assert stub_model.calls() == 2


async def test_conversations_at_once_do_not_mix(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model, "stub;latency_ms=200")
    answers = await asyncio.gather(*(ask(profile, f"I am number {n}", f"first {n}", f"reply {n}") for n in range(100)))

    for number, (_, whole) in enumerate(answers):
        spoken = f'[["user","first {number}"],["assistant","reply {number}"],["user","I am number {number}"]]'
        assert whole.text == f'echo:{{"system":97,"messages":{spoken}}}'
    assert stub_model.control()["in_flight_peak"] > 10


async def test_key_is_in_no_repr(stub_model: StubModel) -> None:
    profile = stub_profile(stub_model)
    assert profile.connection is not None
    model = (await llm.clients().client_for(profile.connection)).model("stub", None, None)
    assert isinstance(model, BaseChatModel)

    for shown in (repr(profile), repr(profile.connection), repr(model), str(model), model.model_dump_json()):
        assert API_KEY not in shown


async def test_nothing_is_traced_elsewhere(stub_model: StubModel, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LANGSMITH_TRACING", "LANGCHAIN_TRACING_V2"):
        monkeypatch.setenv(name, "true")

    assert not tracing_is_enabled()
    await ask(stub_profile(stub_model), "Hi")


def _everything_said_by(error: BaseException) -> str:
    """The error and what it drags along: causes, contexts, notes, and the values these hold."""
    texts, waiting = [], [error]
    while waiting:
        current = waiting.pop()
        texts += [repr(current), str(vars(current)), repr(current.__dict__.get("__notes__"))]
        waiting += [linked for linked in (current.__cause__, current.__context__) if linked is not None]
    return " ".join(texts)


def _kept_connections(profile: AgentProfile) -> int:
    assert profile.connection is not None
    client = llm.clients()._clients[profile.connection.id]
    return len(client._connections._kept)


async def _eventually(look: Any) -> Any:
    """The first true value within two seconds."""
    for _ in range(100):
        if value := look():
            return value
        await asyncio.sleep(0.02)
    return None


def _closed_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _half_open(port: int) -> socket.socket:
    filler = socket.socket()
    filler.setblocking(False)
    filler.connect_ex(("127.0.0.1", port))
    return filler
