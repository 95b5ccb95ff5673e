"""The ASGI application: one handler for pages, a leaner one for the API, and what opens and closes with the process.

Django's own handler gives every request a thread as soon as one synchronous receiver or middleware is met, and that
thread lives as long as the request. A turn may wait a minute for its model: 1,000 turns would be 1,000 threads. So the
API has a handler of its own, without middleware and without receivers of ``request_started``/``request_finished``.
"""

import asyncio
import contextlib
import io
import os
from typing import Any, Final

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

import django  # the settings must be named before Django is imported
from django.conf import settings
from django.core import signals
from django.core.exceptions import RequestAborted
from django.core.handlers.asgi import get_script_prefix
from django.core.handlers.exception import convert_exception_to_response
from django.db import close_old_connections, reset_queries
from django.http import HttpResponse
from django.urls import set_script_prefix, set_urlconf

django.setup(set_prefix=False)

from config.logs import tell_uncaught_errors  # noqa: E402
from config.request_lines import LoggedHandler, request_line  # noqa: E402
from sessions import lifespan  # imports models, which Django must have loaded first  # noqa: E402
from sessions.api.responses import add_standard_headers, error_response  # noqa: E402
from sessions.cleaning import MAX_BODY_BYTES  # noqa: E402
from sessions.errors import RequestTooSlowError  # noqa: E402

API_PREFIX: Final = "/api/"
PROBES: Final = ("/healthz", "/readyz")


class PageHandler(LoggedHandler):
    """Django's handler; ``_receive_for_pages_only`` keeps the database receivers that every page needs for it."""


class ApiHandler(LoggedHandler):
    """No middleware, a bounded body, and no thread of its own per request: for asynchronous views."""

    def load_middleware(self, is_async: bool = False) -> None:
        assert is_async
        self._view_middleware: list[Any] = []
        self._template_response_middleware: list[Any] = []
        self._exception_middleware: list[Any] = []
        self._middleware_chain = convert_exception_to_response(self._get_response_async)  # type: ignore[attr-defined]  # not in the stubs

    async def get_response_async(self, request: Any) -> Any:
        """Django's, without its log line for every status from 400 on: that took a thread, and told nothing new.

        What staff must know of is logged where it happens.
        """
        set_urlconf(settings.ROOT_URLCONF)
        response: Any = await self._middleware_chain(request)  # type: ignore[misc]  # of an async handler
        response._resource_closers.append(request.close)  # noqa: SLF001  as Django's own
        return response

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(settings.BODY_SECONDS):
                body = _too_large() if _declares_too_much(scope) else await self.read_body(receive)
        except TimeoutError:
            await self.send_response(_too_slow(), send)
            return
        except (RequestAborted, asyncio.CancelledError):
            return  # nobody waits for an answer to half a request
        set_script_prefix(get_script_prefix(scope))
        await self._serve(_with_length(scope, body), body, receive, send)

    async def _serve(self, scope: Any, body: io.BytesIO, receive: Any, send: Any) -> None:
        """Answers the request, or cancels the view when the client is gone first."""
        request, refusal = self.create_request(scope, body)
        if request is None:
            assert refusal is not None
            await self.send_response(refusal, send)
            return
        answering = asyncio.create_task(self._answer(request, send))
        leaving = asyncio.create_task(_departure(receive))
        try:
            await asyncio.wait({answering, leaving}, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            pass  # the server ends: cancelled in its turn, the view says so to its visitor
        finally:
            leaving.cancel()
            if not answering.done():
                answering.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await answering

    async def _answer(self, request: Any, send: Any) -> None:
        response = await self.run_get_response(request)
        try:
            await self.send_response(response, send)
        finally:
            response.close()

    async def read_body(self, receive: Any) -> io.BytesIO:
        """Reads at most one byte more than is allowed: enough for the parser to refuse with 413, whatever was sent."""
        body = bytearray()
        more = True
        while more and len(body) <= MAX_BODY_BYTES:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            body += message.get("body", b"")[: MAX_BODY_BYTES + 1 - len(body)]
            more = message.get("more_body", False)
        return io.BytesIO(bytes(body))


def _declares_too_much(scope: Any) -> bool:
    declared = dict(scope["headers"]).get(b"content-length", b"")
    return declared.isdigit() and int(declared) > MAX_BODY_BYTES


def _too_large() -> io.BytesIO:
    """In place of a body that says so of itself: the parser refuses it by its length, and nobody waits for it."""
    return io.BytesIO(bytes(MAX_BODY_BYTES + 1))


def _too_slow() -> HttpResponse:
    response = error_response(RequestTooSlowError())
    add_standard_headers(response)
    response["Connection"] = "close"  # the rest may still come, and is no request
    return response


def _with_length(scope: Any, body: io.BytesIO) -> Any:
    """The request with the length of what was read: DRF takes a body without one, sent in chunks, for none at all."""
    length = str(body.getbuffer().nbytes).encode()
    others = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
    return {**scope, "headers": [*others, (b"content-length", length)]}


async def _departure(receive: Any) -> None:
    """Returns once the client is gone; what is left of a body too large is read and dropped meanwhile."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _receive_for_pages_only() -> None:
    for signal, receiver in (
        (signals.request_started, reset_queries),
        (signals.request_started, close_old_connections),
        (signals.request_finished, close_old_connections),
    ):
        signal.disconnect(receiver)
        signal.connect(receiver, sender=PageHandler)


_receive_for_pages_only()
tell_uncaught_errors()
_pages = PageHandler()
_api = ApiHandler()


async def application(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan.serve(receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close"})
    else:
        is_api = scope["path"].startswith(API_PREFIX) or scope["path"] in PROBES
        with request_line(scope):
            await (_api if is_api else _pages)(scope, receive, send)
