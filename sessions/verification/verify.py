"""The whole verification: build, attack, clean up, report."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from sessions.verification.client import Client
from sessions.verification.conversations import ask_all_at_once, begin_conversations
from sessions.verification.ended import attack_ended
from sessions.verification.identities import attack_identities
from sessions.verification.invitations import attack_invitations
from sessions.verification.keys import attack_keys
from sessions.verification.report import Report
from sessions.verification.staff import attack_pages
from sessions.verification.stage import House, build_house, clear_house, clear_left_behind
from sessions.verification.tables import attack_tables
from sessions.verification.visitors import attack_origins, attack_sessions

Attacks = Callable[[Client, list[House], Report], None]

ATTACKS: Final[Mapping[str, Attacks]] = {
    "conversations": ask_all_at_once,
    "sessions": attack_sessions,
    "origins": attack_origins,
    "keys": attack_keys,
    "identities": attack_identities,
    "ended": attack_ended,
    "invitations": attack_invitations,
    "pages": attack_pages,
    "tables": attack_tables,
}


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each: at least two, for somebody must be attacked."""

    tenants: int
    websites: int
    sessions: int


def verify_isolation(client: Client, size: Size, kinds: Collection[str] = tuple(ATTACKS)) -> Report:
    """Attacks the server that ``client`` asks. Touches no row but those it makes, and leaves none of them behind.

    Raises ``RuntimeError`` where the server does not answer its own visitors, and ``OSError`` where it is not there.
    """
    clear_left_behind()
    report, houses = Report(), list[House]()
    try:
        for _ in range(size.tenants):
            houses.append(build_house(size.websites))
            begin_conversations(client, houses[-1], size.sessions)
        for kind in (kind for kind in ATTACKS if kind in kinds):
            _attack(kind, client, houses, report)
    finally:
        for house in houses:
            with report.breaking("clean-up", house.tenant.slug):
                clear_house(house)
    return report


def _attack(kind: str, client: Client, houses: list[House], report: Report) -> None:
    before = len(report.attacks)
    ATTACKS[kind](client, houses, report)
    report.require(kind, "all", holds=len(report.attacks) > before, why="no attack was made")
