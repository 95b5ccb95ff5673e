"""Which session a statement is about, and who may touch it."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from tenants.doors import TokenLife

# Who may use a session: the website's own server; a browser one that was started with a token, with that token alone
# and while it is young enough; one without, where the website allows it; no browser once access has ended. Every
# statement of a turn's beginning carries this, so that a refusal changes nothing. An end by age is not stored: a
# changed policy holds at once, and for all. now() is one moment for all statements of a transaction.
#
# The comparison need not take constant time: what it compares are SHA-256 values of 256 random bits. Whoever times it
# learns at best how much of a hash fits, and can neither choose the hash of a guess nor come from a hash to its token.
MAY_USE: Final = """
    (%(is_servers)s
     OR (s.access_ended_at IS NULL
         AND ((s.token_hash = %(token_hash)s
               AND s.last_activity_at > now() - make_interval(days => %(token_idle_days)s)
               AND s.token_issued_at > now() - make_interval(days => %(token_lifetime_days)s))
              OR (s.token_hash IS NULL AND %(token_hash)s::bytea IS NULL AND %(plain_allowed)s))))
"""

NO_BROWSERS: Final = b""
"""As a session's token hash: no token opens it. A server's session is none of a browser's, even where browsers may use
sessions without one."""
THIS_SESSION: Final = """
    s.tenant_id = %(tenant_id)s AND s.website_id = %(website_id)s AND s.session_id = %(session_id)s
"""

# Waits for the session's lock and decides nothing: its snapshot may be older than what the lock waited for.
LOCK: Final = f"SELECT s.id FROM agent_sessions s WHERE {THIS_SESSION} FOR UPDATE"
LOCK_BY_PK: Final = "SELECT 1 FROM agent_sessions WHERE tenant_id = %(tenant_id)s AND id = %(session_pk)s FOR UPDATE"


@dataclass(frozen=True, slots=True)
class Visit:
    """Which session a request names, and with what right."""

    tenant_id: UUID
    website_id: UUID
    session_id: str
    token_hash: bytes | None
    plain_allowed: bool
    token_life: TokenLife
    is_servers: bool = False
    """The website's own server asks, which may use all of the website's sessions."""

    @property
    def may_create(self) -> bool:
        """Whether the session may begin with its first message."""
        return self.is_servers or (self.plain_allowed and self.token_hash is None)

    @property
    def new_token_hash(self) -> bytes | None:
        """Of a session that begins so."""
        return NO_BROWSERS if self.is_servers else None

    def values(self) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "website_id": self.website_id,
            "session_id": self.session_id,
            "token_hash": self.token_hash,
            "plain_allowed": self.plain_allowed,
            "is_servers": self.is_servers,
            "token_idle_days": self.token_life.token_idle_days,
            "token_lifetime_days": self.token_life.token_lifetime_days,
        }


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to run and finish a turn: it holds while ``fence`` is the turn's."""

    tenant_id: UUID
    session_pk: UUID
    turn_id: UUID
    fence: int

    def values(self) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant_id,
            "session_pk": self.session_pk,
            "turn_id": self.turn_id,
            "fence": self.fence,
        }
