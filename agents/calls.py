"""One call of a model: its pieces, then the whole answer, if it is one."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata

from agents.errors import ModelUnavailableError, UnavailableReason
from agents.graphs.chat import stream_chat
from agents.graphs.prompt import Question, build_prompt, estimated_tokens

MAX_ANSWER_CHARACTERS = 32_000


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
    is_too_long: bool = False
    usage: UsageMetadata | None = None
    model: str | None = None
    finish_reason: str | None = None

    def add(self, chunk: AIMessageChunk) -> str:
        """Take what the chunk says, and return its text, cut where the answer becomes too long."""
        whole = str(chunk.content)
        text = whole[: MAX_ANSWER_CHARACTERS - self.characters]
        self.is_too_long = len(text) < len(whole)
        self.text.append(text)
        self.characters += len(text)
        self.usage = chunk.usage_metadata or self.usage
        self.model = chunk.response_metadata.get("model_name") or self.model
        self.finish_reason = chunk.response_metadata.get("finish_reason") or self.finish_reason
        return text


async def call_model(question: Question, model: BaseChatModel, model_name: str) -> AsyncGenerator[str | Answer, None]:
    """The answer's text in pieces, empty where the model only thinks, then one `Answer`.

    An answer that the model or its filter ended early is one as far as it goes. One that is too long is read up to the
    limit, given that far, and then an error. Raises `ModelError` alone.
    """
    collected = _Collected()
    async with aclosing(stream_chat(question, model)) as chunks:
        async for chunk in chunks:
            yield collected.add(chunk)
            if collected.is_too_long:
                raise ModelUnavailableError("answer_too_long")
    yield _whole(collected, question, model_name)


def estimated_answer(question: Question, text: str, model_name: str, usage: UsageMetadata | None = None) -> Answer:
    """An answer whose tokens are estimated where nobody counted them."""
    sent = usage["input_tokens"] if usage else _estimated_input(question)
    said = usage["output_tokens"] if usage else estimated_tokens(text)
    return Answer(text, sent, said, model_name)


def _whole(collected: _Collected, question: Question, model_name: str) -> Answer:
    text = "".join(collected.text)
    if not text.strip():
        without_text: dict[str | None, UnavailableReason] = {
            "content_filter": "answer_refused",
            "length": "tokens_spent",
        }
        raise ModelUnavailableError(without_text.get(collected.finish_reason, "answer_empty"))
    return estimated_answer(question, text, collected.model or model_name, collected.usage)


def _estimated_input(question: Question) -> int:
    return sum(estimated_tokens(str(message.content)) for message in build_prompt(question))
