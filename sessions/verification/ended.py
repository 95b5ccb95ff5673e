"""Visitors whose right to their own conversation has ended: they logged out, or their token is too old."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

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
from tenants.models import MOST_TOKEN_LIFETIME_DAYS
from tenants.scoping import tenant_scope

WALL: Final = "visitors: rights that ended"
_LOGOUT: Final = next(call for call in CALLS if call.name == "logout")
_BEYOND_ANY_POLICY: Final = timedelta(days=MOST_TOKEN_LIFETIME_DAYS + 1)


def attack_ended(client: Client, houses: list[House], report: Report) -> None:
    """Every call with a token that was good until now; but to log out, which a token of any age may do, and again."""
    everybodys = all_canaries(houses)
    for house, place in each_place(houses):
        if place.website.require_session_token:
            first, *_, last = place.visitors
            left = visit(client, _LOGOUT, last, visitor_headers(place, last))
            report.require(WALL, "logout", holds=left.is_ok, why=f"it was answered {left.status}")
            _age(house, place, first)
            for visitor, when in ((last, "after the logout"), (first, "with a token that is too old")):
                for call in (call for call in CALLS if call is not _LOGOUT):
                    wrong = WrongVisit(f"{call.name} {when}", call, visitor_headers(place, visitor), own_canary="")
                    with report.breaking(WALL, wrong.name):
                        leak = what_leaks(client, wrong, (house, place, visitor), everybodys)
                        report.note(WALL, wrong.name, leak=leak)


def _age(house: House, place: Place, visitor: Visitor) -> None:
    with tenant_scope(house.tenant.pk):
        session = AgentSession.objects.filter(website=place.website, session_id=visitor.session_id)
        session.update(token_issued_at=timezone.now() - _BEYOND_ANY_POLICY)
