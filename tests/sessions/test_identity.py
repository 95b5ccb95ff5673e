"""What a website's signature proves, and everything that proves nothing."""

import base64
import hashlib
import hmac
import json
from typing import Any

import jwt
import pytest

from sessions.errors import IdentityInvalidError
from sessions.identity import read_identity
from tenants.identifiers import new_identity_secret

NOW = 1_800_000_000.0
HOUR = 3_600
SECRET, FORMER, FOREIGN = new_identity_secret(), new_identity_secret(), new_identity_secret()
HOSTS = frozenset({"shop.example", "www.shop.example", "xn--mnchen-3ya.de"})
GOOD: dict[str, Any] = {"sub": "customer 7", "exp": NOW + HOUR}


def signed(claims: dict[str, Any], secret: str = SECRET, **options: Any) -> str:
    return jwt.encode(claims, secret, **{"algorithm": "HS256", **options})


def by_hand(header: Any, payload: bytes, secret: str = SECRET) -> str:
    """A token that no library would make."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    signed_part = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (head, payload))
    seal = hmac.new(secret.encode(), signed_part, hashlib.sha256).digest()
    return (signed_part + b"." + base64.urlsafe_b64encode(seal).rstrip(b"=")).decode()


def read(token: str, secrets: list[str] | None = None) -> str:
    return read_identity(token, secrets=[SECRET] if secrets is None else secrets, hosts=HOSTS, now=NOW)


def is_refused(token: str, secrets: list[str] | None = None) -> bool:
    with pytest.raises(IdentityInvalidError) as caught:
        read(token, secrets)
    return str(caught.value) == "The identity token is not valid on this website."


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"name": "Ada", "email": "ada@example.com", "role": "admin", "iss": "somebody", "jti": 7},
        {"exp": NOW + 24 * HOUR + 59},
        {"exp": NOW - 59},
        {"exp": NOW + 0.5},
        {"iat": NOW + 59},
        {"nbf": NOW + 59},
        {"iat": 0, "nbf": -5},
        {"aud": "shop.example"},
        {"aud": ["other.example", "WWW.shop.example."]},
        {"aud": []},
        {"aud": "https://shop.example"},
        {"website_domain": "münchen.de"},
    ],
)
def test_good_token_proves_its_sub(more: dict[str, Any]) -> None:
    assert read(signed({**GOOD, **more})) == "customer 7"


def test_sub_is_cleaned_and_bounded() -> None:
    assert read(signed({**GOOD, "sub": " \u202ee\u0301va\x00 "})) == "\u00e9va"
    assert read(signed({**GOOD, "sub": "é" * 127})) == "é" * 127
    assert is_refused(signed({**GOOD, "sub": "é" * 128}))


def test_each_secret_there_is_may_have_signed() -> None:
    assert [read(signed(GOOD, secret), [SECRET, FORMER]) for secret in (SECRET, FORMER)] == ["customer 7"] * 2
    assert is_refused(signed(GOOD, FOREIGN), [SECRET, FORMER])
    assert is_refused(signed(GOOD), [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"sub": None},
        {"sub": 7},
        {"sub": ["customer 7"]},
        {"sub": ""},
        {"sub": " \u200b "},
        {"exp": None},
        {"exp": NOW - 60},
        {"exp": NOW + 24 * HOUR + 61},
        {"exp": str(NOW + HOUR)},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"exp": [NOW + HOUR]},
        {"iat": NOW + 61},
        {"iat": "now"},
        {"iat": float("nan")},
        {"iat": None},
        {"nbf": NOW + 61},
        {"nbf": float("-inf")},
        {"aud": "other.example"},
        {"aud": "example"},
        {"aud": "shop.example.evil.net"},
        {"aud": ["other.example", 7]},
        {"aud": ""},
        {"aud": None},
        {"aud": {"shop.example": True}},
        {"website_domain": "other.example"},
        {"website_domain": None},
        {"website_domain": ["shop.example"]},
    ],
)
def test_claims_that_prove_nothing_are_refused(wrong: dict[str, Any]) -> None:
    payload = json.dumps({**GOOD, **wrong}).encode()
    assert is_refused(by_hand({"alg": "HS256", "typ": "JWT"}, payload))


@pytest.mark.parametrize("missing", ["sub", "exp"])
def test_required_claims_are_required(missing: str) -> None:
    assert is_refused(signed({name: value for name, value in GOOD.items() if name != missing}))


@pytest.mark.parametrize("algorithm", ["none", "None", "HS384", "HS512", "RS256", "hs256", "", None, 7])
def test_no_other_algorithm_is_believed(algorithm: Any) -> None:
    payload = json.dumps(GOOD).encode()
    assert is_refused(by_hand({"alg": algorithm, "typ": "JWT"}, payload))
    head, body, _ = by_hand({"alg": algorithm}, payload).split(".")
    assert is_refused(f"{head}.{body}.")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_the_right_secret_with_another_hash_is_refused(algorithm: str) -> None:
    secret = SECRET * 2
    assert read(signed(GOOD, secret), [secret]) == "customer 7"
    assert is_refused(signed(GOOD, secret, algorithm=algorithm), [secret])


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "." * 4_000,
        "a" * 4_096,
        by_hand(b"[" * 1_500, b"{}"),
        by_hand({"alg": "HS256"}, b"[" * 1_500),
        by_hand({"alg": "HS256"}, b"[]"),
        by_hand({"alg": "HS256"}, b"null"),
        by_hand({"alg": "HS256"}, b"\xff"),
        by_hand({"alg": "HS256"}, b'{"exp": ' + b"9" * 5_000 + b"}"),
        by_hand({"alg": "HS256", "crit": ["x"]}, json.dumps(GOOD).encode()),
        by_hand({"alg": "HS256", "b64": False}, json.dumps(GOOD).encode()),
        by_hand({"alg": "HS256", "kid": 7}, json.dumps(GOOD).encode()),
        by_hand([], json.dumps(GOOD).encode()),
    ],
    ids=[str(number) for number in range(16)],  # the tokens carry the moment they were made
)
def test_what_is_no_token_is_refused(token: str) -> None:
    assert is_refused(token)


def test_every_changed_character_is_noticed() -> None:
    token = signed(GOOD)
    for position, character in enumerate(token[:-1]):  # the last one has bits that mean nothing
        changed = token[:position] + ("A" if character != "A" else "B") + token[position + 1 :]
        assert is_refused(changed)
