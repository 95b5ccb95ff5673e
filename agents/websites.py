"""Which agents serve a website, as plain values: the second step of every request of a visitor."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog

from agents.api_keys import api_key_place
from agents.profiles import AgentProfile, ConnectionProfile, ModelChoice
from tenants.database import Row, in_tenant
from tenants.errors import KeyringError
from tenants.identifiers import OPERATOR_ID
from tenants.keyring import open_sealed

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class WebsiteAgentProfile:
    """An agent on one website: what it is told there, and how the widget shows it."""

    agent: AgentProfile
    agent_tenant_id: UUID
    welcome: str
    starters: tuple[str, ...]
    accent: str
    position: str


_CONNECTION_COLUMNS: Final = (
    "id",
    "tenant_id",
    "base_url",
    "api_key_sealed",
    "connect_timeout_seconds",
    "first_token_timeout_seconds",
    "idle_timeout_seconds",
)


def _selected(prefix: str) -> str:
    return ", ".join(f"{prefix}.{column} AS {prefix}_{column}" for column in _CONNECTION_COLUMNS)


def _connection_of(agents_column: str, door: str) -> str:
    """An own agent's connection is the tenant's own row; a shared agent's comes through its door."""
    columns = ", ".join(_CONNECTION_COLUMNS)
    return f"""
        SELECT {columns} FROM model_connections m WHERE m.tenant_id = a.tenant_id AND m.id = a.{agents_column}
        UNION ALL
        SELECT {columns} FROM {door}(a.id) WHERE a.tenant_id <> wa.tenant_id"""  # noqa: S608 - constants of this file


_AGENTS: Final = f"""
SELECT a.id AS agent_id, a.tenant_id AS agent_tenant_id, a.key, a.name, a.instructions, a.model, a.temperature,
       a.max_output_tokens, a.max_context_messages, a.max_context_tokens, a.context_keys, a.total_timeout_seconds,
       wa.instructions AS website_instructions, wa.welcome, wa.starters, wa.accent, wa.position,
       a.connection_id, {_selected("first")}, a.fallback_connection_id, a.fallback_model, {_selected("fallback")}
  FROM website_agents wa
  JOIN agents a ON a.tenant_id = wa.agent_tenant_id AND a.id = wa.agent_id
  LEFT JOIN LATERAL ({_connection_of("connection_id", "door_shared_connection")}
       ) first ON a.connection_id IS NOT NULL
  LEFT JOIN LATERAL ({_connection_of("fallback_connection_id", "door_shared_fallback")}
       ) fallback ON a.fallback_connection_id IS NOT NULL
 WHERE wa.tenant_id = %(tenant_id)s AND wa.website_id = %(website_id)s AND a.is_active
 ORDER BY wa.is_default DESC, (a.tenant_id = wa.tenant_id) DESC, wa.created_at
"""  # noqa: S608 - constants of this file


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
    connection = _usable_connection(row, "first") if row["connection_id"] is not None else None
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
        # There should be one but it cannot be used: never the demo model in its place.
        is_broken=connection is None and row["connection_id"] is not None,
        fallback=_fallback(row),
    )


def _fallback(row: Row) -> ModelChoice | None:
    """One that cannot be used is logged, and as if it were not there."""
    if row["fallback_connection_id"] is None:
        return None
    connection = _usable_connection(row, "fallback")
    return None if connection is None else ModelChoice(connection, row["fallback_model"])


def _usable_connection(row: Row, which: str) -> ConnectionProfile | None:
    try:
        return _connection(row, which)
    except (KeyringError, LookupError):
        log.exception("a connection cannot be used", which=which, agent_id=row["agent_id"])
        return None


def _connection(row: Row, which: str) -> ConnectionProfile:
    found = {column: row[f"{which}_{column}"] for column in _CONNECTION_COLUMNS}
    if found["id"] is None:
        raise LookupError("an agent's connection is out of reach of the website that uses it")
    sealed = found.pop("api_key_sealed")
    place = api_key_place(found["tenant_id"], found["id"])
    return ConnectionProfile(
        **found,
        api_key=open_sealed(sealed, place=place) if sealed else "",
        operator_owned=found["tenant_id"] == OPERATOR_ID,
    )
