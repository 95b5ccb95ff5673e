"""A request's id, and the one line that tells how it ended: ``GET api/v1/.../messages/ 200`` in so many milliseconds.

The id is made here, goes out in ``Parlour-Request-Id``, and stands in every line of the request, of the turn that it
began and of the tasks that it queued. Paths hold session ids, so the line names the address's pattern.
"""

import asyncio
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from structlog.contextvars import bind_contextvars, clear_contextvars

from config.log_words import METHODS, OTHER_METHOD, Route
from config.request_ids import accepted_id

log = structlog.get_logger(__name__)

REQUEST_ID_HEADER: Final = "Parlour-Request-Id"
_FROM_PROXY: Final = b"x-request-id"
_NO_ROUTE: Final = Route("-")
_UNTOLD_WHERE_WELL: Final = {"healthz", "readyz", "static/<path>"}
_FIRST_ERROR: Final = 400


@dataclass(slots=True)
class _Asked:
    """The request being answered, in whichever of its tasks."""

    request_id: str
    method: str
    began_at: float
    route: Route = _NO_ROUTE
    is_told: bool = False


_asked: ContextVar[_Asked] = ContextVar("asked")


@contextmanager
def request_line(scope: Mapping[str, Any]) -> Iterator[None]:
    """Around the answering of a request: its id is known inside, its line is written at the latest at the end."""
    clear_contextvars()  # a pipelined request begins in the context of the one before it
    method = scope["method"]
    asked = _Asked(_request_id(scope), method if method in METHODS else OTHER_METHOD, time.perf_counter())
    bind_contextvars(request_id=asked.request_id)
    _asked.set(asked)
    try:
        yield
    finally:
        if not asked.is_told:  # nobody was there any more to be answered
            _tell(asked, None, left=True)


class LoggedHandler(ASGIHandler):
    """Writes the line from within the task that answered, which knows the tenant and the website."""

    async def run_get_response(self, request: Any) -> Any:
        response = await super().run_get_response(request)
        match = request.resolver_match
        _asked.get().route = getattr(response, "route", None) or (Route(match.route or "/") if match else _NO_ROUTE)
        return response

    async def send_response(self, response: Any, send: Any) -> None:
        asked = _asked.get()
        response.headers[REQUEST_ID_HEADER] = asked.request_id
        try:
            await super().send_response(response, send)
        except asyncio.CancelledError:
            _tell(asked, response.status_code, left=True)
            raise
        _tell(asked, response.status_code)


def _tell(asked: _Asked, status: int | None, *, left: bool | None = None) -> None:
    asked.is_told = True
    is_dull = asked.route in _UNTOLD_WHERE_WELL and status is not None and status < _FIRST_ERROR
    (log.debug if is_dull else log.info)(
        "request ended",
        method=asked.method,
        route=asked.route,
        status=status,
        ms=round((time.perf_counter() - asked.began_at) * 1000),
        left=left,
    )


def _request_id(scope: Mapping[str, Any]) -> str:
    if settings.TRUSTED_PROXY_COUNT:
        for name, value in scope["headers"]:
            if name == _FROM_PROXY and (given := accepted_id(value.decode("latin-1"))):
                return given
    return secrets.token_hex(16)
