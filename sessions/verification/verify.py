"""The whole verification: build, attack, clean up, report."""

from dataclasses import dataclass

from sessions.verification.client import Client
from sessions.verification.conversations import ask_all_at_once, begin_conversations
from sessions.verification.keys import attack_keys
from sessions.verification.report import Report
from sessions.verification.staff import attack_pages
from sessions.verification.stage import House, build_house, clear_house, clear_left_behind
from sessions.verification.tables import attack_tables
from sessions.verification.visitors import attack_origins, attack_sessions


@dataclass(frozen=True, slots=True)
class Size:
    """How many of each: at least two, for somebody must be attacked."""

    tenants: int
    websites: int
    sessions: int


def verify_isolation(client: Client, size: Size) -> Report:
    """Attacks the server that ``client`` asks. Touches no row but those it makes, and leaves none of them behind.

    Raises ``RuntimeError`` where the server does not answer its own visitors, and ``OSError`` where it is not there.
    """
    clear_left_behind()
    report, houses = Report(), list[House]()
    try:
        for _ in range(size.tenants):
            houses.append(build_house(size.websites))
            begin_conversations(client, houses[-1], size.sessions)
        ask_all_at_once(client, houses, rounds=2, report=report)
        attack_sessions(client, houses, report)
        attack_origins(client, houses, report)
        attack_keys(client, houses, report)
        attack_pages(client, houses, report)
        attack_tables(houses, report)
    finally:
        for house in houses:
            clear_house(house)
    return report
