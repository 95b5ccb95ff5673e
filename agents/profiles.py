"""What a turn knows of its agent: plain values, so that the chat path carries no ORM object and may be cached."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of a conversation, as the model sees it."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class ConnectionProfile:
    """Where a model is and how long to wait for it. The key is opened already, and stays out of `repr`."""

    id: UUID
    tenant_id: UUID
    base_url: str
    api_key: str = field(repr=False)
    operator_owned: bool
    connect_timeout_seconds: float
    first_token_timeout_seconds: float
    idle_timeout_seconds: float


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model at a connection."""

    connection: ConnectionProfile
    model: str


@dataclass(frozen=True, slots=True)
class AgentProfile:
    """An agent as it is on one website."""

    agent_id: UUID
    key: str
    name: str
    instructions: str
    website_instructions: str
    model: str
    temperature: float | None
    max_output_tokens: int | None
    max_context_messages: int
    max_context_tokens: int
    context_keys: frozenset[str]
    """Which keys of the session's context the model may see."""
    connection: ConnectionProfile | None
    """None is the demo model, which needs neither key nor network."""
    total_timeout_seconds: float
    is_broken: bool = False
    """Its connection's key does not open: the fallback answers, or its turns fail; the website's other agents go on."""
    fallback: ModelChoice | None = None
    """Asked where the first choice cannot answer and nothing was said yet."""

    @property
    def is_demo(self) -> bool:
        return self.connection is None and not self.is_broken

    @property
    def choices(self) -> tuple[ModelChoice, ...]:
        """The models that may answer, in the order they are asked; none for the demo model, or without a usable key."""
        first = None if self.connection is None else ModelChoice(self.connection, self.model)
        return tuple(choice for choice in (first, self.fallback) if choice is not None)
