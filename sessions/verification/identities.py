"""Visitors who sign for somebody they are not: with another website's secret, or with none."""

import base64
import hmac
import json
import time
from collections.abc import Iterator
from typing import Any, Final

from sessions.verification.client import Client, Reply
from sessions.verification.report import Report
from sessions.verification.stage import House, Place, Visitor, new_canary
from sessions.verification.visitors import visitor_headers

WALL: Final = "visitors: signed identities"
_VALID_SECONDS: Final = 600


def attack_identities(client: Client, houses: list[House], report: Report) -> None:
    """On every website that asks for tokens, in a conversation of the attacker's own."""
    for house in houses:
        for place in (place for place in house.places if place.website.require_session_token):
            visitor = place.visitors[-1]
            for name, token in _forgeries(houses, house, place):
                with report.breaking(WALL, name):
                    before = house.conversation(place, visitor)
                    reply = _identify(client, place, visitor, token)
                    changed = house.conversation(place, visitor) != before
                    report.note(WALL, name, leak=f"answered {reply.status}" if reply.is_ok or changed else "")
            _try_to_take_over(client, place, report)


def _forgeries(houses: list[House], house: House, place: Place) -> Iterator[tuple[str, str]]:
    """Each is what the website's own server would have signed, but for one thing."""
    claims, secret = _claims(), place.identity_secret
    for other in houses:
        if other is not house:
            yield "another tenant's secret", _signed(claims, other.places[0].identity_secret)
    for sister in house.places:
        if sister is not place:
            yield "the secret of the tenant's other website", _signed(claims, sister.identity_secret)
            yield "made for the tenant's other website", _signed({**claims, "aud": sister.website.domain}, secret)
    stranger = next(other for other in houses if other is not house).places[0]
    elsewhere = {**claims, "website_domain": stranger.website.domain}
    yield "made for another tenant's website", _signed(elsewhere, secret)
    yield "the site key as the secret", _signed(claims, place.website.site_key)
    yield "signed by nobody", _unsigned(claims, algorithm="none") + "."
    yield "signed another way", _signed(claims, secret, "HS512", "sha512")
    yield "too old", _signed({**claims, "exp": claims["exp"] - 2 * _VALID_SECONDS}, secret)
    yield "with other claims than were signed", _with_claims_of(_signed(_claims(), secret), _signed(claims, secret))


def _try_to_take_over(client: Client, place: Place, report: Report) -> None:
    """A visitor who proved who they are; then somebody else, just as rightly signed, in the same conversation."""
    visitor = place.visitors[0]
    first = _identify(client, place, visitor, _signed(_claims(), place.identity_secret))
    report.require(WALL, "identify", holds=first.is_ok, why=f"a rightful signature was answered {first.status}")
    second = _identify(client, place, visitor, _signed(_claims(), place.identity_secret))
    report.note(WALL, "a conversation that is somebody else's", leak="it changed hands" if second.is_ok else "")


def _identify(client: Client, place: Place, visitor: Visitor, token: str) -> Reply:
    path = f"/api/v1/sessions/{visitor.session_id}/identify/"
    return client.post_json(path, {"token": token}, visitor_headers(place, visitor))


def _claims() -> dict[str, Any]:
    return {"sub": new_canary(), "exp": int(time.time()) + _VALID_SECONDS}


def _signed(claims: dict[str, Any], secret: str, algorithm: str = "HS256", digest: str = "sha256") -> str:
    """By hand: a library refuses to sign as wrongly as an attacker may."""
    unsigned = _unsigned(claims, algorithm)
    return f"{unsigned}.{_encoded(hmac.digest(secret.encode(), unsigned.encode(), digest))}"


def _unsigned(claims: dict[str, Any], algorithm: str) -> str:
    return ".".join(_encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": algorithm}, claims))


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()


def _with_claims_of(token: str, other: str) -> str:
    head, _, signature = token.split(".")
    return ".".join([head, other.split(".")[1], signature])
