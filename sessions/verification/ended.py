"""Visitors whose right to their own conversation has ended: they logged out, or their token is too old."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from sessions.models import AgentSession
from sessions.verification.client import Client
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor
from sessions.verification.visitors import (
    CALLS,
    WrongVisit,
    all_canaries,
    each_place,
    visit,
    visitor_headers,
    what_leaks,
)
from tenants.models.bounded import MOST_TOKEN_LIFETIME_DAYS
from tenants.scoping import tenant_scope

WALL: Final = "visitors: rights that ended"
_LOGOUT: Final = next(call for call in CALLS if call.name == "logout")
_AGES: Final = {
    "token_issued_at": "with a token that is too old",
    "last_activity_at": "with a token that was not used for too long",
}
_BEYOND_ANY_POLICY: Final = timedelta(days=MOST_TOKEN_LIFETIME_DAYS + 1)


def attack_ended(client: Client, houses: list[House], report: Report) -> None:
    """Every call with a token that was good until now; but to log out, which a token of any age may do, and again."""
    everybodys = all_canaries(houses)
    for house, place in each_place(houses):
        if place.website.require_session_token:
            first, *_, last = place.visitors
            for field, how in _AGES.items():
                with _aged(house, place, first, field):
                    _attack(client, (house, place, first), how, everybodys, report)
            left = visit(client, _LOGOUT, last, visitor_headers(place, last))
            report.require(WALL, "logout", holds=left.is_ok, why=f"it was answered {left.status}")
            _attack(client, (house, place, last), "after the logout", everybodys, report)


def _attack(client: Client, whose: tuple[House, Place, Visitor], how: str, canaries: set[str], report: Report) -> None:
    _, place, visitor = whose
    for call in (call for call in CALLS if call is not _LOGOUT):
        wrong = WrongVisit(f"{call.name} {how}", call, visitor_headers(place, visitor), own_canary="")
        with report.breaking(WALL, wrong.name):
            report.note(WALL, wrong.name, leak=what_leaks(client, wrong, whose, canaries))


@contextmanager
def _aged(house: House, place: Place, visitor: Visitor, field: str) -> Iterator[None]:
    """The session as it will be when no policy lets its token in any more, and then as it was."""
    with tenant_scope(house.tenant.pk):
        session = AgentSession.objects.get(website=place.website, session_id=visitor.session_id)
        moment = getattr(session, field)
        AgentSession.objects.filter(pk=session.pk).update(**{field: moment - _BEYOND_ANY_POLICY})
    yield
    with tenant_scope(house.tenant.pk):
        AgentSession.objects.filter(pk=session.pk).update(**{field: moment})
