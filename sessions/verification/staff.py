"""Staff who try another tenant's rows in the admin: by guessed addresses, filters, searches, forms and the switch."""

from typing import Final
from uuid import uuid4

from django.urls import reverse

from sessions.verification.choices import attack_choices
from sessions.verification.client import Client
from sessions.verification.person import (
    PARAMETER,
    STOLEN,
    Person,
    asked,
    comparable,
    has_canary,
    logged_in,
    model_pages,
    row_of,
    unknown_id,
)
from sessions.verification.report import Report
from sessions.verification.stage import House, changed_tables, new_canary
from tenants.models import Membership

WALL: Final = "staff: pages of the admin"


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
                attack_choices(person, victim, report)
                _attack_switch(person, attacker, victim, report)
    for person in strangers:
        for victim in victims:
            _attack_rows(person, victim, report)
            _attack_lists(person, victim, report)
    with logged_in(client, attacker.staff["auditor"], "the tenant's auditor") as person:
        _attack_writing(person, attacker, report)


def _attack_rows(person: Person, victim: House, report: Report) -> None:
    before = victim.rows()
    for model, pages in model_pages():
        row_id = row_of(model, victim)
        report.require(WALL, model.__name__, holds=bool(row_id), why="there is no row to attack")
        for page in (page for page in pages if PARAMETER.search(page)):
            for method in ("GET", "POST"):
                name = f"{method} {page} by {person.name}"
                with report.breaking(WALL, name):
                    report.note(WALL, name, leak=_told_apart(person, method, page, row_id, victim))
    report.note(WALL, f"all rows after {person.name}", leak=changed_tables(before, victim.rows()))


def _told_apart(person: Person, method: str, page: str, row_id: str, victim: House) -> str:
    """What the answer about a foreign row tells that the answer about no row at all does not."""
    foreign, unknown = (asked(person, method, PARAMETER.sub(one, page)) for one in (row_id, unknown_id(row_id)))
    if has_canary(foreign, victim):
        return "a canary came back"
    return (
        ""
        if comparable(foreign) == comparable(unknown)
        else f"answered {foreign.status}, an unknown id {unknown.status}"
    )


def _attack_lists(person: Person, victim: House, report: Report) -> None:
    website, tenant = str(victim.places[0].website.pk), str(victim.tenant.pk)
    questions = ["", "all=", "e=1", "_popup=1&_to_field=tenant", f"tenant_id={tenant}", f"tenant__id__exact={tenant}"]
    questions += [f"website__id__exact={website}", f"website={website}"]
    for _, pages in model_pages():
        for page in (page for page in pages if not PARAMETER.search(page)):
            for question in questions:
                name = f"GET {page}?{question.partition('=')[0]} by {person.name}"
                with report.breaking(WALL, name):
                    found = has_canary(person.get(f"{page}?{question}"), victim)
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


def _attack_switch(person: Person, attacker: House, victim: House, report: Report) -> None:
    person.post(reverse("admin:switch_tenant"), {"tenant": str(victim.tenant.pk)})
    home = person.get(reverse("admin:index"))
    report.require(WALL, "home", holds=attacker.canary in home.text, why=f"{person.name} does not see their own tenant")
    leak = "it let them in" if has_canary(home, victim) else ""
    report.note(WALL, f"switch to the tenant by {person.name}", leak=leak)


def _attack_writing(person: Person, house: House, report: Report) -> None:
    """By somebody who may look at everything here and change nothing."""
    for model, pages in model_pages():
        row_id = row_of(model, house)
        for page in pages:
            name = f"POST {page} by {person.name}"
            with report.breaking(WALL, name):
                before = house.rows()
                person.post(PARAMETER.sub(row_id or str(uuid4()), page), STOLEN)
                report.note(WALL, name, leak=changed_tables(before, house.rows()))


def _check_that_staff_sees_its_own(person: Person, house: House, report: Report) -> None:
    website = reverse("admin:tenants_website_change", args=[house.places[0].website.pk])
    holds = house.canary in person.get(website).text
    report.require(WALL, website, holds=holds, why=f"{person.name} does not see their own website either")
