"""What every view of the API shares: asynchronous to the ground, one error shape, CORS for registered origins."""

import asyncio
import contextlib
from typing import Any, Final

import psycopg
import structlog
from adrf.views import APIView
from django.core.exceptions import SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponseBase
from rest_framework import exceptions
from rest_framework.request import Request
from structlog.contextvars import bind_contextvars

from sessions.api.responses import add_standard_headers, allow_origin, error_response, preflight_response
from sessions.doors import Door, may_read_errors, open_door
from sessions.errors import (
    ApiKeyInvalidError,
    InternalError,
    InvalidRequestError,
    MethodNotAllowedError,
    NotFoundError,
    OriginRefusedError,
    OverloadedError,
    RecordsAwayError,
    RequestError,
    SessionTokenInvalidError,
    TurnInterruptedError,
    UnsupportedMediaTypeError,
    WebsiteSwitchedOffError,
)
from sessions.key_doors import open_key_door, recognise_key
from sessions.refusals import note_refusal
from sessions.starting import TOKEN_PREFIX, CameFrom, hash_token
from tenants.client_address import Address, visitor_address
from tenants.doors import registered_form
from tenants.errors import DatabaseAwayError
from tenants.key_holders import KeyHolder
from tenants.models import ApiKey

log = structlog.get_logger(__name__)

_KEY_PREFIX: Final = "sk_"
_NOT_IN_BROWSERS: Final = (
    "API keys are for servers: a request with an Origin is refused, for no browser may hold a key."
)


class ApiView(APIView):  # type: ignore[misc]  # adrf is untyped
    """An asynchronous DRF view. Errors become ``RequestError`` and leave in one shape."""

    view_is_async = True  # also where a view has no method of its own to tell it by

    async def async_dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """DRF's dispatch without ``initial``: adrf sends that to a thread, and no view here has anything in it."""
        self.args, self.kwargs = args, kwargs
        try:
            self.request = self.initialize_request(request, *args, **kwargs)
            response = await self.respond(self.request)
        except Exception as error:  # noqa: BLE001  the API's outermost door
            response = error_response(visible_error(error))
        add_standard_headers(response)
        return response

    async def respond(self, request: Request) -> HttpResponseBase:
        method = "GET" if request.method == "HEAD" else request.method
        if method not in self.methods():
            return self._method_not_allowed()
        response: HttpResponseBase = await getattr(self, method.lower())(request, *self.args, **self.kwargs)
        return response

    def _method_not_allowed(self) -> HttpResponseBase:
        response = error_response(MethodNotAllowedError())
        response["Allow"] = ", ".join(self.methods())
        return response

    def methods(self) -> list[str]:
        return [method.upper() for method in ("get", "post", "delete") if hasattr(self, method)]


class WebsiteView(ApiView):
    """A view for visitors' browsers: the origin names the website, and only a registered origin may read the answer.

    With a ``key_scope`` it is for websites' own servers, too: their key names the tenant, the request the website.
    """

    key_scope: ApiKey.Scope | None = None
    door: Door
    key_holder: KeyHolder | None = None

    async def respond(self, request: Request) -> HttpResponseBase:
        request.get_host()  # refuses a Host that ALLOWED_HOSTS does not name
        api_key = _api_key(request)
        return await (self._answer_browser(request) if api_key is None else self._answer_server(request, api_key))

    async def _answer_browser(self, request: Request) -> HttpResponseBase:
        origin = request.headers.get("Origin")
        try:
            self.door = await open_door(origin)
        except DatabaseAwayError as error:
            return self.refuse_at_the_door(request, error)
        except OriginRefusedError:
            note_refusal(_site_key(request), origin)
            raise
        assert origin is not None
        self._note_website()
        try:
            response = await self._behind_the_door(request)
        except asyncio.CancelledError:  # the server ends, or nobody is there any more to read this
            response = error_response(TurnInterruptedError())
        except Exception as error:  # noqa: BLE001  here the origin is known, and may read why
            response = error_response(visible_error(error))
        allow_origin(response, origin)
        return response

    async def _answer_server(self, request: Request, api_key: str) -> HttpResponseBase:
        if "Origin" in request.headers:
            raise ApiKeyInvalidError(_NOT_IN_BROWSERS)
        if self.key_scope is None:
            raise OriginRefusedError("This address is for browsers, which send an Origin header.")
        try:
            self.key_holder = await recognise_key(api_key, self.key_scope)
            bind_contextvars(tenant_id=self.key_holder.tenant_id)
            return await super().respond(request)
        except asyncio.CancelledError:  # as above
            return error_response(TurnInterruptedError())

    async def enter(self, website_domain: str | None) -> Door:
        """The door to the website that the request is about.

        Where a browser asks, its origin has said already which, and ``website_domain`` may confirm it; for a server it
        is what chooses among its own. Raises ``WebsiteDomainMismatchError``.
        """
        if self.key_holder is None:
            self.door.check_domain(website_domain)
        else:
            self.door = await open_key_door(self.key_holder, website_domain)
            self._note_website()
            self.door.check(self.request.headers.get("X-Parlour-Key"))
        return self.door

    def refuse_at_the_door(self, request: Request, error: Exception) -> HttpResponseBase:
        """Without asking whose origin it is. A page that was served lately may read why, its browser asking first."""
        origin = request.headers.get("Origin")
        if origin is None or not may_read_errors(origin):
            return error_response(visible_error(error))
        preflight = request.method == "OPTIONS"
        response = preflight_response(self.methods()) if preflight else error_response(visible_error(error))
        allow_origin(response, origin)
        return response

    def _note_website(self) -> None:
        """For the log lines of this request, and of the turn that it begins."""
        website = self.door.website
        bind_contextvars(tenant_id=website.tenant_id, website_id=website.website_id)

    async def _behind_the_door(self, request: Request) -> HttpResponseBase:
        if request.method == "OPTIONS":
            return preflight_response(self.methods())
        try:
            self.door.check(_site_key(request))
        except OriginRefusedError:  # it tried another website's key
            note_refusal(_site_key(request), request.headers.get("Origin"))
            raise
        return await super().respond(request)

    @property
    def origin_host(self) -> str:
        """Where the visitor is: for a server, which sends no origin, on its website."""
        if self.key_holder is not None:
            return self.door.website.domain
        return registered_form(self.request.headers["Origin"]).host

    @property
    def came_from(self) -> CameFrom:
        """What may be stored of where the visitor is: of a server's address and program, nothing."""
        if self.key_holder is not None:
            return CameFrom(self.origin_host)
        privacy = self.door.website.privacy
        return CameFrom(
            self.origin_host,
            visitor_ip=privacy.stored_address(self.address),
            user_agent=privacy.stored_user_agent(self.request.headers.get("User-Agent")),
        )

    @property
    def address(self) -> Address | None:
        """Where the visitor comes from, as far as the trusted proxies tell; never logged, stored by policy alone."""
        return visitor_address(self.request.META.get("REMOTE_ADDR"), self.request.headers.get("X-Forwarded-For"))

    @property
    def token_hash(self) -> bytes | None:
        """The hash of the session token that came with the request. Raises ``SessionTokenInvalidError``."""
        if self.key_holder is not None or "Authorization" not in self.request.headers:
            return None
        token = _bearer(self.request)
        if not token.startswith(TOKEN_PREFIX) or not token.isascii():
            raise SessionTokenInvalidError
        return hash_token(token)


def _bearer(request: Request) -> str:
    """The credential that came with the request; empty where there is none of our kind."""
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential if scheme.lower() == "bearer" else ""


def _api_key(request: Request) -> str | None:
    """What is offered as a website's server's key: by its form, or because nothing else can be meant.

    None for a browser's request, which has an Origin, and at most a session's token.
    """
    credential = _bearer(request)
    if credential.startswith(_KEY_PREFIX):
        return credential
    has_other_credential = "Authorization" in request.headers and not credential.startswith(TOKEN_PREFIX)
    return credential if has_other_credential and "Origin" not in request.headers else None


def _site_key(request: Request) -> str | None:
    """From the header; or from the query, for a call that a browser makes without asking first."""
    return request.headers.get("X-Parlour-Key") or request.query_params.get("site_key")


class UnknownAddressView(ApiView):
    async def respond(self, request: Request) -> HttpResponseBase:
        """404 to every method; a registered website's page may read it."""
        response = error_response(NotFoundError())
        origin = request.headers.get("Origin")
        with contextlib.suppress(OriginRefusedError):
            await open_door(origin)
            allow_origin(response, str(origin))
        return response


_KNOWN_ERRORS: Final[tuple[tuple[type[Exception], type[RequestError]], ...]] = (
    (exceptions.UnsupportedMediaType, UnsupportedMediaTypeError),
    (exceptions.ParseError, InvalidRequestError),
    (UnicodeDecodeError, InvalidRequestError),
    (SuspiciousOperation, InvalidRequestError),
    (Http404, NotFoundError),
    # A website deleted within the seconds that its door is remembered.
    (psycopg.errors.ForeignKeyViolation, WebsiteSwitchedOffError),
    (DatabaseAwayError, RecordsAwayError),
)


def visible_error(error: Exception) -> RequestError:
    """The error that a visitor is shown; whatever is not theirs to know is logged and becomes ``internal_error``."""
    if isinstance(error, RequestError):
        return error
    for known, shown in _KNOWN_ERRORS:
        if isinstance(error, known):
            return shown()
    if isinstance(error, psycopg.OperationalError):
        log.error("the database is busy or unwilling", error=error)
        return OverloadedError()
    log.error("a request broke", exc_info=error)
    return InternalError()
