"""The beginning of a turn: one trip to the database claims it, or finds out who has it or what it was answered."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.utils.crypto import salted_hmac
from psycopg.types.json import Jsonb

from agents.profiles import AgentProfile, ChatMessage
from agents.websites import WebsiteAgentProfile
from sessions.again import again_if_broken
from sessions.answers import StoredAnswer
from sessions.cleaning import JsonValue
from sessions.doors import Door
from sessions.errors import (
    AgentMismatchError,
    IdentityMismatchError,
    MessageIdReusedError,
    TooManyWaitingError,
    TurnInProgressError,
)
from sessions.hiding import NOTHING_TOLD, Asked, Hiding, Told
from sessions.history import for_model
from sessions.replaying import stored_answer
from sessions.starting import CameFrom, check_right, first_values, visit_of
from sessions.store import begin, read
from sessions.store.visits import Claim, Visit
from tenants.database import Row
from tenants.identifiers import new_id, new_reply_id
from tenants.privacy_choices import Redact

MAX_WAITING: Final = 32
"""Turns that may wait behind a session's running one, where its website lets them."""

_CLAIM_PAUSES_SECONDS: Final = (0.2,)
_ONGOING: Final = ("queued", "running")
_ANSWERED: Final = ("completed", "stopped")


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
    came_from: CameFrom


@dataclass(frozen=True, slots=True)
class Conversation:
    """What answering needs to know of the session, as it was when the turn began to run."""

    history: list[ChatMessage]
    context: dict[str, JsonValue]
    message_count: int
    asked_at: datetime
    """By the database's clock: a process whose clock is wrong must not put messages out of order."""
    told: Told
    """The same as it is stored."""

    @classmethod
    def of(cls, row: Row) -> "Conversation":
        messages = for_model(row["messages"])
        return cls(messages, row["context"], row["message_count"], row["asked_at"], Told.of(row))

    def hidden(self, told: Told) -> "Conversation":
        """As the model may see it."""
        return replace(self, history=for_model(told.messages), context=told.context)


@dataclass(frozen=True, slots=True)
class BegunTurn:
    """A claimed turn and all that answering it needs; from here on no connection is held."""

    claim: Claim
    request: TurnRequest
    profile: AgentProfile
    reply_id: str
    conversation: Conversation
    is_waiting: bool
    """Others of its session run or wait before it: the conversation will be another when it runs."""
    message: str
    """The visitor's words as the model is asked them, and as they are stored until the turn ends."""
    hiding: Hiding | None
    """Where the website's policy has words replaced while a conversation goes on."""


@dataclass(frozen=True, slots=True)
class OngoingTurn:
    """A turn that waits or runs, here or in another process."""

    tenant_id: UUID
    turn_id: UUID
    fence: int
    reply_id: str
    session_id: str
    message_id: str
    agent_key: str

    @classmethod
    def of(cls, visit: Visit, message_id: str, agent_key: str, row: Row) -> "OngoingTurn":
        return cls(
            tenant_id=visit.tenant_id,
            turn_id=row["turn_id"],
            fence=row["fence"],
            reply_id=row["reply_id"],
            session_id=visit.session_id,
            message_id=message_id,
            agent_key=agent_key,
        )


async def begin_turn(door: Door, request: TurnRequest) -> BegunTurn | OngoingTurn | StoredAnswer:
    """Claims the turn, or tells who has it, or gives the stored answer where the message was answered before.

    Raises ``RequestError``; what is refused has written nothing.
    """
    visit = visit_of(door, request.session_id, request.token_hash)
    named = door.agent(request.agent_key)
    new = first_values(named, request.came_from, visit.new_token_hash) if visit.may_create else None
    hiding, asked = await _asked(door, visit, request)
    values = _turn_values(door, request, asked, named)
    claimed, state = await again_if_broken(lambda: begin.claim_turn(visit, new, values), _CLAIM_PAUSES_SECONDS)
    check_right(visit, state)
    assert state is not None
    if state["is_anothers"]:
        raise IdentityMismatchError
    if request.agent_key is not None and state["agent_id"] != named.agent.agent_id:
        raise AgentMismatchError
    agent = door.agent_of_session(state["agent_id"]).agent
    if claimed or state["reply_id"] == values["reply_id"]:  # the second: by a claim whose answer did not come
        return _begun(visit, request, agent, state, asked, _hiding_of(door, hiding, state))
    return await _known(door, visit, request, agent.key, state)


async def _asked(door: Door, visit: Visit, request: TurnRequest) -> tuple[Hiding | None, Asked]:
    """The request as it may be stored: with placeholders where the policy says so before the model is asked."""
    asked = Asked(request.message, request.user_id, request.context)
    if door.redaction_key is None or door.website.privacy.redact_when is not Redact.BEFORE_MODEL:
        return None, asked
    before = await read.told_before(visit)
    if before is not None and before["is_held"]:
        return None, asked
    hiding = Hiding(door.website.privacy, door.redaction_key)
    told = Told.of(before) if before is not None else NOTHING_TOLD
    return hiding, await hiding.ask(asked, told, is_vouched=door.is_servers)


def _hiding_of(door: Door, hiding: Hiding | None, state: Row) -> Hiding | None:
    """For the turn's end. A conversation under a legal hold stays as it was said."""
    if hiding is not None or door.redaction_key is None or state["is_held"]:
        return hiding
    return Hiding(door.website.privacy, door.redaction_key)


def _turn_values(door: Door, request: TurnRequest, asked: Asked, named: WebsiteAgentProfile) -> dict[str, Any]:
    usable = [named] if request.agent_key is not None else door.agents
    return {
        "turn_id": new_id(),
        "message_id": request.message_id,
        "message": asked.message,
        "message_hmac": _message_hmac(request.message),
        "reply_id": new_reply_id(),
        "agent_ids": [agent.agent.agent_id for agent in usable],
        "lease_seconds": settings.TURN_LEASE_SECONDS,
        "max_waiting": MAX_WAITING if _lets_wait(door) else 0,
        "context": None if asked.context is None else Jsonb(asked.context),
        "user_id": asked.user_id,
    }


def _lets_wait(door: Door) -> bool:
    return door.website.double_send == "enqueue"


def _message_hmac(message: str) -> bytes:
    """Tells whether a message_id comes again with the same words, without keeping the words."""
    return salted_hmac("parlour.turn.message", message, algorithm="sha256").digest()


def _begun(
    visit: Visit, request: TurnRequest, agent: AgentProfile, state: Row, asked: Asked, hiding: Hiding | None
) -> BegunTurn:
    return BegunTurn(
        claim=Claim(visit.tenant_id, state["session_pk"], state["turn_id"], state["fence"]),
        request=request,
        profile=agent,
        reply_id=state["reply_id"],
        conversation=Conversation.of(state),
        is_waiting=state["state"] == "queued",
        message=asked.message,
        hiding=hiding,
    )


async def _known(
    door: Door, visit: Visit, request: TurnRequest, agent_key: str, state: Row
) -> OngoingTurn | StoredAnswer:
    """What there is of a message that could not be claimed. Raises why not, where there is nothing."""
    if state["turn_id"] is None:
        raise TooManyWaitingError if _lets_wait(door) else TurnInProgressError
    if state["message_hmac"] != _message_hmac(request.message):
        raise MessageIdReusedError
    if state["state"] in _ANSWERED:
        return await stored_answer(visit.tenant_id, state["turn_id"], request.session_id, agent_key)
    if state["state"] not in _ONGOING:  # it failed before, and could run again were the line not full
        raise TooManyWaitingError if _lets_wait(door) else TurnInProgressError
    return OngoingTurn.of(visit, request.message_id, agent_key, state)
