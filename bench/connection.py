"""A keep-alive HTTP/1.1 connection, one request at a time.

The load generator shares two cores with what it measures, hence a bare protocol: about 0.1 ms of CPU an exchange.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import cast

import httptools
import orjson

from bench.plan import Target

EXCHANGE_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Reply:
    """Times are in ms since the request left, connecting included."""

    status: int
    body: bytes
    first_ms: float
    total_ms: float


class HttpProtocol(asyncio.Protocol):
    """Reads one response after another."""

    def __init__(self, first_mark: bytes) -> None:
        self._first_mark = first_mark
        self._parser = httptools.HttpResponseParser(self)
        self._body = b""
        self._began_at = self._first_at = 0.0
        self._reply: asyncio.Future[Reply] | None = None
        self._transport: asyncio.Transport
        self.open = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        self.open = False
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()

    def on_body(self, piece: bytes) -> None:
        self._body += piece
        if not self._first_at and self._first_mark in self._body:
            self._first_at = time.perf_counter()

    def on_message_complete(self) -> None:
        if self._reply is None or self._reply.done():
            return
        now = time.perf_counter()
        first_ms = ((self._first_at or now) - self._began_at) * 1000
        total_ms = (now - self._began_at) * 1000
        self._reply.set_result(Reply(self._parser.get_status_code(), self._body, first_ms, total_ms))
        if not self._parser.should_keep_alive():
            self.close()

    def send(self, request: bytes, began_at: float) -> asyncio.Future[Reply]:
        self._body, self._began_at, self._first_at = b"", began_at, 0.0
        self._reply = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._reply

    def close(self) -> None:
        self.open = False
        self._transport.close()


class Connection:
    """One client's way to ``target``; opened by its first request, and again where the server hung up between two."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._first_mark = target.first_mark.encode()
        self._protocol: HttpProtocol | None = None

    async def post(self, path: str, body: object, *, token: str = "") -> Reply:
        """Raises ``OSError`` (``TimeoutError`` among them) where no whole answer comes."""
        request = _request(self._target, path, orjson.dumps(body), token)
        began_at = time.perf_counter()
        async with asyncio.timeout(EXCHANGE_SECONDS):
            protocol = await self._opened()
            return await protocol.send(request, began_at)

    async def _opened(self) -> HttpProtocol:
        if self._protocol is None or not self._protocol.open:
            loop = asyncio.get_running_loop()
            _, self._protocol = await loop.create_connection(
                lambda: HttpProtocol(self._first_mark), "127.0.0.1", self._target.port
            )
        return self._protocol

    def close(self) -> None:
        if self._protocol is not None:
            self._protocol.close()


def _request(target: Target, path: str, body: bytes, token: str) -> bytes:
    headers = {"Host": f"127.0.0.1:{target.port}", "Content-Type": "application/json", **target.headers}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body
