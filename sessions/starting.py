"""How a session starts, and who may use it afterwards."""

import hashlib
from dataclasses import dataclass
from typing import Any, Final

from psycopg.types.json import Jsonb

from agents.websites import WebsiteAgentProfile
from sessions.cleaning import JsonValue
from sessions.doors import Door
from sessions.errors import NotFoundError, SessionExistsError, SessionTokenInvalidError, SessionTokenRequiredError
from sessions.hiding import hidden_at_start
from sessions.store import begin
from sessions.store.visits import Visit
from tenants.database import Row
from tenants.identifiers import new_id, new_session_token

TOKEN_PREFIX: Final = "st_"  # noqa: S105  tells what a credential is, is none


@dataclass(frozen=True, slots=True)
class CameFrom:
    """Where a session's visitor was when it began; of address and browser, what the policy lets be stored."""

    origin_host: str
    visitor_ip: str = ""
    user_agent: str = ""


def hash_token(token: str) -> bytes:
    """What is stored of a token. It has 256 random bits: a plain hash is as good as a slow one."""
    return hashlib.sha256(token.encode()).digest()


async def start_session(
    door: Door,
    *,
    session_id: str,
    agent_key: str | None,
    user_id: str | None,
    context: dict[str, JsonValue] | None,
    came_from: CameFrom,
) -> tuple[str, str]:
    """Makes a session; gives its agent's key and its token, which is shown this once. Raises ``SessionExistsError``."""
    agent, token = door.agent(agent_key), new_session_token()
    visit = token_visit(door, session_id, None)
    user_id, context = await hidden_at_start(
        door.website.privacy, door.redaction_key, user_id, context, is_vouched=door.is_servers
    )
    new = first_values(agent, came_from, hash_token(token)) | {
        "user_id": user_id,
        "context": None if context is None else Jsonb(context),
    }
    if not await begin.create_session(visit, new):
        raise SessionExistsError
    return agent.agent.key, token


def first_values(agent: WebsiteAgentProfile, came_from: CameFrom, token_hash: bytes | None) -> dict[str, Any]:
    """What a new session's row begins with, but for what the visitor says of itself."""
    return {
        "new_session_pk": new_id(),
        "agent_tenant_id": agent.agent_tenant_id,
        "agent_id": agent.agent.agent_id,
        "origin_host": came_from.origin_host,
        "visitor_ip": came_from.visitor_ip,
        "user_agent": came_from.user_agent,
        "new_token_hash": token_hash,
    }


def visit_of(door: Door, session_id: str, token_hash: bytes | None) -> Visit:
    """A visit for chatting: without a token where the website allows it."""
    return _visit(door, session_id, token_hash, plain_allowed=not door.website.require_session_token)


def token_visit(door: Door, session_id: str, token_hash: bytes | None) -> Visit:
    """A visit that needs the token, wherever the plain flow is allowed: for reading back, and for who it is."""
    return _visit(door, session_id, token_hash, plain_allowed=False)


def _visit(door: Door, session_id: str, token_hash: bytes | None, *, plain_allowed: bool) -> Visit:
    return Visit(
        door.website.tenant_id,
        door.website.website_id,
        session_id,
        token_hash,
        plain_allowed,
        door.website.token_life,
        door.is_servers,
    )


def check_right(visit: Visit, state: Row | None) -> None:
    """Refuses who may not use the session: unknown, foreign, too old and ended give the same answer."""
    if state is not None and state["may_use"]:
        return
    if visit.is_servers:
        raise NotFoundError("This website has no session with this id.")
    if visit.token_hash is None:
        raise SessionTokenRequiredError
    raise SessionTokenInvalidError
