"""Conversations over the API, as browsers hold them: begun one after another, and then all of them at once."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from sessions.verification.client import Client, Reply
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor, new_canary
from sessions.verification.visitors import CALLS, visit, visitor_headers

WALL: Final = "visitors: all at once"
_AT_ONCE: Final = 24
_WAYS: Final = tuple(call for call in CALLS if call.name in {"chat", "chat as a stream"})


def begin_conversations(client: Client, house: House, many: int) -> None:
    """Lets so many visitors of each website say their names. Raises ``RuntimeError`` where the API refuses."""
    for place in house.places:
        place.visitors = [_begin(client, house, place) for _ in range(many)]


def ask_all_at_once(client: Client, houses: list[House], rounds: int, report: Report) -> None:
    """Every visitor asks for their own name, in streams and as JSON, mixed, and hears no other."""
    everybody = [(place, visitor) for house in houses for place in house.places for visitor in place.visitors]
    canaries = {canary for house in houses for canary in house.canaries}
    asked = [(*one, _WAYS[number % 2]) for number in range(rounds) for one in everybody]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        replies = pool.map(lambda one: visit(client, one[2], one[1], visitor_headers(one[0], one[1])), asked)
        for (place, visitor, call), reply in zip(asked, replies, strict=True):
            heard = {canary for canary in canaries if canary in reply.text}
            name = f"{call.name} on {place.website.domain}"
            report.require(WALL, name, holds=visitor.canary in heard, why=f"no answer, but {reply.status}")
            report.note(WALL, name, leak="heard another's canary" if heard - {visitor.canary} else "")


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
