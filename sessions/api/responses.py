"""Responses of the API: JSON made once, errors in one shape, and the headers every one of them carries."""

from collections.abc import Mapping
from typing import Any, Final

import orjson
from django.http import HttpResponse, HttpResponseBase

from sessions.errors import RequestError, TooManyError

_ALLOWED_HEADERS: Final = "Authorization, Content-Type, Idempotency-Key, Last-Event-ID, X-Parlour-Key"
_EXPOSED_HEADERS: Final = "Parlour-Replayed, Parlour-Request-Id, RateLimit, RateLimit-Policy, Retry-After"
_PREFLIGHT_SECONDS: Final = "600"
_UNAUTHORIZED: Final = 401


def json_response(body: Any, *, status: int = 200) -> HttpResponse:
    """Rendered already: DRF's own response would be rendered in a thread."""
    return HttpResponse(orjson.dumps(body), content_type="application/json", status=status)


def error_response(error: RequestError) -> HttpResponse:
    body: dict[str, Any] = {"code": error.code, "message": error.message, "status": error.status}
    if error.fields:
        body["fields"] = error.fields
    response = json_response(body, status=error.status)
    if error.retry_after_seconds is not None:
        response["Retry-After"] = str(error.retry_after_seconds)
    if error.status == _UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TooManyError):
        with_headers(response, error.headers)
    return response


def with_headers(response: HttpResponseBase, headers: Mapping[str, str]) -> HttpResponseBase:
    for name, value in headers.items():
        response[name] = value
    return response


def add_standard_headers(response: HttpResponseBase) -> None:
    response.headers.setdefault("Cache-Control", "no-store")
    response["X-Content-Type-Options"] = "nosniff"
    response["Referrer-Policy"] = "no-referrer"
    response["Vary"] = "Origin"


def allow_origin(response: HttpResponseBase, origin: str) -> None:
    """Lets the registered ``origin`` read the response; no cookies ever, so no credentials."""
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Expose-Headers"] = _EXPOSED_HEADERS


def preflight_response(methods: list[str]) -> HttpResponse:
    response = HttpResponse(status=204)
    response["Access-Control-Allow-Methods"] = ", ".join(methods)
    response["Access-Control-Allow-Headers"] = _ALLOWED_HEADERS
    response["Access-Control-Max-Age"] = _PREFLIGHT_SECONDS
    return response
