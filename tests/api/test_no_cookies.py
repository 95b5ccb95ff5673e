"""The chat API and the widget set no cookie, read none, and vary by none: over every address that there is."""

import re
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from tenants.models import Tenant, Website
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor

STAFF = ("admin/", "invitation/")
"""Where cookies are set, for those who log in."""


def routes(urls: Iterable[Any], prefix: str = "") -> list[str]:
    found: list[str] = []
    for url in urls:
        here = prefix + str(url.pattern)
        if isinstance(url, URLResolver):
            found += routes(url.url_patterns, here)
        elif isinstance(url, URLPattern):
            found.append(here)
    return found


def address(route: str) -> str:
    filled = re.sub(r"<\w+:\w+>", "session_123_abc", route.removeprefix("^"))
    return f"/{filled}"


ADDRESSES = sorted({address(route) for route in routes(get_resolver().url_patterns) if not route.startswith(STAFF)})


def cookie_of(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.session.session_key}; csrftoken={'x' * 32}"}


def without_cookies(response: httpx.Response) -> bool:
    varied = {name.strip().lower() for name in response.headers.get("Vary", "").split(",")}
    credentials = response.headers.get("Access-Control-Allow-Credentials")
    return "Set-Cookie" not in response.headers and credentials is None and "cookie" not in varied


def test_addresses_are_those_of_api_widget_and_pages() -> None:
    assert {"/", "/widget.js", "/api/v1/chat/", "/api/", "/healthz"} <= set(ADDRESSES)


@pytest.mark.parametrize("path", ADDRESSES)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_no_address_for_visitors_sets_or_varies_by_a_cookie(
    server: LiveServer, cast: Cast, website: Website, tenant: Tenant, path: str, method: str
) -> None:
    """Nor where the browser sends one: a member of staff on a page of this very host."""
    origin = {"Origin": server.origin(website.domain), "Content-Type": "application/json"}
    for cookie in ({}, cookie_of(cast.staff((tenant, "owner")))):
        response = server.http.request(method, path, headers={**origin, **cookie}, content=b"{}")
        assert response.status_code < 500
        assert without_cookies(response), (path, response.headers)


def test_answered_turn_sets_no_cookie(server: LiveServer, visitor: Visitor) -> None:
    response = visitor.post("Hello")
    assert (response.status_code, without_cookies(response)) == (200, True)
    assert list(server.http.cookies.jar) == []
