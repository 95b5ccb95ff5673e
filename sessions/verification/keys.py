"""Servers of one tenant who try another's conversations with their own API key, and keys that are none."""

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from sessions.verification.client import Client, Reply
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor
from sessions.verification.visitors import QUESTION, found

WALL: Final = "servers: API keys"
_UNAUTHORISED: Final = 401


def attack_keys(client: Client, houses: list[House], report: Report) -> None:
    """Every call that a server may make, about the sessions of another tenant's website."""
    attacker, *victims = houses
    own = attacker.places[0]
    listed = client.get(_messages(own.visitors[0], own), _bearer(attacker.api_key))
    report.require(WALL, "messages", holds=own.visitors[0].canary in listed.text, why=f"its own: {listed.status}")
    _attack_scopes(client, attacker, report)
    for victim in victims:
        for place in victim.places:
            for name, reply, changed in _tries(client, attacker.api_key, own, (victim, place)):
                leak = "a canary came back" if found(victim.canaries, reply) else changed
                report.note(WALL, name, leak=leak)
            for name, headers in _false_keys(victim.api_key, place):
                with report.breaking(WALL, name):
                    reply = client.get(_messages(place.visitors[0], place), headers)
                    report.note(WALL, name, leak="" if reply.status == _UNAUTHORISED else f"answered {reply.status}")


def _tries(client: Client, api_key: str, own: Place, whose: tuple[House, Place]) -> Iterator[tuple[str, Reply, str]]:
    house, place = whose
    visitor, before = place.visitors[0], house.conversation(place, place.visitors[0])
    for where, named in (("another tenant's website", place), ("its own website, another's session", own)):
        asked: dict[str, Any] = {"session_id": visitor.session_id, "metadata": {"website_domain": named.website.domain}}
        stopped = {"message_id": visitor.message_id, "metadata": asked["metadata"]}
        session = f"/api/v1/sessions/{visitor.session_id}"
        domain = f"?website_domain={quote(named.website.domain)}"
        right = _bearer(api_key)
        for name, reply in (
            ("messages", client.get(f"{session}/messages/{domain}", right)),
            ("export", client.get(f"{session}/export/{domain}", right)),
            ("erase", client.ask("DELETE", f"{session}/{domain}", right)),
            ("events", client.get(f"{session}/turns/{visitor.message_id}/events{domain}", right)),
            ("stop", client.post_json(f"{session}/stop/{domain}", stopped, right)),
            ("chat", client.post_json("/api/v1/chat/", {**asked, "message": QUESTION}, right)),
            ("start", client.post_json("/api/v1/sessions/", asked, right)),
        ):
            changed = "" if house.conversation(place, visitor) == before else "the conversation was changed"
            yield f"{name} of {where}", reply, changed


def _false_keys(api_key: str, place: Place) -> Iterator[tuple[str, dict[str, str]]]:
    last = "A" if api_key[-1] != "A" else "B"
    yield "a key with another last letter", _bearer(api_key[:-1] + last)
    yield "a key's prefix alone", _bearer(api_key.rpartition("_")[0] + "_" + "A" * 43)
    yield "a key beside an origin", {**_bearer(api_key), "Origin": place.origin}
    yield "an empty key", _bearer("sk_")


def _attack_scopes(client: Client, house: House, report: Report) -> None:
    """A key that may do one thing, and tries the other on its own website."""
    place = house.places[0]
    visitor, domain = place.visitors[0], place.website.domain
    listed = client.get(_messages(visitor, place), _bearer(house.narrow_keys["chat"]))
    report.note(WALL, "messages with a key to chat", leak="a canary came back" if found(house.canaries, listed) else "")
    said = {"message": QUESTION, "session_id": visitor.session_id, "metadata": {"website_domain": domain}}
    before = house.conversation(place, visitor)
    client.post_json("/api/v1/chat/", said, _bearer(house.narrow_keys["sessions:read"]))
    changed = house.conversation(place, visitor) != before
    report.note(WALL, "chat with a key to read", leak="the conversation was changed" if changed else "")


def _bearer(api_key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {api_key}"}


def _messages(visitor: Visitor, place: Place) -> str:
    return f"/api/v1/sessions/{visitor.session_id}/messages/?website_domain={quote(place.website.domain)}"
