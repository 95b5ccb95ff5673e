"""Profiles for tests, with everything that a test does not care about filled in."""

from typing import Any
from uuid import UUID, uuid4

from agents.answering import Answer, answer
from agents.profiles import AgentProfile, ChatMessage, ConnectionProfile

API_KEY = "sk-canary-0123456789"


def make_connection(base_url: str, **changes: Any) -> ConnectionProfile:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "tenant_id": UUID(int=1),
        "base_url": base_url,
        "api_key": API_KEY,
        "operator_owned": True,
        "connect_timeout_seconds": 5.0,
        "first_token_timeout_seconds": 10.0,
        "idle_timeout_seconds": 10.0,
    }
    return ConnectionProfile(**{**fields, **changes})


def make_profile(connection: ConnectionProfile | None = None, **changes: Any) -> AgentProfile:
    fields: dict[str, Any] = {
        "agent_id": UUID(int=2),
        "key": "agent_001",
        "name": "Robin",
        "instructions": "You are the assistant of a shop.",
        "website_instructions": "Opening hours: Monday to Friday 9:00-18:00.",
        "model": "stub" if connection else "",
        "temperature": None,
        "max_output_tokens": None,
        "max_context_messages": 50,
        "max_context_tokens": 8000,
        "context_keys": frozenset(),
        "connection": connection,
        "total_timeout_seconds": 30.0,
    }
    return AgentProfile(**{**fields, **changes})


def conversation(*contents: str) -> list[ChatMessage]:
    """Messages of a visitor and the assistant in turn, the visitor first."""
    return [ChatMessage("assistant" if position % 2 else "user", content) for position, content in enumerate(contents)]


async def ask(profile: AgentProfile, message: str, *history: str, **context: Any) -> tuple[list[str], Answer]:
    """The pieces and the whole answer."""
    pieces: list[str] = []
    async for part in answer(profile, history=conversation(*history), message=message, context=context):
        if isinstance(part, Answer):
            return pieces, part
        pieces.append(part)
    raise AssertionError("no Answer came at the end")
