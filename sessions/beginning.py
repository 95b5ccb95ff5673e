"""The beginning of a turn: one trip to the database claims it, or finds that it was answered before."""

from dataclasses import dataclass
from typing import Any, Final

from django.utils.crypto import salted_hmac
from psycopg.types.json import Jsonb

from agents.profiles import AgentProfile, ChatMessage
from agents.websites import WebsiteAgentProfile
from sessions.answers import answer_body
from sessions.cleaning import JsonValue
from sessions.doors import Door
from sessions.errors import AgentMismatchError, MessageIdReusedError, TurnInProgressError
from sessions.history import HistoryMessage, for_model
from sessions.starting import check_right, first_values
from sessions.store import begin, read
from sessions.store.visits import Claim, Visit
from tenants.database import Row
from tenants.identifiers import new_id

LEASE_SECONDS: Final = 45.0
"""After this long without a renewal the turn's owner is taken for dead. Shorter than widgets go on trying."""


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A visitor's message, cleaned, and what came with it."""

    session_id: str
    message_id: str
    message: str
    agent_key: str | None
    user_id: str | None
    context: dict[str, JsonValue] | None
    token_hash: bytes | None
    origin_host: str


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """A claimed turn and all that answering it needs; from here on no connection is held."""

    claim: Claim
    request: TurnRequest
    profile: AgentProfile
    history: list[ChatMessage]
    context: dict[str, JsonValue]


async def begin_turn(door: Door, request: TurnRequest) -> BegunTurn | dict[str, Any]:
    """Claims the turn, or gives the stored body where the message was answered before.

    Raises ``RequestError``; what is refused has written nothing.
    """
    visit = _visit(door, request)
    named = door.agent(request.agent_key)
    new = first_values(named, request.origin_host) if visit.plain_allowed and visit.token_hash is None else None
    claimed, state = await begin.claim_turn(visit, new, _turn_values(door, request, named))
    check_right(visit, state)
    assert state is not None
    if request.agent_key is not None and state["agent_id"] != named.agent.agent_id:
        raise AgentMismatchError
    agent = door.agent_of_session(state["agent_id"])
    if claimed is None:
        return await _replay(visit, state, request, agent.agent.key)
    claim = Claim(visit.tenant_id, state["session_pk"], claimed["id"], claimed["fence"])
    return BegunTurn(claim, request, agent.agent, for_model(state["messages"]), state["context"])


def _visit(door: Door, request: TurnRequest) -> Visit:
    website = door.website
    return Visit(
        tenant_id=website.tenant_id,
        website_id=website.website_id,
        session_id=request.session_id,
        token_hash=request.token_hash,
        plain_allowed=not website.require_session_token,
    )


def _turn_values(door: Door, request: TurnRequest, named: WebsiteAgentProfile) -> dict[str, Any]:
    usable = [named] if request.agent_key is not None else door.agents
    return {
        "turn_id": new_id(),
        "message_id": request.message_id,
        "message": request.message,
        "message_hmac": _message_hmac(request.message),
        "agent_ids": [agent.agent.agent_id for agent in usable],
        "lease_seconds": LEASE_SECONDS,
        "context": None if request.context is None else Jsonb(request.context),
        "user_id": request.user_id,
    }


def _message_hmac(message: str) -> bytes:
    """Tells whether a message_id comes again with the same words, without keeping the words."""
    return salted_hmac("parlour.turn.message", message, algorithm="sha256").digest()


async def _replay(visit: Visit, state: Row, request: TurnRequest, agent_key: str) -> dict[str, Any]:
    """The stored answer of a completed turn. Raises where the turn runs still or the id belongs to other words."""
    if state["turn_id"] is None:
        raise TurnInProgressError
    if state["message_hmac"] != _message_hmac(request.message):
        raise MessageIdReusedError
    stored = await read.completed_turn(visit.tenant_id, state["turn_id"])
    if stored is None or stored["reply"] is None:
        raise TurnInProgressError
    return answer_body(
        session_id=request.session_id,
        message_id=request.message_id,
        agent_key=agent_key,
        reply=HistoryMessage.model_validate(stored["reply"]),
        message_count=stored["message_count"],
        demo=stored["demo"],
        input_tokens=stored["input_tokens"],
        output_tokens=stored["output_tokens"],
    )
