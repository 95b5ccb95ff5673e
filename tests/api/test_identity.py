"""Who a visitor is: proved by their website's signature, or merely claimed."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import jwt
import pytest
from django.db import connections

from agents.models import Agent
from sessions.models import AgentSession
from tenants.identity_secrets import make_identity_secret
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor

Counter = Callable[[], dict[str, str]]


def new_secret(website: Website, *, keep_former: bool = True) -> str:
    with tenant_scope(website.tenant_id):
        return make_identity_secret(website, keep_former=keep_former)


def signed(secret: str, user_id: str, **more: Any) -> str:
    return jwt.encode({"sub": user_id, "exp": time.time() + 300, **more}, secret, algorithm="HS256")


def known_as(visitor: Visitor, tenant: Tenant) -> tuple[str | None, bool]:
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get(session_id=visitor.session_id)
    return session.user_id, session.user_verified


def is_refused(response: httpx.Response, status: int, code: str, visitor: Visitor) -> bool:
    cors = response.headers.get("access-control-allow-origin")
    return (response.status_code, response.json()["code"], cors) == (status, code, visitor.headers["Origin"])


@pytest.fixture
def secret(website: Website) -> str:
    return new_secret(website)


@pytest.fixture
def ada(visitor: Visitor) -> Visitor:
    visitor.start()
    return visitor


def test_signed_visitor_is_verified(ada: Visitor, tenant: Tenant, secret: str) -> None:
    answer = ada.identify(signed(secret, " ada ", name="Ada", aud=ada.domain))
    assert (answer.status_code, answer.json()) == (200, {"user_id": "ada", "verified": True})
    assert known_as(ada, tenant) == ("ada", True)
    assert answer.headers["access-control-allow-origin"] == ada.headers["Origin"]
    assert answer.headers["cache-control"] == "no-store"


def test_signature_takes_the_place_of_a_claim(visitor: Visitor, tenant: Tenant, secret: str) -> None:
    visitor.start(user_id="bob")
    assert known_as(visitor, tenant) == ("bob", False)
    visitor.identify(signed(secret, "ada"))
    assert known_as(visitor, tenant) == ("ada", True)


def test_claim_never_takes_the_place_of_a_signature(ada: Visitor, tenant: Tenant, secret: str) -> None:
    ada.identify(signed(secret, "ada"))
    for claim in ("bob", "carol"):  # with a page that has changed, so that something is written indeed
        ada.say("Hello", user_id=claim, metadata={"page": f"/{claim}"})
        assert known_as(ada, tenant) == ("ada", True)


def test_later_claim_takes_the_place_of_an_earlier_one_and_silence_does_not(visitor: Visitor, tenant: Tenant) -> None:
    visitor.start(user_id="bob")
    visitor.say("Hello", user_id="carol")
    visitor.say("Hello again")
    assert known_as(visitor, tenant) == ("carol", False)


def test_identified_twice_is_as_once(ada: Visitor, secret: str, rows_written: Counter) -> None:
    first = ada.identify(signed(secret, "ada"))
    written = rows_written()
    second = ada.identify(signed(secret, "ada"))
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert rows_written() == written


def test_session_never_passes_from_one_user_to_another(
    ada: Visitor, tenant: Tenant, secret: str, rows_written: Counter
) -> None:
    ada.identify(signed(secret, "ada"))
    written = rows_written()
    answer = ada.identify(signed(secret, "bob"))
    assert is_refused(answer, 409, "identity_mismatch", ada)
    assert "ada" not in answer.text
    assert rows_written() == written
    assert known_as(ada, tenant) == ("ada", True)


@pytest.mark.parametrize("whose", ["other website", "other tenant", "nobody"])
def test_foreign_signature_proves_nothing(
    cast: Cast, tenant: Tenant, agent: Agent, ada: Visitor, secret: str, rows_written: Counter, whose: str
) -> None:
    owner = tenant if whose == "other website" else cast.tenant()
    foreign = "is_" + "x" * 43 if whose == "nobody" else new_secret(cast.website(owner, agents=[agent]))
    before = rows_written()
    refused = ada.identify(signed(foreign, "ada"))
    assert is_refused(refused, 401, "identity_invalid", ada)
    assert refused.text == ada.identify("a.b.c").text == ada.identify(signed(secret, "ada", exp=1)).text
    assert rows_written() == before


def test_website_without_a_secret_believes_nobody(ada: Visitor, rows_written: Counter) -> None:
    before = rows_written()
    for token in (signed("x" * 32, "ada"), jwt.encode({"sub": "ada", "exp": time.time() + 9}, "", algorithm="none")):
        assert is_refused(ada.identify(token), 401, "identity_invalid", ada)
    assert rows_written() == before


@pytest.mark.parametrize("credential", [None, "st_" + "x" * 43])
def test_signature_alone_is_no_access(
    server: LiveServer, ada: Visitor, secret: str, rows_written: Counter, credential: str | None
) -> None:
    thief = Visitor(server, ada.domain, session_id=ada.session_id, token=credential)
    before = rows_written()
    code = "session_token_required" if credential is None else "session_token_invalid"
    assert is_refused(thief.identify(signed(secret, "thief")), 403, code, thief)
    assert rows_written() == before


def test_plain_session_cannot_be_identified(
    server: LiveServer, website: Website, secret: str, rows_written: Counter
) -> None:
    plain = Visitor(server, website.domain)
    plain.say("Hello")
    before = rows_written()
    assert is_refused(plain.identify(signed(secret, "ada")), 403, "session_token_required", plain)
    assert rows_written() == before


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "invalid_request"),
        (b"{}", 400, "invalid_request"),
        (b"[]", 400, "invalid_request"),
        (b"{", 400, "invalid_request"),
        (b'{"token": null}', 400, "invalid_request"),
        (b'{"token": ""}', 400, "invalid_request"),
        (b'{"token": 7}', 400, "invalid_request"),
        (b'{"token": ["a.b.c"]}', 400, "invalid_request"),
        (b'{"token": "\\ud800"}', 400, "invalid_request"),
        (json.dumps({"token": "x" * 4_097}).encode(), 413, "too_large"),
        (b" " * 65_537, 413, "too_large"),
    ],
)
def test_bad_body_is_a_clear_error(
    ada: Visitor, secret: str, rows_written: Counter, body: bytes, status: int, code: str
) -> None:
    before = rows_written()
    headers = {**ada.all_headers, "Content-Type": "application/json"}
    answer = ada.http.post(f"/api/v1/sessions/{ada.session_id}/identify/", content=body, headers=headers)
    assert is_refused(answer, status, code, ada)
    assert rows_written() == before


def test_replaced_secret_is_believed_for_a_day(server: LiveServer, website: Website, secret: str) -> None:
    second = new_secret(website)
    assert proves(server, website, secret, second) == [True, True]
    as_if_made_earlier(website, hours=23.9)
    assert proves(server, website, secret, second) == [True, True]
    as_if_made_earlier(website, hours=0.2)
    assert proves(server, website, secret, second) == [False, True]


def test_only_the_last_replaced_secret_is_believed(server: LiveServer, website: Website, secret: str) -> None:
    second, third = new_secret(website), new_secret(website)
    assert proves(server, website, secret, second, third) == [False, True, True]


def test_leaked_secret_ends_at_once(server: LiveServer, website: Website, secret: str) -> None:
    second = new_secret(website, keep_former=False)
    assert proves(server, website, secret, second) == [False, True]


def proves(server: LiveServer, website: Website, *secrets: str) -> list[bool]:
    """Which of the secrets can sign a new visitor."""
    visitors = [Visitor(server, website.domain) for _ in secrets]
    for visitor in visitors:
        visitor.start()
    answers = [visitor.identify(signed(one, "ada")) for visitor, one in zip(visitors, secrets, strict=True)]
    return [answer.status_code == httpx.codes.OK for answer in answers]


def as_if_made_earlier(website: Website, *, hours: float) -> None:
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE websites SET identity_secret_made_at = identity_secret_made_at - make_interval(secs => %s)"
            " WHERE id = %s",
            [hours * 3_600, website.pk],
        )


def test_secret_copied_to_another_website_does_not_open(
    cast: Cast, server: LiveServer, tenant: Tenant, agent: Agent, website: Website, secret: str
) -> None:
    other = cast.website(tenant, agents=[agent])
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "UPDATE websites SET identity_secret_sealed = (SELECT identity_secret_sealed FROM websites WHERE id = %s)"
            " WHERE id = %s",
            [website.pk, other.pk],
        )
    assert proves(server, other, secret) == [False]
    assert proves(server, website, secret) == [True]


def test_token_names_its_website_or_none(ada: Visitor, secret: str, rows_written: Counter) -> None:
    before = rows_written()
    for wrong in ({"aud": "other.example"}, {"website_domain": "other.example"}):
        assert is_refused(ada.identify(signed(secret, "ada", **wrong)), 401, "identity_invalid", ada)
    assert rows_written() == before
    assert ada.identify(signed(secret, "ada", website_domain=ada.domain)).status_code == httpx.codes.OK
