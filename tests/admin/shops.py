"""Two tenants with a website, an agent, a connection and a conversation each, and the people who look at them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client

from agents.models import Agent, ModelConnection
from sessions.models import AgentSession, HistorySegment, Turn
from tenants.models import ApiKey, Tenant, Website
from tenants.privacy_choices import PersonalData
from tenants.scoping import tenant_scope
from tests.cast import Cast

ADMIN = "/admin/"
TENANTS_FIELDS: dict[str, Any] = {
    "token_idle_days": "14",
    "token_lifetime_days": "90",
    "redact_when": "after_silence",
    "redact_after_hours": "24",
    "replaced_kinds": list(PersonalData),
    "turn_retention_days": "30",
    "ip_storage": "not",
}
"""Fields that a tenant's form always needs."""


@dataclass(frozen=True)
class Shop:
    """A tenant and what it owns; every text in it is its own, so that a leak would be visible."""

    tenant: Tenant
    website: Website
    agent: Agent
    connection: ModelConnection
    api_key: ApiKey
    session: AgentSession
    owner: User
    auditor: User

    def pages(self) -> dict[str, str]:
        """The address of each of its rows' pages."""
        return {
            "website": f"{ADMIN}tenants/website/{self.website.pk}/",
            "agent": f"{ADMIN}agents/agent/{self.agent.pk}/",
            "connection": f"{ADMIN}agents/modelconnection/{self.connection.pk}/",
            "api key": f"{ADMIN}tenants/apikey/{self.api_key.pk}/",
            "session": f"{ADMIN}agent_sessions/agentsession/{self.session.pk}/",
            "tenant": f"{ADMIN}tenants/tenant/{self.tenant.pk}/",
        }


def make_shop(cast: Cast, word: str) -> Shop:
    tenant = cast.tenant(f"Tenant {word}", time_zone="Asia/Tokyo")
    agent = cast.agent(tenant, name=f"Agent {word}", instructions=f"Secret of {word}")
    website = cast.website(tenant, f"{word.lower()}-{tenant.slug}.localhost", agents=[agent], title=f"Title {word}")
    return Shop(
        tenant=tenant,
        website=website,
        agent=agent,
        connection=cast.connection(tenant, f"https://{word.lower()}.example.com/v1", f"sk-{word}-canary"),
        api_key=cast.api_key(tenant, name=f"Key of {word}")[0],
        session=make_session(website, agent, exchange(1, f"Question of {word}", f"Answer of {word}")),
        owner=cast.staff((tenant, "owner")),
        auditor=cast.staff((tenant, "auditor")),
    )


def exchange(number: int, question: str, answer: str) -> list[dict[str, Any]]:
    """A pair as the history stores it, at ten past the hour on the first of March 2026, UTC."""
    at = datetime(2026, 3, 1, 20, 10, number % 60, tzinfo=UTC).isoformat()
    return [
        {"v": 1, "id": f"message_{number:04d}", "role": "user", "content": question, "at": at},
        {"v": 1, "id": f"reply_{number:04d}", "role": "assistant", "content": answer, "at": at},
    ]


def make_session(website: Website, agent: Agent, history: list[dict[str, Any]], **fields: Any) -> AgentSession:
    """A session with a completed turn for every exchange of ``history``."""
    with tenant_scope(website.tenant_id):
        session = AgentSession.objects.create(
            tenant_id=website.tenant_id,
            website=website,
            agent=agent,
            agent_tenant_id=agent.tenant_id,
            origin_host=website.domain,
            history=history,
            message_count=len(history),
            **{"session_id": f"session_{website.pk.hex[-12:]}", **fields},
        )
        for number, message in enumerate(history[::2], start=1):
            make_turn(session, number, message["id"], state=Turn.State.COMPLETED, total_ms=1_234, model="model-x")
    return session


def roll(session: AgentSession, *sizes: int) -> None:
    """Moves the oldest messages of a session's history into segments of these many messages."""
    history, position = session.history, session.message_count - len(session.history)
    with tenant_scope(session.tenant_id):
        for size in sizes:
            messages, history = history[:size], history[size:]
            HistorySegment.objects.create(
                tenant_id=session.tenant_id,
                agent_session=session,
                first_position=position,
                message_count=size,
                messages=messages,
            )
            position += size
        session.history = history
        session.save(update_fields=["history"])


def make_turn(session: AgentSession, number: int, message_id: str, **fields: Any) -> Turn:
    with tenant_scope(session.tenant_id):
        return Turn.objects.create(
            tenant_id=session.tenant_id,
            agent_session=session,
            number=number,
            message_id=message_id,
            message_hmac=b"-",
            **{"reply_id": f"reply_of_{message_id}", **fields},
        )


def switch_to(client: Client, tenant: Tenant) -> Any:
    return client.post(f"{ADMIN}switch-tenant/", {"tenant": str(tenant.pk)})


def sentences(response: Any) -> list[str]:
    """The messages that the page after this response will show."""
    return [str(message) for message in get_messages(response.wsgi_request)]
