"""The conversation's graph: prepare the prompt, let the model answer.

Compiled once per process and without a checkpointer: history lives in PostgreSQL alone, and a run leaves nothing.
The model comes in through the run's context, so that one graph serves every agent and knows no provider.

Measured, CPU per run with answers of 16 / 300 chunks: `stream_mode="custom"` 2.2 / 8.8 ms, `"messages"` 2.7 / 11.2 ms
(it attaches a callback to every chunk). A node that is no coroutine function would run in a thread of its own.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import TypedDict, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessageChunk, BaseMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agents.graphs.prompt import Question, build_prompt


class ChatState(TypedDict, total=False):
    question: Question
    prompt: list[BaseMessage]


@dataclass(frozen=True, slots=True)
class ChatContext:
    """What a run is given beside its state."""

    model: BaseChatModel


async def prepare(state: ChatState) -> ChatState:
    return {"prompt": build_prompt(state["question"])}


async def respond(state: ChatState, runtime: Runtime[ChatContext]) -> None:
    async for chunk in runtime.context.model.astream(state["prompt"]):
        runtime.stream_writer(chunk)


def _compile() -> CompiledStateGraph[ChatState, ChatContext, ChatState, ChatState]:
    graph = StateGraph(ChatState, context_schema=ChatContext)
    graph.add_node("prepare", prepare)
    graph.add_node("respond", respond)
    graph.add_edge(START, "prepare")
    graph.add_edge("prepare", "respond")
    graph.add_edge("respond", END)
    return graph.compile(name="chat")


CHAT_GRAPH = _compile()


def stream_chat(question: Question, model: BaseChatModel) -> AsyncGenerator[AIMessageChunk, None]:
    """The model's chunks as they come; what the model raises comes through. Close it where it is not used up."""
    chunks = CHAT_GRAPH.astream({"question": question}, context=ChatContext(model), stream_mode="custom")
    return cast("AsyncGenerator[AIMessageChunk, None]", chunks)
