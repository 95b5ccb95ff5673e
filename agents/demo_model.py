"""The model of an installation without a key: rules, no network, and an honest small repertoire.

It answers from the conversation it is given and from nothing else, so that it shows just what the real one would be
shown. It knows names, what was said, and the facts in the instructions of its agent.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.messages.ai import UsageMetadata
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from agents.demo_facts import facts_about, word_set, words_of
from agents.demo_names import introduced_name
from agents.graphs.prompt import estimated_tokens

QUOTED_CHARACTERS = 300
MODEL_NAME = "demo"

GREETINGS = word_set("hello hi hey hiya hallo moin servus bonjour hola ciao greetings howdy morning evening")
THANKS = word_set("thanks thank thx cheers danke merci gracias")
GOODBYES = word_set("bye goodbye byebye tschüss tschuss ciao adios farewell")
ASKS_NAME = ("my name", "who am i", "do you know me", "remember me", "who i am")
ASKS_FIRST = ("did i say first", "did i first say", "my first message", "first thing i said", "did i ask first")
ASKS_BEFORE = (
    "did i say", "did i just say", "did i tell you", "did i ask", "did i write", "my last message", "i said before",
)  # fmt: skip
ASKS_HOW = ("how are you", "how is it going", "how do you do")
ASKS_WHO = ("who are you", "what are you", "your name", "are you human", "are you a bot", "are you real", "a robot")


class DemoChatModel(BaseChatModel):
    """Streams word by word; `word_delay_seconds` is there to be seen."""

    word_delay_seconds: float = 0.01

    @property
    def _llm_type(self) -> str:
        return MODEL_NAME

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: CallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> ChatResult:
        text = reply_to(messages)
        message = AIMessage(text, usage_metadata=_usage(messages, text), response_metadata={"model_name": MODEL_NAME})
        return ChatResult(generations=[ChatGeneration(message=message)])

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,  # noqa: ARG002 - LangChain's signature
        run_manager: AsyncCallbackManagerForLLMRun | None = None,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> AsyncIterator[ChatGenerationChunk]:
        text = reply_to(messages)
        first, *others = text.split(" ")
        yield ChatGenerationChunk(message=AIMessageChunk(content=first))
        for word in others:
            await asyncio.sleep(self.word_delay_seconds)
            yield ChatGenerationChunk(message=AIMessageChunk(content=f" {word}"))
        last = AIMessageChunk(content="", usage_metadata=_usage(messages, text))
        yield ChatGenerationChunk(message=last, generation_info={"finish_reason": "stop", "model_name": MODEL_NAME})


def reply_to(messages: Sequence[BaseMessage]) -> str:
    """The answer to the last message, in the light of the ones before."""
    spoken = [str(message.content) for message in messages if isinstance(message, HumanMessage)]
    said, earlier = (spoken[-1], spoken[:-1]) if spoken else ("", [])
    instructions = "\n".join(str(message.content) for message in messages if isinstance(message, SystemMessage))
    facts = facts_about(said, instructions)
    name = introduced_name(said)
    if name:
        asks_more = [f" {fact}" for fact in facts] if "?" in said else []
        return f"Nice to meet you, {name}!" + "".join(asks_more)
    return _about_the_conversation(said, earlier) or " ".join(facts) or _small_talk(said, earlier)


def _about_the_conversation(said: str, earlier: Sequence[str]) -> str | None:
    plain = " ".join(said.lower().replace("’", "'").replace("'s", " is").split())  # noqa: RUF001
    if any(phrase in plain for phrase in ASKS_NAME):
        name = _known_name(earlier)
        return f"Your name is {name}!" if name else "I don't know your name yet."
    if any(phrase in plain for phrase in ASKS_FIRST) or ("did i say" in plain and "first" in plain):
        return f"The first thing you said was: {_quoted(earlier[0])}" if earlier else _nothing_said()
    if any(phrase in plain for phrase in ASKS_BEFORE):
        return f"You said: {_quoted(earlier[-1])}" if earlier else _nothing_said()
    if any(phrase in plain for phrase in ASKS_HOW):
        return "Very well, thank you! How can I help you?"
    if any(phrase in plain for phrase in ASKS_WHO):
        return "I'm the automated assistant of this website, not a person. Ask me about what we offer!"
    return None


def _small_talk(said: str, earlier: Sequence[str]) -> str:
    words = words_of(said)
    name = _known_name(earlier)
    called = f", {name}" if name else ""
    if words & THANKS:
        return f"You're welcome{called}! Is there anything else I can help you with?"
    if words & GOODBYES or {"see", "you"} <= words:
        return f"Goodbye{called}, and see you soon!"
    if words & GREETINGS:
        return f"Hello{called}! How can I help you?"
    if not words:
        return "I'm here. What would you like to know?"
    return (
        f"I'm sorry{called}, I don't have an answer to that. You can ask me about our opening hours, our address,"
        " prices or delivery, and what I don't know the team will."
    )


def _known_name(earlier: Sequence[str]) -> str | None:
    """The newest name given wins."""
    return next((name for text in reversed(earlier) if (name := introduced_name(text))), None)


def _quoted(text: str) -> str:
    short = text.strip()
    return f"“{short[:QUOTED_CHARACTERS]}…”" if len(short) > QUOTED_CHARACTERS else f"“{short}”"


def _nothing_said() -> str:
    return "You haven't said anything before this."


def _usage(messages: Sequence[BaseMessage], text: str) -> UsageMetadata:
    sent = sum(estimated_tokens(str(message.content)) for message in messages)
    said = estimated_tokens(text)
    return UsageMetadata(input_tokens=sent, output_tokens=said, total_tokens=sent + said)
