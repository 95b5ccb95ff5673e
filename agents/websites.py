"""Which agents serve a website, as plain values: the second step of every request of a visitor."""

import logging
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.api_keys import api_key_place
from agents.errors import KeyringError
from agents.keyring import open_sealed
from agents.profiles import AgentProfile, ConnectionProfile
from tenants.database import Row, in_tenant
from tenants.identifiers import OPERATOR_ID

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WebsiteAgentProfile:
    """An agent on one website: what it is told there, and how the widget shows it."""

    agent: AgentProfile
    agent_tenant_id: UUID
    welcome: str
    starters: tuple[str, ...]
    accent: str
    position: str


# An own agent's connection is the tenant's own row; a shared agent's comes through its door.
_AGENTS: Final = """
SELECT a.id AS agent_id, a.tenant_id AS agent_tenant_id, a.key, a.name, a.instructions, a.model, a.temperature,
       a.max_output_tokens, a.max_context_messages, a.max_context_tokens, a.context_keys, a.total_timeout_seconds,
       a.connection_id, wa.instructions AS website_instructions, wa.welcome, wa.starters, wa.accent, wa.position,
       COALESCE(own.id, shared.id) AS c_id, COALESCE(own.tenant_id, shared.tenant_id) AS c_tenant_id,
       COALESCE(own.base_url, shared.base_url) AS base_url,
       COALESCE(own.api_key_sealed, shared.api_key_sealed) AS api_key_sealed,
       COALESCE(own.connect_timeout_seconds, shared.connect_timeout_seconds) AS connect_timeout_seconds,
       COALESCE(own.first_token_timeout_seconds, shared.first_token_timeout_seconds) AS first_token_timeout_seconds,
       COALESCE(own.idle_timeout_seconds, shared.idle_timeout_seconds) AS idle_timeout_seconds
  FROM website_agents wa
  JOIN agents a ON a.tenant_id = wa.agent_tenant_id AND a.id = wa.agent_id
  LEFT JOIN model_connections own ON own.tenant_id = a.tenant_id AND own.id = a.connection_id
  LEFT JOIN LATERAL door_shared_connection(a.id) shared ON a.connection_id IS NOT NULL AND own.id IS NULL
 WHERE wa.tenant_id = %(tenant_id)s AND wa.website_id = %(website_id)s AND a.is_active
 ORDER BY wa.is_default DESC, (a.tenant_id = wa.tenant_id) DESC, wa.created_at
"""


async def agents_of_website(tenant_id: UUID, website_id: UUID) -> tuple[WebsiteAgentProfile, ...]:
    """The active agents of a website, its default first."""
    [rows] = await in_tenant(tenant_id, [(_AGENTS, {"tenant_id": tenant_id, "website_id": website_id})])
    return tuple(_website_agent(row) for row in rows)


def _website_agent(row: Row) -> WebsiteAgentProfile:
    return WebsiteAgentProfile(
        agent=_agent(row),
        agent_tenant_id=row["agent_tenant_id"],
        welcome=row["welcome"],
        starters=tuple(row["starters"]),
        accent=row["accent"],
        position=row["position"],
    )


def _agent(row: Row) -> AgentProfile:
    connection, is_broken = _connection_of(row)
    return AgentProfile(
        agent_id=row["agent_id"],
        key=row["key"],
        name=row["name"],
        instructions=row["instructions"],
        website_instructions=row["website_instructions"],
        model=row["model"],
        temperature=None if row["temperature"] is None else float(row["temperature"]),
        max_output_tokens=row["max_output_tokens"],
        max_context_messages=row["max_context_messages"],
        max_context_tokens=row["max_context_tokens"],
        context_keys=frozenset(row["context_keys"]),
        connection=connection,
        total_timeout_seconds=row["total_timeout_seconds"],
        is_broken=is_broken,
    )


def _connection_of(row: Row) -> tuple[ConnectionProfile | None, bool]:
    """The connection, and whether there should be one but it cannot be used: never the demo model in its place."""
    if row["connection_id"] is None:
        return None, False
    try:
        return _connection(row), False
    except (KeyringError, LookupError):
        log.exception("the connection of agent %s cannot be used", row["agent_id"])
        return None, True


def _connection(row: Row) -> ConnectionProfile:
    if row["c_id"] is None:
        raise LookupError("an agent's connection is out of reach of the website that uses it")
    place = api_key_place(row["c_tenant_id"], row["c_id"])
    return ConnectionProfile(
        id=row["c_id"],
        tenant_id=row["c_tenant_id"],
        base_url=row["base_url"],
        api_key=open_sealed(row["api_key_sealed"], place=place) if row["api_key_sealed"] else "",
        operator_owned=row["c_tenant_id"] == OPERATOR_ID,
        connect_timeout_seconds=row["connect_timeout_seconds"],
        first_token_timeout_seconds=row["first_token_timeout_seconds"],
        idle_timeout_seconds=row["idle_timeout_seconds"],
    )
