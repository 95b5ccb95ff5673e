"""The door from an API key to a website: every request of a website's own server comes through it."""

import hashlib
from typing import Final
from uuid import UUID

from django.conf import settings

from sessions.doors import Door, door_to
from sessions.errors import (
    ApiKeyInvalidError,
    InvalidRequestError,
    OverloadedError,
    ScopeMissingError,
    WebsiteDomainMismatchError,
)
from tenants.bounded_lookups import BoundedLookups
from tenants.domains import DomainError, normalise_domain
from tenants.doors import WebsiteProfile, only_website_of_tenant, website_of_tenant
from tenants.errors import ApiKeyRefusedError, OriginNotAllowedError, TooManyLookupsError
from tenants.key_holders import KeyHolder, key_holder, note_use
from tenants.timed_cache import TimedCache

_KEYS_REMEMBERED: Final = 10_000
_LONGEST_KEY: Final = 300
_LOOKUPS_A_SECOND: Final = 200
"""Of keys that did not work lately."""
_NOT_YOURS: Final = "website_domain names no website of yours whose domain is proved."
_WHICH: Final = "You have several websites, or none whose domain is proved: name the one that is meant."

_holders: BoundedLookups[bytes, KeyHolder] = BoundedLookups(
    seconds=settings.DOOR_CACHE_SECONDS, size=_KEYS_REMEMBERED, most_a_second=_LOOKUPS_A_SECOND
)
_doors: TimedCache[tuple[UUID, str | None], Door] = TimedCache(
    seconds=settings.DOOR_CACHE_SECONDS, size=_KEYS_REMEMBERED
)


async def recognise_key(api_key: str, scope: str) -> KeyHolder:
    """The holder of the key, at most a few seconds old; the key itself is not kept.

    Raises ``ApiKeyInvalidError``, ``ScopeMissingError``, and ``OverloadedError`` or ``DatabaseAwayError`` where nobody
    can say.
    """
    if len(api_key) > _LONGEST_KEY:
        raise ApiKeyInvalidError
    try:
        digest = hashlib.sha256(api_key.encode()).digest()
        holder = await _holders.get(digest, lambda: _holder(api_key))
    except TooManyLookupsError:
        raise OverloadedError from None
    if holder is None:
        raise ApiKeyInvalidError
    if scope not in holder.scopes:
        raise ScopeMissingError(scope)
    note_use(holder)
    return holder


async def _holder(api_key: str) -> KeyHolder | None:
    try:
        return await key_holder(api_key)
    except ApiKeyRefusedError:
        return None


async def open_key_door(holder: KeyHolder, website_domain: str | None) -> Door:
    """The door of the holder's website with this domain, or of the only one it has.

    Raises ``WebsiteDomainMismatchError``, for another tenant's domain as for nobody's, ``InvalidRequestError`` where
    none is named and there is not exactly one, and ``DatabaseAwayError``.
    """
    try:
        host = None if website_domain is None else normalise_domain(website_domain)
        return await _doors.get((holder.tenant_id, host), lambda: _load_door(holder.tenant_id, host))
    except (DomainError, OriginNotAllowedError):
        raise WebsiteDomainMismatchError(_NOT_YOURS) from None


async def _load_door(tenant_id: UUID, host: str | None) -> Door:
    website = await _website(tenant_id, host)
    if website.tenant_id != tenant_id:  # taken over since it was found among the tenant's own
        raise WebsiteDomainMismatchError(_NOT_YOURS)
    return await door_to(website, is_servers=True)


async def _website(tenant_id: UUID, host: str | None) -> WebsiteProfile:
    if host is None:
        website = await only_website_of_tenant(tenant_id)
        if website is None:
            raise InvalidRequestError(fields={"website_domain": _WHICH})
        return website
    website = await website_of_tenant(tenant_id, host)
    if website is None:
        raise WebsiteDomainMismatchError(_NOT_YOURS)
    return website
