"""A stand-in for a model provider: a real HTTP server that speaks the OpenAI chat protocol.

    python -m bench.stub_llm --port 9009 --latency-ms 800 --tokens 200 --tokens-per-second 50

Its answer shows what it was sent (`echo` in `stub_answers`), so that a leak between conversations is visible in the
text itself.

How it behaves is set by the command line, changed at run time by `POST /control`, and overridden for one request by
the model's name: `stub;latency_ms=200;tokens=300;fault=cut`. Parts of the name it does not know are ignored, so that
a test may mark its own calls: `stub;test=a1b2`.

`GET /control` counts (`?bodies=5` adds the newest requests, as received; `?model=NAME` counts the calls of one model).

Faults: any status of 400 and above (429 and 503 with `Retry-After`, 401 with the caller's key in the text, as
providers do), `redirect`, `hang_up` (no answer at all), `hang` (before the status line), `comments` (heartbeats for
ever and no token), `garbage`, `error_event` and `cut_early` (before the first token), `late_garbage`, `stall` and `cut`
(after the third), `drip` (one token each 400 ms), `empty`, `no_finish`, `huge` (1 MB), `refusal` (in words),
`content_filter` and `spent` (no words; all tokens went into thoughts), `length` (words, up to the limit of tokens).

`retry_after=2` is sent as it is, `retry_after=date+2` as a date, `retry_after=` not at all. `fail_first=2` keeps the
fault to the first two calls of the same model name. `hold_after=5` sends five tokens, and the rest once
`POST /control` with `{"release": NAME}` has named the model: what a test does in between has all the time it needs.

It shares the machine with what is measured, hence a bare protocol on uvloop: a quarter of a millisecond of CPU a call.
"""

import argparse
import asyncio
import contextlib
import resource
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import cast
from urllib.parse import parse_qs, urlsplit

import httptools
import orjson
import uvloop

from bench.stub_answers import Behaviour, Call, Json, answer_pieces, chunked, sse

TICK_SECONDS = 0.02  # several tokens leave in one write rather than waking more often
DRIP_SECONDS = 0.4
TOKENS_BEFORE_FAULT = 3
BODIES_KEPT = 100
GARBAGE = b"data: {this is not JSON\n\n<html>\xff\xfe"
LAST_CHUNK = b"0\r\n\r\n"
MODELS_COUNTED = 10_000


@dataclass(slots=True)
class Server:
    """What all connections share."""

    behaviour: Behaviour
    calls: int = 0
    aborted: int = 0
    in_flight: int = 0
    in_flight_peak: int = 0
    calls_by_model: Counter[str] = field(default_factory=Counter)
    released: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    bodies: deque[Json] = field(default_factory=lambda: deque(maxlen=BODIES_KEPT))
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def count(self, model: str) -> None:
        self.calls += 1
        self.in_flight += 1
        self.in_flight_peak = max(self.in_flight_peak, self.in_flight)
        if len(self.calls_by_model) < MODELS_COUNTED:
            self.calls_by_model[model] += 1

    def reset_counts(self) -> None:
        self.calls = self.aborted = 0
        self.in_flight_peak = self.in_flight
        self.calls_by_model.clear()
        self.released.clear()
        self.bodies.clear()

    def report(self, query: Mapping[str, Sequence[str]]) -> Json:
        report: Json = {name: getattr(self, name) for name in ("calls", "aborted", "in_flight", "in_flight_peak")}
        report["behaviour"] = asdict(self.behaviour)
        if "model" in query:
            report["calls"] = self.calls_by_model[query["model"][0]]
        if "bodies" in query:
            newest = list(self.bodies)[-int(query["bodies"][0]) :]
            report["bodies"] = [{**entry, "body": orjson.loads(entry["body"])} for entry in newest]
        return report


class StubProtocol(asyncio.Protocol):
    """One keep-alive connection."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.transport: asyncio.Transport
        self.parser = httptools.HttpRequestParser(self)
        self.url = self.body = b""
        self.authorization = ""
        self.task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self.task is not None and not self.task.done():
            self.server.aborted += 1
            self.task.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_message_begin(self) -> None:
        self.url = self.body = b""
        self.authorization = ""

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"authorization":
            self.authorization = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        url = urlsplit(self.url.decode("latin-1"))
        if url.path.endswith("/chat/completions"):
            self.start_call()
        elif url.path.endswith("/models"):
            self.send_json({"object": "list", "data": [{"id": "stub", "object": "model", "owned_by": "stub"}]})
        elif url.path == "/control":
            self.control(parse_qs(url.query))
        else:
            self.send_json({"error": {"message": f"no such page: {url.path}"}}, status=404)

    def control(self, query: Mapping[str, Sequence[str]]) -> None:
        if self.parser.get_method() == b"POST":
            settings = orjson.loads(self.body or b"{}")
            if settings.get("reset"):
                self.server.reset_counts()
                self.server.behaviour = Behaviour()
            self.server.behaviour = self.server.behaviour.overridden(settings)
            if "release" in settings:
                self.server.released[settings["release"]].set()
        self.send_json(self.server.report(query))

    def start_call(self) -> None:
        try:
            body = orjson.loads(self.body)
            number = self.server.calls_by_model[body["model"]] + 1
            behaviour = self.server.behaviour.for_model(body["model"]).at_call(number)
            call = Call(body, behaviour, answer_pieces(body["messages"], behaviour))
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            self.send_json({"error": {"message": f"not a chat request: {error!r}"}}, status=400)
            return
        self.server.count(body["model"])
        self.server.bodies.append({"authorization": self.authorization, "body": self.body})
        self.task = asyncio.get_running_loop().create_task(self.run_call(call))
        self.server.tasks.add(self.task)  # a task nobody holds may vanish while it sleeps
        self.task.add_done_callback(self.server.tasks.discard)

    async def run_call(self, call: Call) -> None:
        try:
            if call.behaviour.latency_ms:
                await asyncio.sleep(call.behaviour.latency_ms / 1000)
            if not await self.fail_at_once(call):
                await self.answer(call)
        finally:
            self.server.in_flight -= 1

    async def fail_at_once(self, call: Call) -> bool:
        fault = call.behaviour.fault
        if fault.isdigit():
            message = f"Incorrect API key provided: {self.authorization}" if fault == "401" else "The stub says no."
            extra = call.behaviour.retry_after_header() if fault in {"429", "503"} else b""
            self.send_json({"error": {"message": message, "type": "stub", "code": fault}}, int(fault), extra)
        elif fault == "redirect":
            self.send_json({}, 307, b"location: /v1/chat/completions\r\n")
        elif fault == "hang":
            await asyncio.Event().wait()
        elif fault == "hang_up":
            self.transport.close()
        elif fault == "garbage":
            self.transport.write(self.head(200, b"text/event-stream", b"transfer-encoding: chunked\r\n"))
            self.transport.write(chunked(GARBAGE) + LAST_CHUNK)
        else:
            return False
        return True

    async def answer(self, call: Call) -> None:
        if not call.body.get("stream"):
            self.send_json(call.whole())
            return
        self.transport.write(self.head(200, b"text/event-stream", b"transfer-encoding: chunked\r\n"))
        events = call.token_events()
        if call.behaviour.answers_in_one_write:
            self.transport.write(chunked(b"".join([call.opening(), *events, call.closing()])) + LAST_CHUNK)
            return
        self.transport.write(chunked(call.opening()))
        match call.behaviour.fault:
            case "error_event":
                message = f"overloaded, {self.authorization}"
                self.transport.write(chunked(sse({"error": {"message": message}})) + LAST_CHUNK)
            case "comments":
                await self.heartbeats()
            case "cut_early":
                await self.break_off(call, [])
            case "cut" | "stall" | "late_garbage":
                await self.break_off(call, events)
            case fault:
                per_second = 1 / DRIP_SECONDS if fault == "drip" else call.behaviour.tokens_per_second
                await self.pace(events[: call.behaviour.hold_after], per_second)
                if call.behaviour.hold_after:
                    await self.server.released[call.body["model"]].wait()
                await self.pace(events[call.behaviour.hold_after :], per_second)
                self.transport.write(chunked(call.closing()) + LAST_CHUNK)

    async def heartbeats(self) -> None:
        while True:
            self.transport.write(chunked(b": still here\n\n"))
            await asyncio.sleep(TICK_SECONDS)

    async def break_off(self, call: Call, events: list[bytes]) -> None:
        if events:  # an empty chunk would end the answer in good order
            self.transport.write(chunked(b"".join(events[:TOKENS_BEFORE_FAULT])))
        await asyncio.sleep(TICK_SECONDS)
        if call.behaviour.fault == "stall":
            await asyncio.Event().wait()
        if call.behaviour.fault == "late_garbage":
            self.transport.write(chunked(GARBAGE))
        self.transport.close()

    async def pace(self, events: list[bytes], per_second: float) -> None:
        together = max(1, round(per_second * TICK_SECONDS)) if per_second else len(events) or 1
        for start in range(0, len(events), together):
            if per_second:
                await asyncio.sleep(together / per_second)
            self.transport.write(chunked(b"".join(events[start : start + together])))

    def send_json(self, payload: Json, status: int = 200, extra: bytes = b"") -> None:
        body = orjson.dumps(payload)
        length = b"content-length: %d\r\n" % len(body)
        self.transport.write(self.head(status, b"application/json", length + extra) + body)

    @staticmethod
    def head(status: int, content_type: bytes, extra: bytes) -> bytes:
        return b"HTTP/1.1 %d Stub\r\ncontent-type: %b\r\n%b\r\n" % (status, content_type, extra)


async def serve(host: str, port: int, behaviour: Behaviour) -> None:
    """Serve until cancelled; port 0 takes a free one. The first line printed names the address."""
    server = Server(behaviour)
    listener = await asyncio.get_running_loop().create_server(lambda: StubProtocol(server), host, port, backlog=4096)
    bound = listener.sockets[0].getsockname()[1]
    print(f"stub model on http://{host}:{bound}/v1", flush=True)
    await listener.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description="An OpenAI-compatible server that only pretends to think.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9009)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--tokens", type=int, default=0)
    parser.add_argument("--tokens-per-second", type=float, default=0.0)
    parser.add_argument("--fault", default="")
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    behaviour = Behaviour(options.latency_ms, options.tokens, options.tokens_per_second, options.fault)
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(serve(options.host, options.port, behaviour))


if __name__ == "__main__":
    main()
