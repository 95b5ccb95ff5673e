"""Visitors who try another's conversation: with its id, another's token, a foreign key, a false origin."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sessions.verification.client import Client, Reply
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor
from tenants.identifiers import new_session_token

WALL: Final = "visitors: sessions and tokens"
ORIGINS_WALL: Final = "visitors: origins and keys"
QUESTION: Final = "What's my name?"


@dataclass(frozen=True, slots=True)
class Call:
    """A request about a session, by the name it has in reports. ``{session}`` and ``{message}`` are filled in."""

    name: str
    method: str
    path: str
    body: dict[str, str] | None = None
    stream: bool = False
    always_needs_token: bool = False
    is_harmless: bool = True
    """The rightful owner may be served by it before the attacks begin."""


_ASK: Final = {"message": QUESTION, "session_id": "{session}"}
_SESSION: Final = "/api/v1/sessions/{session}"

CALLS: Final = (
    Call("chat", "POST", "/api/v1/chat/", _ASK),
    Call("chat as a stream", "POST", "/api/v1/chat/", _ASK, stream=True),
    Call(
        "other words under a known id", "POST", "/api/v1/chat/", {**_ASK, "message_id": "{message}"}, is_harmless=False
    ),
    Call("start", "POST", "/api/v1/sessions/", {"session_id": "{session}"}, is_harmless=False),
    Call("messages", "GET", f"{_SESSION}/messages/", always_needs_token=True),
    Call("export", "GET", f"{_SESSION}/export/", always_needs_token=True),
    Call("events of a turn", "GET", f"{_SESSION}/turns/{{message}}/events", always_needs_token=True),
    Call("stop", "POST", f"{_SESSION}/stop/", {"message_id": "{message}"}, is_harmless=False),
    Call(
        "identify",
        "POST",
        f"{_SESSION}/identify/",
        {"token": "e30.e30.e30"},
        always_needs_token=True,
        is_harmless=False,
    ),
    Call("logout", "POST", f"{_SESSION}/logout/", {}, always_needs_token=True, is_harmless=False),
    Call("erase", "DELETE", f"{_SESSION}/", always_needs_token=True, is_harmless=False),
)


def visit(client: Client, call: Call, visitor: Visitor, headers: dict[str, str]) -> Reply:
    """The call about ``visitor``'s session, with these headers."""
    if call.stream:
        headers = {**headers, "Accept": "text/event-stream"}
    path = _filled(call.path, visitor)
    if call.body is None:
        return client.ask(call.method, path, headers)
    body = {name: _filled(value, visitor) for name, value in call.body.items()}
    return client.post_json(path, body, headers)


@dataclass(frozen=True, slots=True)
class WrongVisit:
    """A call about somebody's session by somebody who has no right to it."""

    name: str
    call: Call
    headers: dict[str, str]
    own_canary: str


def attack_sessions(client: Client, houses: list[House], report: Report) -> None:
    """Every call with every wrong right, by visitors of the same website, of its sister, of another tenant's."""
    everybodys = all_canaries(houses)
    for house, place in each_place(houses):
        victim = place.visitors[0]
        check_that_owner_is_served(client, place, victim, report)
        for wrong in wrong_visits(houses, house, place, victim):
            with report.breaking(WALL, wrong.name):
                report.note(WALL, wrong.name, leak=what_leaks(client, wrong, (house, place, victim), everybodys))


def wrong_visits(houses: list[House], house: House, place: Place, victim: Visitor) -> Iterator[WrongVisit]:
    for relation, other in _neighbours(houses, house, place):
        attacker = next(one for one in other.visitors if one.session_id != victim.session_id)
        for right, headers in _wrong_rights(other, attacker, place, victim):
            for call in CALLS:
                if not _is_allowed(call, right, place, other):
                    yield WrongVisit(f"{call.name}, by {relation}, with {right}", call, headers, attacker.canary)


def attack_origins(client: Client, houses: list[House], report: Report) -> None:
    """Origins that only look like a website's own, another's site key, another's domain in the metadata."""
    for house, place in each_place(houses):
        victim = place.visitors[0]
        for name, headers, extra in _lies(houses, house, place):
            with report.breaking(ORIGINS_WALL, name):
                reply = client.post_json(
                    "/api/v1/chat/", {"message": QUESTION, "session_id": victim.session_id, **extra}, headers
                )
                report.note(ORIGINS_WALL, name, leak="" if reply.status == 403 else f"answered {reply.status}")  # noqa: PLR2004
        config = client.get("/api/v1/widget/config/", {"Origin": f"{place.origin}.evil.example"})
        report.note(
            ORIGINS_WALL,
            "widget config of a stranger",
            leak="a canary came back" if found(house.canaries, config) else "",
        )


def what_leaks(client: Client, wrong: WrongVisit, whose: tuple[House, Place, Visitor], canaries: set[str]) -> str:
    """What the visit got hold of, in a few words; empty where nothing came back and nothing was changed."""
    house, place, victim = whose
    before = house.conversation(place, victim)
    reply = visit(client, wrong.call, victim, wrong.headers)
    if found(canaries - {wrong.own_canary}, reply):
        return "a canary came back"
    return "" if house.conversation(place, victim) == before else "the conversation was changed"


def check_that_owner_is_served(client: Client, place: Place, visitor: Visitor, report: Report) -> None:
    headers = visitor_headers(place, visitor)
    for call in CALLS:
        if call.is_harmless and not (call.always_needs_token and visitor.token is None):
            served = visitor.canary in visit(client, call, visitor, headers).whole
            report.require(WALL, call.name, holds=served, why="its rightful owner was not served either")


def visitor_headers(place: Place, visitor: Visitor) -> dict[str, str]:
    right = {"Authorization": f"Bearer {visitor.token}"} if visitor.token else {}
    return {"Origin": place.origin, **right}


def _wrong_rights(
    other: Place, attacker: Visitor, place: Place, victim: Visitor
) -> Iterator[tuple[str, dict[str, str]]]:
    origin = {"Origin": other.origin}
    yield "no token", origin
    yield "its own token", visitor_headers(other, attacker)
    yield "a made-up token", {**origin, "Authorization": f"Bearer {new_session_token()}"}
    if other is not place:
        yield "the stolen token", {**origin, **visitor_headers(place, victim), **origin}
        yield "the stolen site key", {**origin, "X-Parlour-Key": place.website.site_key}


def _is_allowed(call: Call, right: str, place: Place, other: Place) -> bool:
    """On a website that takes sessions without a token the id is the secret, and whoever knows it is the visitor."""
    knows_all_there_is = right in {"no token", "its own token"} and other is place
    return knows_all_there_is and not place.website.require_session_token and not call.always_needs_token


def _neighbours(houses: list[House], house: House, place: Place) -> Iterator[tuple[str, Place]]:
    yield "a visitor of the same website", place
    for sister in house.places:
        if sister is not place:
            yield "a visitor of the tenant's other website", sister
    for other in houses:
        if other is not house:
            for theirs in other.places[:2]:
                yield "a visitor of another tenant's website", theirs


def _lies(houses: list[House], house: House, place: Place) -> Iterator[tuple[str, dict[str, str], dict[str, Any]]]:
    domain = place.website.domain
    # One that would be served but for the lie: its website asks for no token.
    neighbours = next(other for other in houses if other is not house).places
    stranger = next(other for other in neighbours if not other.website.require_session_token)
    for origin in (
        f"https://{domain}.evil.example",
        f"https://evil-{domain}",
        f"https://www.{domain}",
        f"http://{domain}",
        f"https://{domain}:8443",
        f"https://{domain}@evil.example",
        f"https://evil.example/{domain}",
        f"https://{domain}, {stranger.origin}",
        "null",
        "https://evil.example",
    ):
        yield f"from the origin {origin.replace(domain, 'DOMAIN')}", {"Origin": origin}, {}
    yield "without an origin", {}, {}
    yield "without an origin, its domain in the body", {}, {"metadata": {"website_domain": domain}}
    yield "its domain as the host", {"X-Forwarded-Host": domain, "Referer": f"{place.origin}/"}, {}
    theirs = {"Origin": stranger.origin}
    yield "from another's origin, its domain in the body", theirs, {"metadata": {"website_domain": domain}}
    yield "from another's origin, with its site key", {**theirs, "X-Parlour-Key": place.website.site_key}, {}
    yield (
        "from its origin, with another's site key",
        {"Origin": place.origin, "X-Parlour-Key": stranger.website.site_key},
        {},
    )


def each_place(houses: list[House]) -> Iterator[tuple[House, Place]]:
    for house in houses:
        for place in house.places:
            yield house, place


def all_canaries(houses: list[House]) -> set[str]:
    return {canary for house in houses for canary in house.canaries}


def found(canaries: set[str], reply: Reply) -> bool:
    return any(canary in reply.whole for canary in canaries)


def _filled(text: str, visitor: Visitor) -> str:
    return text.replace("{session}", visitor.session_id).replace("{message}", visitor.message_id)
