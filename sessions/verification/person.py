"""Somebody at the admin's door: their login, their requests, and what can be asked for there."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.urls import reverse

from sessions.verification.client import Client, Reply
from sessions.verification.stage import House
from tenants.models import Tenant, TenantOwned
from tenants.scoping import tenant_scope

_TOKEN_LENGTH: Final = 32
PARAMETER: Final = re.compile(r"<[^>]+>")
_DIFFERING: Final = re.compile(
    r'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"|[a-z]{2}_[\w-]{40,}|[0-9a-f]{8}-[0-9a-f-]{27}|\d+'
)
"""Secrets that are shown once, ids, moments."""

STOLEN: Final = {
    "name": "Stolen",
    "title": "Stolen",
    "key": "stolen",
    "role": "owner",
    "post": "yes",
    "confirm": "yes",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody at the admin's door; ``cookies`` are those of their login, if they have one."""

    client: Client
    name: str
    cookies: str

    def get(self, path: str) -> Reply:
        return self.client.get(path, {"Cookie": self.cookies})

    def post(self, path: str, fields: dict[str, str]) -> Reply:
        """As from a page of ours: the check against forged requests is not what is attacked here."""
        token = secrets.token_hex(_TOKEN_LENGTH // 2)
        url = self.client.public_url
        headers = {
            "Cookie": f"{self.cookies}; {settings.CSRF_COOKIE_NAME}={token}",
            "X-CSRFToken": token,
            "Origin": url,
            "Referer": f"{url}/",
        }
        return self.client.post_form(path, fields, headers)


@contextmanager
def logged_in(client: Client, user: User, name: str) -> Iterator[Person]:
    """The person with a login of their own, until the block ends."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    try:
        yield Person(client, name, f"{settings.SESSION_COOKIE_NAME}={store.session_key}")
    finally:
        store.delete()


def unknown_id(row_id: str) -> str:
    """An id of the same form that no row has."""
    return str(10**9 + 7) if row_id.isdecimal() else str(uuid4())


def comparable(reply: Reply) -> tuple[int, str, str]:
    """Less the ids that were asked for, and what differs between any two pages."""
    location = _DIFFERING.sub("", reply.headers.get("Location", ""))
    return reply.status, location, "" if reply.is_redirect else _DIFFERING.sub("", reply.text)


def has_canary(reply: Reply, victim: House) -> bool:
    return any(canary in reply.whole for canary in victim.canaries)


def model_pages() -> Iterator[tuple[type[Any], list[str]]]:
    """The addresses of every registered model's pages, ``<...>`` where a row's id goes."""
    for model, pages in admin.site._registry.items():  # noqa: SLF001  Django's own list of what is registered
        home = reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")
        patterns = [str(url.pattern) for url in pages.get_urls()]
        yield model, [home + pattern for pattern in patterns if "(?P" not in pattern]


def row_of(model: type[Any], house: House) -> str:
    """The id of one of the tenant's rows; of somebody of its staff for accounts; empty where there is none."""
    if model is User:
        return str(house.staff["owner"].pk)
    if model is Tenant:
        return str(house.tenant.pk)
    if not issubclass(model, TenantOwned):
        return ""
    with tenant_scope(house.tenant.pk):
        row_id = model.objects.filter(tenant_id=house.tenant.pk).values_list("pk", flat=True).first()
    return str(row_id or "")


def asked(person: Person, method: str, path: str) -> Reply:
    return person.get(path) if method == "GET" else person.post(path, STOLEN)
