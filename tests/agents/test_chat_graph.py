import asyncio
import gc
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agents.errors import ModelUnavailableError
from agents.graphs.chat import CHAT_GRAPH, stream_chat
from agents.graphs.prompt import Question
from tests.agents.builders import conversation


class EchoModel(BaseChatModel):
    """Says back the contents it was sent, one in each chunk, and lets others run in between."""

    broken: bool = False

    @property
    def _llm_type(self) -> str:
        return "echo"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        raise NotImplementedError

    async def _astream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> AsyncIterator[ChatGenerationChunk]:
        for message in messages:
            await asyncio.sleep(0)
            yield ChatGenerationChunk(message=AIMessageChunk(content=str(message.content)))
        if self.broken:
            raise ModelUnavailableError("stream_cut")


def make_question(name: str) -> Question:
    return Question(
        instructions=f"instructions {name}",
        website_instructions="",
        context={},
        context_keys=frozenset(),
        history=conversation(f"question {name}", f"answer {name}"),
        message=f"message {name}",
        max_messages=50,
        max_tokens=8000,
    )


async def said(name: str) -> list[str]:
    chunks = [str(chunk.content) async for chunk in stream_chat(make_question(name), EchoModel())]
    return [content for content in chunks if content]


async def test_concurrent_runs_see_only_their_own_words() -> None:
    names = [f"visitor-{number}" for number in range(200)]

    answers = await asyncio.gather(*map(said, names))

    assert answers == [
        [f"{word} {name}" for word in ("instructions", "question", "answer", "message")] for name in names
    ]


async def test_run_leaves_nothing_in_the_graph() -> None:
    await said("canary-5f3a")
    gc.collect()

    assert [text for text in _texts_reachable_from(CHAT_GRAPH) if "canary-5f3a" in text] == []
    assert CHAT_GRAPH.checkpointer is None


async def test_what_the_model_raises_comes_through() -> None:
    stream = stream_chat(make_question("a"), EchoModel(broken=True))

    with pytest.raises(ModelUnavailableError, match="stream_cut"):
        async for _ in stream:
            pass


async def test_closed_run_stops_the_model() -> None:
    tasks_before = asyncio.all_tasks()
    stream = stream_chat(make_question("a"), EchoModel())
    assert (await anext(stream)).content == "instructions a"

    await stream.aclose()
    await asyncio.sleep(0)

    assert asyncio.all_tasks() == tasks_before


def _texts_reachable_from(root: object) -> list[str]:
    """Every text in what the object holds, modules and classes left out."""
    seen: set[int] = set()
    waiting, texts = [root], []
    while waiting:
        thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, type) or type(thing).__name__ in {"module", "function", "frame"}:
            continue
        seen.add(id(thing))
        if isinstance(thing, str):
            texts.append(thing)
        else:
            waiting.extend(gc.get_referents(thing))
    return texts
