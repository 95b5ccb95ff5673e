"""One answer of an agent, from its profile and the conversation so far. Nothing is stored, and nothing is held."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

import langsmith
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from pydantic import JsonValue

from agents.demo_model import DemoChatModel
from agents.errors import ModelError, ModelTimeoutError, ModelUnavailableError
from agents.graphs.chat import stream_chat
from agents.graphs.prompt import Question, build_prompt, estimated_tokens
from agents.llm import chat_model
from agents.profiles import AgentProfile, ChatMessage

MAX_ANSWER_CHARACTERS = 32_000
DEMO_MODEL = DemoChatModel()

logger = logging.getLogger(__name__)

# LangChain sends whole conversations to a tracing service where an environment variable of its own asks for it.
# Visitors' words leave this house for the model alone.
langsmith.configure(enabled=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. Tokens are the provider's count, or an estimate where it gives none."""

    text: str
    input_tokens: int
    output_tokens: int
    model: str


@dataclass(slots=True)
class _Collected:
    text: list[str] = field(default_factory=list)
    characters: int = 0
    usage: UsageMetadata | None = None
    model: str | None = None

    def add(self, chunk: AIMessageChunk) -> str:
        """Take what the chunk says, and return its text."""
        text = str(chunk.content)
        self.text.append(text)
        self.characters += len(text)
        self.usage = chunk.usage_metadata or self.usage
        self.model = chunk.response_metadata.get("model_name") or self.model
        if self.characters > MAX_ANSWER_CHARACTERS:
            raise ModelUnavailableError("answer_too_long")
        return text


async def answer(
    profile: AgentProfile,
    *,
    history: Sequence[ChatMessage],
    message: str,
    context: Mapping[str, JsonValue],
) -> AsyncGenerator[str | Answer, None]:
    """The answer's text in pieces as they come, then one `Answer` with all of it.

    Raises `ModelError` alone, also after some pieces. Close it to stop the model.
    """
    question = _question(profile, history, message, context)
    collected = _Collected()
    try:
        chunks = stream_chat(question, await _model_for(profile))
        async with aclosing(_until(chunks, profile.total_timeout_seconds)) as timely:
            async for chunk in timely:
                if text := collected.add(chunk):
                    yield text
        yield _whole(collected, question, profile.model)
    except ModelError as error:
        connection_id = profile.connection and profile.connection.id
        logger.warning("no answer: agent=%s connection=%s reason=%s", profile.agent_id, connection_id, error.reason)
        raise


async def _model_for(profile: AgentProfile) -> BaseChatModel:
    if profile.is_broken:
        raise ModelUnavailableError("credentials_unreadable")
    return DEMO_MODEL if profile.connection is None else await chat_model(profile, profile.connection)


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


async def _until(chunks: AsyncGenerator[AIMessageChunk, None], seconds: float) -> AsyncGenerator[AIMessageChunk, None]:
    """The chunks, while there is time. The clock stops nobody but the model: each wait has its own timeout."""
    deadline = asyncio.get_running_loop().time() + seconds
    try:
        while True:
            try:
                async with asyncio.timeout_at(deadline):
                    chunk = await anext(chunks)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise ModelTimeoutError("total") from None
            yield chunk
    finally:
        await chunks.aclose()


def _whole(collected: _Collected, question: Question, model: str) -> Answer:
    text = "".join(collected.text)
    if not text.strip():
        raise ModelUnavailableError("answer_empty")
    usage = collected.usage
    sent = usage["input_tokens"] if usage else _estimated_input(question)
    said = usage["output_tokens"] if usage else estimated_tokens(text)
    return Answer(text, sent, said, collected.model or model)


def _estimated_input(question: Question) -> int:
    return sum(estimated_tokens(str(message.content)) for message in build_prompt(question))
