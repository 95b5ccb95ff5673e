"""One answer of an agent, from its profile and the conversation so far. Nothing is stored, and nothing is held."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing

import langsmith
import structlog
from pydantic import JsonValue

from agents.attempts import Attempts, Parts, within
from agents.calls import Answer, call_model, estimated_answer
from agents.demo_model import DemoChatModel
from agents.errors import ModelError
from agents.graphs.prompt import Question
from agents.profiles import AgentProfile, ChatMessage

__all__ = ["Answer", "answer", "cut_short"]

DEMO_MODEL = DemoChatModel()

log = structlog.get_logger(__name__)

# LangChain sends whole conversations to a tracing service where an environment variable of its own asks for it.
# Visitors' words leave this house for the model alone.
langsmith.configure(enabled=False)


async def answer(
    profile: AgentProfile,
    *,
    history: Sequence[ChatMessage],
    message: str,
    context: Mapping[str, JsonValue],
) -> AsyncGenerator[str | Answer, None]:
    """The answer's text in pieces as they come, then one `Answer` with all of it, and the model that gave it.

    Raises `ModelError` alone, also after some pieces, and within the agent's total time. Close it to stop the model.
    """
    question = _question(profile, history, message, context)
    try:
        async with aclosing(_parts(profile, question)) as parts:
            async for part in parts:
                if part:
                    yield part
    except ModelError as error:
        _note_failure(profile, error)
        raise


def cut_short(
    profile: AgentProfile,
    *,
    history: Sequence[ChatMessage],
    message: str,
    context: Mapping[str, JsonValue],
    text: str,
) -> Answer:
    """What a stopped answer amounts to, its tokens estimated: the provider counts at the end, which never came.

    The model is the agent's first; whether its fallback was speaking, nobody asks of half an answer.
    """
    return estimated_answer(_question(profile, history, message, context), text, profile.model)


def _parts(profile: AgentProfile, question: Question) -> Parts:
    if not profile.is_demo:
        return Attempts(profile, question).parts()
    deadline = asyncio.get_running_loop().time() + profile.total_timeout_seconds
    return within(call_model(question, DEMO_MODEL, profile.model), deadline, deadline)


def _question(
    profile: AgentProfile, history: Sequence[ChatMessage], message: str, context: Mapping[str, JsonValue]
) -> Question:
    return Question(
        instructions=profile.instructions,
        website_instructions=profile.website_instructions,
        context=context,
        context_keys=profile.context_keys,
        history=history,
        message=message,
        max_messages=profile.max_context_messages,
        max_tokens=profile.max_context_tokens,
    )


def _note_failure(profile: AgentProfile, error: ModelError) -> None:
    connection_id = profile.connection and profile.connection.id
    log.warning(
        "no answer",
        agent_id=profile.agent_id,
        connection_id=connection_id,
        reason=error.reason,
        attempts=error.attempts,
    )
