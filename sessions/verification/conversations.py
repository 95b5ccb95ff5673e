"""Conversations over the API, as browsers hold them: begun one after another, and then all of them at once."""

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from sessions.verification.client import Client, Reply
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor, new_canary
from sessions.verification.visitors import (
    QUESTION,
    Call,
    all_canaries,
    each_place,
    visit,
    visitor_headers,
    wrong_visits,
)

WALL: Final = "visitors: all at once"
_AT_ONCE: Final = 24
_ROUNDS: Final = 2
_ASKED: Final = {"message": QUESTION, "session_id": "{session}", "message_id": "{message}"}
_WAYS: Final = tuple(
    Call(name, "POST", "/api/v1/chat/", _ASKED, stream="stream" in name) for name in ("chat as a stream", "chat")
)
_SPYING: Final = {"chat as a stream", "messages", "events of a turn"}


@dataclass(frozen=True, slots=True)
class Asked:
    """One request of many at once. ``entitled`` are the canaries that its answer may hold."""

    name: str
    place: Place
    visitor: Visitor
    call: Call
    headers: dict[str, str]
    entitled: set[str]
    is_spying: bool = False


def begin_conversations(client: Client, house: House, many: int) -> None:
    """Lets so many visitors of each website say their names. Raises ``RuntimeError`` where the API refuses."""
    for place in house.places:
        place.visitors = [_begin(client, house, place) for _ in range(many)]


def ask_all_at_once(client: Client, houses: list[House], report: Report) -> None:
    """Every visitor asks for their own name, in streams and as JSON, mixed, and hears no other.

    In between strangers try to read along: the very turns that run, with the rights of others.
    """
    canaries = all_canaries(houses)
    asked = [one for number in range(_ROUNDS) for one in _one_round(houses, number)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        replies = pool.map(lambda one: visit(client, one.call, one.visitor, one.headers), asked)
        for one, reply in zip(asked, replies, strict=True):
            heard = {canary for canary in canaries if canary in reply.text}
            if not one.is_spying:
                holds = one.visitor.canary in heard
                report.require(WALL, one.name, holds=holds, why=f"no answer, but {reply.status}")
            report.note(WALL, one.name, leak="heard another's canary" if heard - one.entitled else "")


def _one_round(houses: list[House], number: int) -> Iterator[Asked]:
    for house, place in each_place(houses):
        for visitor in place.visitors:
            asking = replace(visitor, message_id=f"message_{secrets.token_hex(8)}")
            call, headers = _WAYS[number % 2], visitor_headers(place, visitor)
            yield Asked(f"{call.name} on {place.website.domain}", place, asking, call, headers, {visitor.canary})
            for wrong in wrong_visits(houses, house, place, visitor):
                if wrong.call.name in _SPYING:
                    own = {wrong.own_canary}
                    yield Asked(wrong.name, place, asking, wrong.call, wrong.headers, own, is_spying=True)


def _begin(client: Client, house: House, place: Place) -> Visitor:
    visitor = Visitor(f"s_{secrets.token_hex(12)}", new_canary(), f"message_{secrets.token_hex(8)}")
    if place.website.require_session_token:
        started = client.post_json(
            "/api/v1/sessions/", {"session_id": visitor.session_id}, visitor_headers(place, visitor)
        )
        visitor.token = _granted(started)["token"]
    said = {
        "message": f"My name is {visitor.canary}",
        "session_id": visitor.session_id,
        "message_id": visitor.message_id,
        "metadata": {"note": house.canary},
    }
    _granted(client.post_json("/api/v1/chat/", said, visitor_headers(place, visitor)))
    return visitor


def _granted(reply: Reply) -> dict[str, str]:
    if not reply.is_ok:
        raise RuntimeError(f"the API refuses its own visitors: {reply.status} {reply.text[:200]}")
    body: dict[str, str] = reply.json()
    return body
