"""Reading a visitor's identity: a JSON Web Token that the website's own server has signed.

`PyJWT` checks form and signature. Times are checked here, by the database's clock as all else in this house: PyJWT
would ask this process's.
"""

from collections.abc import Collection, Iterable
from typing import Any, Final

import jwt

from sessions.cleaning import UncleanError, clean_text
from sessions.errors import IdentityInvalidError
from tenants.domains import DomainError, normalise_domain

MAX_USER_ID_BYTES: Final = 255
LONGEST_VALID_SECONDS: Final = 24 * 3600
LEEWAY_SECONDS: Final = 60
"""The clocks of the website's server and of our database may differ by so much."""

_BEYOND_TIME: Final = 2**53
_SIGNATURE_ONLY: Final[Any] = {
    "require": ["sub", "exp"],
    **{f"verify_{claim}": False for claim in ("exp", "iat", "nbf", "aud", "iss", "sub", "jti")},
}


def read_identity(token: str, *, secrets: Iterable[str], hosts: Collection[str], now: float) -> str:
    """The user id that the token proves: its ``sub``, cleaned. ``now`` is in seconds since 1970.

    Raises ``IdentityInvalidError``, which does not say why.
    """
    claims = _signed_claims(token, secrets)
    _check_times(claims, now)
    _check_website(claims, hosts)
    return _user_id(claims["sub"])


def _signed_claims(token: str, secrets: Iterable[str]) -> dict[str, Any]:
    for secret in secrets:
        try:
            return jwt.decode(token, secret, algorithms=["HS256"], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError:
            continue
    raise IdentityInvalidError


def _check_times(claims: dict[str, Any], now: float) -> None:
    expires_at = _moment(claims, "exp", default=None)
    begins_at = max(_moment(claims, "iat", default=now), _moment(claims, "nbf", default=now))
    too_late = expires_at <= now - LEEWAY_SECONDS
    too_early = begins_at > now + LEEWAY_SECONDS
    if too_late or too_early or expires_at > now + LONGEST_VALID_SECONDS + LEEWAY_SECONDS:
        raise IdentityInvalidError


def _moment(claims: dict[str, Any], name: str, *, default: float | None) -> float:
    """Seconds since 1970. JSON's NaN would pass any comparison that could refuse it, but for this one."""
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _BEYOND_TIME:
        raise IdentityInvalidError
    return value


def _check_website(claims: dict[str, Any], hosts: Collection[str]) -> None:
    """``aud`` and ``website_domain`` may be missing; what is there names this website."""
    audience = claims.get("aud", [])
    named = list(audience) if isinstance(audience, list) else [audience]
    if named and not any(_is_one_of(hosts, name) for name in named):
        raise IdentityInvalidError
    if "website_domain" in claims and not _is_one_of(hosts, claims["website_domain"]):
        raise IdentityInvalidError


def _is_one_of(hosts: Collection[str], name: Any) -> bool:
    try:
        return isinstance(name, str) and normalise_domain(name) in hosts
    except DomainError:
        return False


def _user_id(subject: Any) -> str:
    if not isinstance(subject, str):
        raise IdentityInvalidError
    try:
        return clean_text(subject, field="sub", max_bytes=MAX_USER_ID_BYTES)
    except UncleanError:
        raise IdentityInvalidError from None
