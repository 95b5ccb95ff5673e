"""From an origin, or from one of a tenant's domains, to the website: a step of every request."""

from dataclasses import dataclass, fields, replace
from typing import Final
from uuid import UUID

from django.conf import settings

from tenants.database import in_tenant, through_door
from tenants.domains import Origin, OriginError, is_local_host, parse_origin
from tenants.errors import OriginNotAllowedError
from tenants.privacy_policy import PrivacyPolicy


@dataclass(frozen=True, slots=True)
class Limits:
    """How many turns a minute and a day, and how many tokens a day. None is as many as there are."""

    session_turns_per_minute: int
    network_turns_per_minute: int
    tenant_turns_per_minute: int
    tenant_turns_per_day: int | None
    tenant_tokens_per_day: int | None
    website_turns_per_day: int | None
    website_tokens_per_day: int | None


@dataclass(frozen=True, slots=True)
class TokenLife:
    """How long a session's token is good: without a message, and in all."""

    token_idle_days: int
    token_lifetime_days: int


@dataclass(frozen=True, slots=True)
class WebsiteProfile:
    """What a visitor's request needs to know of its website. ``is_active`` is false for a suspended tenant, too."""

    tenant_id: UUID
    website_id: UUID
    domain: str
    title: str
    site_key: str
    require_session_token: bool
    is_active: bool
    hosts: frozenset[str]
    double_send: str
    """``enqueue`` or ``reject``: what becomes of a message sent while another is being answered."""
    quota_message: str
    """The owner's words to a visitor when a day's budget is spent; may be empty."""
    time_zone: str
    """The tenant's: its midnight begins a day's budget anew."""
    limits: Limits
    token_life: TokenLife
    privacy: PrivacyPolicy


async def website_by_origin(origin_header: str) -> WebsiteProfile:
    """The website that is registered and proved for an ``Origin`` header. Raises ``OriginNotAllowedError``."""
    origin = registered_form(origin_header)
    rows = await through_door("SELECT * FROM door_website_by_origin(%(origin)s)", {"origin": str(origin)})
    if not rows:
        raise OriginNotAllowedError("This website is not registered for chat.")
    row = rows[0]
    limits = Limits(**{field.name: row.pop(field.name) for field in fields(Limits)})
    token_life = TokenLife(**{field.name: row.pop(field.name) for field in fields(TokenLife)})
    told = {"limits": limits, "token_life": token_life, "privacy": PrivacyPolicy.take_from(row)}
    return WebsiteProfile(**{**row, "hosts": frozenset(row["hosts"]), **told})


# A host may belong to two websites of a tenant, on different ports: then it is the one that is called so. Of a
# website's origins the last in order is one over https, which is looked up as it stands.
_PROVED_ORIGINS: Final = """
SELECT max(o.origin) AS origin
  FROM website_origins o
  JOIN websites w ON w.tenant_id = o.tenant_id AND w.id = o.website_id
 WHERE o.tenant_id = %(tenant_id)s AND o.proved_at IS NOT NULL
 GROUP BY w.id, w.domain
HAVING %(host)s::text IS NULL OR %(host)s = ANY(array_agg(o.host::text))
 ORDER BY w.domain = %(host)s DESC
 LIMIT %(limit)s
"""


async def website_of_tenant(tenant_id: UUID, host: str) -> WebsiteProfile | None:
    """The tenant's own proved website that answers on ``host``. Raises ``OriginNotAllowedError``."""
    found = await _websites_of_tenant(tenant_id, host, limit=1)
    return found[0] if found else None


async def only_website_of_tenant(tenant_id: UUID) -> WebsiteProfile | None:
    """The tenant's proved website, where there is exactly one. Raises ``OriginNotAllowedError``."""
    found = await _websites_of_tenant(tenant_id, None, limit=2)
    return found[0] if len(found) == 1 else None


async def _websites_of_tenant(tenant_id: UUID, host: str | None, *, limit: int) -> list[WebsiteProfile]:
    """An origin of each is found inside the tenant, and the rest comes through the door that browsers take."""
    values = {"tenant_id": tenant_id, "host": host, "limit": limit}
    [rows] = await in_tenant(tenant_id, [(_PROVED_ORIGINS, values)])
    return [await website_by_origin(row["origin"]) for row in rows]


def registered_form(origin_header: str) -> Origin:
    """The origin as it is registered. In development a local one, ``http://shop.localhost:PORT``, stands for https."""
    try:
        origin = parse_origin(origin_header)
    except OriginError:
        raise OriginNotAllowedError("The Origin header is not a website's.") from None
    if _is_local(origin):
        return replace(origin, scheme="https", port=443)
    return origin


def _is_local(origin: Origin) -> bool:
    return origin.scheme == "http" and origin.port == settings.LOCAL_ORIGIN_PORT and is_local_host(origin.host)
