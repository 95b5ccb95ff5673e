"""Staff who try another tenant's rows in the admin: by guessed addresses, filters, searches, forms and the switch."""

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
from sessions.verification.report import Report
from sessions.verification.stage import House, changed_tables, new_canary
from tenants.models import Membership, Tenant, TenantOwned
from tenants.scoping import tenant_scope

WALL: Final = "staff: pages of the admin"
_TOKEN_LENGTH: Final = 32
_PARAMETER: Final = re.compile(r"<[^>]+>")
_DIFFERING: Final = re.compile(r'csrfmiddlewaretoken" value="[^"]*"|nonce="[^"]*"|[0-9a-f]{8}-[0-9a-f-]{27}|\d+')
_STOLEN: Final = {
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


def attack_pages(client: Client, houses: list[House], report: Report) -> None:
    """Every page of the admin, by staff of another tenant, by those who may only read, and by nobody."""
    attacker, *victims = houses
    strangers = [Person(client, "nobody", "")]
    for role in Membership.Role.values:
        with logged_in(client, attacker.staff[role], f"another tenant's {role}") as person:
            _check_that_staff_sees_its_own(person, attacker, report)
            for victim in victims:
                _attack_rows(person, victim, report)
                _attack_lists(person, victim, report)
                _attack_switch(person, attacker, victim, report)
    for person in strangers:
        for victim in victims:
            _attack_rows(person, victim, report)
            _attack_lists(person, victim, report)
    with logged_in(client, attacker.staff["auditor"], "the tenant's auditor") as person:
        _attack_writing(person, attacker, report)


def _attack_rows(person: Person, victim: House, report: Report) -> None:
    before = victim.rows()
    for model, pages in _pages():
        row_id = _row_of(model, victim)
        report.require(WALL, model.__name__, holds=bool(row_id), why="there is no row to attack")
        for page in (page for page in pages if _PARAMETER.search(page)):
            for method in ("GET", "POST"):
                name = f"{method} {page} by {person.name}"
                with report.breaking(WALL, name):
                    report.note(WALL, name, leak=_told_apart(person, method, page, row_id, victim))
    report.note(WALL, f"all rows after {person.name}", leak=changed_tables(before, victim.rows()))


def _told_apart(person: Person, method: str, page: str, row_id: str, victim: House) -> str:
    """What the answer about a foreign row tells that the answer about no row at all does not."""
    foreign, unknown = (_asked(person, method, _PARAMETER.sub(one, page)) for one in (row_id, _unknown(row_id)))
    if _has_canary(foreign, victim):
        return "a canary came back"
    return (
        ""
        if comparable(foreign) == comparable(unknown)
        else f"answered {foreign.status}, an unknown id {unknown.status}"
    )


def _unknown(row_id: str) -> str:
    """An id of the same form that no row has."""
    return str(10**9 + 7) if row_id.isdecimal() else str(uuid4())


def _asked(person: Person, method: str, path: str) -> Reply:
    return person.get(path) if method == "GET" else person.post(path, _STOLEN)


def comparable(reply: Reply) -> tuple[int, str, str]:
    """Less the ids that were asked for, and what differs between any two pages."""
    location = _DIFFERING.sub("", reply.headers.get("Location", ""))
    return reply.status, location, "" if reply.is_redirect else _DIFFERING.sub("", reply.text)


def _attack_lists(person: Person, victim: House, report: Report) -> None:
    website, tenant = str(victim.places[0].website.pk), str(victim.tenant.pk)
    questions = ["", "all=", "e=1", "_popup=1&_to_field=tenant", f"tenant_id={tenant}", f"tenant__id__exact={tenant}"]
    questions += [f"website__id__exact={website}", f"website={website}"]
    for _, pages in _pages():
        for page in (page for page in pages if not _PARAMETER.search(page)):
            for question in questions:
                name = f"GET {page}?{question.partition('=')[0]} by {person.name}"
                with report.breaking(WALL, name):
                    found = _has_canary(person.get(f"{page}?{question}"), victim)
                    report.note(WALL, name, leak="a canary came back" if found else "")
            with report.breaking(WALL, f"search of {page}"):
                report.note(WALL, f"search of {page} by {person.name}", leak=_search_told_apart(person, page, victim))


def _search_told_apart(person: Person, page: str, victim: House) -> str:
    """A page may repeat what it was asked for, and must say the same of a foreign word as of nobody's."""
    words = victim.canary, new_canary()
    told = [comparable(person.get(f"{page}?q={word}")) for word in words]
    same = [
        (status, where.replace(word, ""), text.replace(word, ""))
        for word, (status, where, text) in zip(words, told, strict=True)
    ]
    return "" if same[0] == same[1] else "it finds the victim's word"


def _has_canary(reply: Reply, victim: House) -> bool:
    return any(canary in reply.whole for canary in victim.canaries)


def _attack_switch(person: Person, attacker: House, victim: House, report: Report) -> None:
    person.post(reverse("admin:switch_tenant"), {"tenant": str(victim.tenant.pk)})
    home = person.get(reverse("admin:index"))
    report.require(WALL, "home", holds=attacker.canary in home.text, why=f"{person.name} does not see their own tenant")
    leak = "it let them in" if _has_canary(home, victim) else ""
    report.note(WALL, f"switch to the tenant by {person.name}", leak=leak)


def _attack_writing(person: Person, house: House, report: Report) -> None:
    """By somebody who may look at everything here and change nothing."""
    for model, pages in _pages():
        row_id = _row_of(model, house)
        for page in pages:
            name = f"POST {page} by {person.name}"
            with report.breaking(WALL, name):
                before = house.rows()
                person.post(_PARAMETER.sub(row_id or str(uuid4()), page), _STOLEN)
                report.note(WALL, name, leak=changed_tables(before, house.rows()))


def _check_that_staff_sees_its_own(person: Person, house: House, report: Report) -> None:
    website = reverse("admin:tenants_website_change", args=[house.places[0].website.pk])
    holds = house.canary in person.get(website).text
    report.require(WALL, website, holds=holds, why=f"{person.name} does not see their own website either")


def _pages() -> Iterator[tuple[type[Any], list[str]]]:
    """The addresses of every registered model's pages, ``<...>`` where a row's id goes."""
    for model, pages in admin.site._registry.items():  # noqa: SLF001  Django's own list of what is registered
        home = reverse(f"admin:{pages.opts.app_label}_{pages.opts.model_name}_changelist")
        patterns = [str(url.pattern) for url in pages.get_urls()]
        yield model, [home + pattern for pattern in patterns if "(?P" not in pattern]


def _row_of(model: type[Any], house: House) -> str:
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
