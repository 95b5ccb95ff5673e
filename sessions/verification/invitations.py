"""Strangers with links to a tenant that open nothing: made up, used, withdrawn, too old."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Final

from django.urls import reverse

from sessions.verification.client import Client, Reply
from sessions.verification.person import Person, comparable, logged_in
from sessions.verification.report import Report
from sessions.verification.stage import House, changed_tables
from tenants.identifiers import new_invitation_token

WALL: Final = "staff: invitations"
_SIGN_UP: Final = {"username": "isolation-check-nobody", "password1": "8oDj-wq5-Kf2", "password2": "8oDj-wq5-Kf2"}


def attack_invitations(client: Client, houses: list[House], report: Report) -> None:
    """Every link by nobody and by another tenant's owner; then joining without any."""
    attacker, *victims = houses
    with (
        logged_in(client, attacker.staff["owner"], "another tenant's owner") as owner,
        logged_in(client, attacker.staff["auditor"], "somebody invited") as invited,
    ):
        for person in (Person(client, "nobody", ""), owner):
            for victim in victims:
                _check_that_invited_are_let_in(invited, victim, report)
                _attack(person, victim, report)
                _check_that_invited_are_let_in(invited, victim, report)


def _check_that_invited_are_let_in(person: Person, victim: House, report: Report) -> None:
    """It also ends the count of tries from here, and so leaves no lock behind."""
    opened = _open(person, victim.invitations["open"])
    report.require(WALL, "an open link", holds=opened.is_redirect, why=f"answered {opened.status}")


def _attack(person: Person, victim: House, report: Report) -> None:
    before = victim.rows()
    unknown = comparable(_open(person, new_invitation_token()))
    for name, token in _dead_links(victim):
        with report.breaking(WALL, name):
            reply = _open(person, token)
            if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
                report.note_broken(WALL, name, "too many tries from this network: wait a quarter of an hour")
                continue
            told = "it opened" if reply.is_redirect else "" if comparable(reply) == unknown else "it is told apart"
            report.note(WALL, f"{name} by {person.name}", leak=told)
    for page in ("invitation-join", "invitation-sign-up"):
        reply = person.post(reverse(page), _SIGN_UP)
        report.note(WALL, f"{page} without a link by {person.name}", leak="it let them in" if reply.is_redirect else "")
    report.note(WALL, f"all rows after {person.name}", leak=changed_tables(before, victim.rows()))


def _dead_links(victim: House) -> Iterator[tuple[str, str]]:
    opens = victim.invitations["open"]
    yield "a link with another last letter", opens[:-1] + ("A" if opens[-1] != "A" else "B")
    yield "a link without its end", opens[:-8]
    yield "an empty link", ""
    for state in ("used", "withdrawn", "too old"):
        yield f"a link that is {state}", victim.invitations[state]


def _open(person: Person, token: str) -> Reply:
    return person.post(reverse("invitation-open"), {"token": token})
