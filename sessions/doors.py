"""The door from an origin to an agent: every request of a visitor comes through it."""

from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from django.conf import settings

from agents.websites import WebsiteAgentProfile, agents_of_website
from sessions.errors import (
    AgentMismatchError,
    InvalidRequestError,
    OriginRefusedError,
    OverloadedError,
    WebsiteDomainMismatchError,
    WebsiteSwitchedOffError,
)
from tenants.bounded_lookups import BoundedLookups
from tenants.domains import DomainError, normalise_domain
from tenants.doors import WebsiteProfile, registered_form, website_by_origin
from tenants.errors import OriginNotAllowedError, TooManyLookupsError
from tenants.redaction_keys import redaction_key_of

_ORIGINS_REMEMBERED: Final = 10_000
_LONGEST_ORIGIN: Final = 300
_LOOKUPS_A_SECOND: Final = 200
"""Of origins that no door opened to lately. Each takes a connection of the chat's for a millisecond or two."""


@dataclass(frozen=True, slots=True)
class Door:
    """A registered website and the agents behind it, its default first."""

    website: WebsiteProfile
    agents: tuple[WebsiteAgentProfile, ...]
    is_servers: bool = False
    """Opened with an API key by the website's own server: it may use every session of the website, and what it says of
    its visitors counts as verified."""
    redaction_key: bytes | None = field(default=None, repr=False)
    """The tenant's, where the website's policy has words replaced while a conversation goes on."""

    def check(self, site_key: str | None) -> None:
        """Refuses where the website is switched off, has no agent, or another website's key was sent."""
        if not self.website.is_active:
            raise WebsiteSwitchedOffError
        if site_key is not None and site_key != self.website.site_key:
            raise OriginRefusedError("The site key belongs to another website.")
        if not self.agents:
            raise WebsiteSwitchedOffError("No agent is set up on this website yet.")

    def check_domain(self, claimed: str | None) -> None:
        """``metadata.website_domain`` may confirm the website; it never chooses one."""
        if claimed is None:
            return
        try:
            host = normalise_domain(claimed)
        except DomainError:
            raise WebsiteDomainMismatchError from None
        if host not in self.website.hosts:
            raise WebsiteDomainMismatchError

    def agent(self, key: str | None) -> WebsiteAgentProfile:
        """The agent a new session gets: the one asked for, or the website's default."""
        if key is None:
            return self.agents[0]
        for candidate in self.agents:
            if candidate.agent.key == key:
                return candidate
        raise InvalidRequestError(fields={"agent_id": "This website has no agent with this id."})

    def agent_of_session(self, agent_id: UUID) -> WebsiteAgentProfile:
        for candidate in self.agents:
            if candidate.agent.agent_id == agent_id:
                return candidate
        raise AgentMismatchError("This session's agent no longer works on this website. Start a new session.")


_doors: BoundedLookups[str, Door] = BoundedLookups(
    seconds=settings.DOOR_CACHE_SECONDS, size=_ORIGINS_REMEMBERED, most_a_second=_LOOKUPS_A_SECOND
)


async def open_door(origin_header: str | None) -> Door:
    """The door of an ``Origin`` header, at most a few seconds old.

    Raises ``OriginRefusedError``, and ``OverloadedError`` or ``DatabaseAwayError`` where nobody can say.
    """
    if not origin_header or len(origin_header) > _LONGEST_ORIGIN:
        raise OriginRefusedError("The request names no website: browsers send an Origin header.")
    try:
        if not _doors.found_lately(origin_header):
            registered_form(origin_header)  # what is no origin costs no look-up
        door = await _doors.get(origin_header, lambda: _load_door(origin_header))
    except OriginNotAllowedError as error:
        raise OriginRefusedError(str(error)) from None
    except TooManyLookupsError:
        raise OverloadedError from None
    if door is None:
        raise OriginRefusedError("This website is not registered for chat.")
    return door


def may_read_errors(origin_header: str) -> bool:
    """Whether this origin's door opened within the last minutes: enough to be told that nobody is there, no more."""
    return _doors.found_lately(origin_header)


async def _load_door(origin_header: str) -> Door | None:
    try:
        website = await website_by_origin(origin_header)
    except OriginNotAllowedError:
        return None
    return await door_to(website)


async def door_to(website: WebsiteProfile, *, is_servers: bool = False) -> Door:
    """Raises ``KeyringError`` where the tenant's redaction key is needed and does not open."""
    key = await redaction_key_of(website.tenant_id) if website.privacy.redacts_meanwhile else None
    agents = await agents_of_website(website.tenant_id, website.website_id)
    return Door(website, agents, is_servers=is_servers, redaction_key=key)
