"""One call of a model over HTTP: the request, the event stream, and what may go wrong on the way.

It stands where `ChatOpenAI` expects the SDK's `chat.completions`. The SDK builds a validated object for every
parameter, message and token. CPU ms per `ChatOpenAI.astream`, by messages sent and tokens answered:

                                           2, 16    100, 16    2, 300    100, 300
    the SDK as it comes                      9.0       36.0      72.1        96.0
    with `messages` moved to `extra_body`    8.3        9.5      70.2        79.2
    this                                     1.3        2.3       3.0         6.9

Its timeouts, besides, are between any two bytes: a heartbeat every second keeps a dead answer alive for ever. Here a
wait ends only with something new from the model: a token, a thought, or the end.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpcore2
import orjson

from agents.errors import (
    ModelError,
    ModelTimeoutError,
    ModelUnavailableError,
    UnavailableReason,
)
from agents.events import EventReader, MergedEvents
from agents.kept_connections import KeptConnections
from agents.retry_after import retry_after_seconds
from tenants.errors import AddressRefusedError

DRAIN_SECONDS = 0.5
"""How long the body may take to end after the answer did, for the connection to be used again."""

CALL_ERRORS = (
    AddressRefusedError,
    OSError,  # TimeoutError among them
    httpcore2.TimeoutException,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
)


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. `first_token` runs from the start of the call, connecting included; `idle` between tokens."""

    connect: float
    first_token: float
    idle: float


class ChatCompletions:
    """Calls one provider. Everything it raises is a `ModelError` and holds nothing of what was sent or said."""

    def __init__(self, connections: KeptConnections, *, base_url: str, api_key: str, timeouts: Timeouts) -> None:
        self._connections = connections
        self._url = httpcore2.URL(f"{base_url}/chat/completions")
        self._headers = _headers(self._url, api_key)
        self._timeouts = timeouts

    async def create(self, **payload: Any) -> "CompletionStream":
        """Start one streamed answer."""
        deadline = _now() + self._timeouts.first_token
        connection = await self._connections.take()
        try:
            response = await self._send(connection, orjson.dumps(payload), deadline)
        except BaseException:
            await self._connections.give_back(connection)
            raise
        stream = CompletionStream(self._connections, connection, response, deadline, self._timeouts.idle)
        reason = _reason_to_refuse(response)
        if reason is not None:
            await stream.aclose()
            raise ModelUnavailableError(reason, retry_after_seconds=retry_after_seconds(response.headers))
        return stream

    async def _send(
        self, connection: httpcore2.AsyncHTTPConnection, body: bytes, deadline: float
    ) -> httpcore2.Response:
        request = httpcore2.Request(
            "POST",
            self._url,
            headers=[*self._headers, (b"content-length", b"%d" % len(body))],
            content=body,
            extensions={"timeout": {"connect": self._timeouts.connect}},
        )
        failure: ModelError
        try:
            async with asyncio.timeout_at(deadline):
                return await connection.handle_async_request(request)
        except CALL_ERRORS as error:
            failure = _failure_to_send(error)
        raise failure  # not inside the handler: the caught error holds the request, and the key in it


class CompletionStream:
    """The answer in the shape of the SDK's chunks, as it comes; what came together is one chunk."""

    def __init__(
        self,
        connections: KeptConnections,
        connection: httpcore2.AsyncHTTPConnection,
        response: httpcore2.Response,
        deadline: float,
        idle_seconds: float,
    ) -> None:
        self._connections = connections
        self._connection = connection
        self._pieces = aiter(response.aiter_stream())
        self._response = response
        self._deadline = deadline
        self._idle_seconds = idle_seconds
        self._started = False
        self._finished = False
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            await asyncio.shield(asyncio.ensure_future(self._close()))  # a connection half closed would stay open

    async def _close(self) -> None:
        try:
            await self._response.aclose()
        finally:
            await self._connections.give_back(self._connection)

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        reader = EventReader()
        while (piece := await self._next_piece()) is not None:
            merged = MergedEvents.read(reader.feed(piece))
            self._note(merged)
            if merged.progressed:
                yield merged.as_chunk()
            if merged.done:
                break
        if not self._finished:
            raise ModelUnavailableError("finish_missing")
        await self._drain()

    def _note(self, merged: MergedEvents) -> None:
        self._finished = self._finished or merged.finish_reason is not None
        if merged.progressed:
            self._started = True
            self._deadline = _now() + self._idle_seconds

    async def _next_piece(self) -> bytes | None:
        """None at the end. Once the model said it finished, the rest of the way may fail."""
        failure: ModelError
        try:
            async with asyncio.timeout_at(self._deadline):
                return await anext(self._pieces, None)
        except TimeoutError:
            failure = ModelTimeoutError("idle" if self._started else "first_token")
        except CALL_ERRORS:
            failure = ModelUnavailableError("stream_cut")
        if self._finished:
            return None
        raise failure

    async def _drain(self) -> None:
        self._deadline = _now() + DRAIN_SECONDS
        while await self._next_piece() is not None:
            pass


def _now() -> float:
    return asyncio.get_running_loop().time()


def _headers(url: httpcore2.URL, api_key: str) -> list[tuple[bytes, bytes]]:
    host = url.host if url.port is None else b"%b:%d" % (url.host, url.port)
    headers = [
        (b"host", host),
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
        (b"user-agent", b"Parlour"),
    ]
    if not api_key:
        return headers
    if not (api_key.isascii() and api_key.isprintable()) or " " in api_key:
        # The HTTP library would refuse it too, with the key in its message.
        raise ModelUnavailableError("credentials_rejected")
    return [*headers, (b"authorization", b"Bearer " + api_key.encode())]


def _failure_to_send(error: Exception) -> ModelError:
    if isinstance(error, AddressRefusedError):
        return ModelUnavailableError("address_refused")
    if isinstance(error, httpcore2.TimeoutException):
        return ModelTimeoutError("connect")
    if isinstance(error, TimeoutError):
        return ModelTimeoutError("first_token")
    if isinstance(error, httpcore2.ProtocolError):
        return ModelUnavailableError("protocol_broken")
    return ModelUnavailableError("connection_failed")


def _reason_to_refuse(response: httpcore2.Response) -> UnavailableReason | None:
    """None for a stream of events; the body of anything else is not read."""
    by_status: dict[int, UnavailableReason] = {
        401: "credentials_rejected",
        403: "credentials_rejected",
        429: "rate_limited",
    }
    by_class: dict[int, UnavailableReason] = {3: "redirected", 4: "request_rejected", 5: "provider_failed"}
    if response.status != 200:  # noqa: PLR2004
        return by_status.get(response.status) or by_class.get(response.status // 100, "protocol_broken")
    content_type = next((value for name, value in response.headers if name.lower() == b"content-type"), b"")
    return None if content_type.lower().startswith(b"text/event-stream") else "protocol_broken"
