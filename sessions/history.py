"""The form of ``AgentSession.history``: the one class through which it is read and written."""

from collections.abc import Iterable
from datetime import datetime
from operator import not_
from typing import Any, Final, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from agents.profiles import ChatMessage

VERSION: Final = 1


class HistoryMessage(BaseModel):
    """One message as it is stored. ``v`` tells which form it was written in, so that forms may live side by side."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)

    v: int = VERSION
    id: str
    role: Literal["user", "assistant"]
    content: str
    at: datetime
    stopped: bool = Field(default=False, exclude_if=not_)
    """Whether the visitor ended the answer here. Absent where it is whole, in what is stored and in what is shown."""
    redacted: bool = Field(default=False, exclude_if=not_)
    """Whether personal data in it was replaced before it was written: the visitor may have heard other words."""

    def public(self) -> dict[str, Any]:
        """What visitors may see of it."""
        at = self.at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        shown = {"id": self.id, "role": self.role, "content": self.content, "at": at}
        return {**shown, "stopped": True} if self.stopped else shown


def read_history(stored: Iterable[dict[str, Any]]) -> list[HistoryMessage]:
    """Stored messages, oldest first. Raises pydantic's ``ValidationError`` where a row holds something else."""
    return [HistoryMessage.model_validate(message) for message in stored]


def for_model(stored: Iterable[dict[str, Any]]) -> list[ChatMessage]:
    """Stored messages as the agent takes them; without full validation, for this is read on every turn."""
    return [ChatMessage(message["role"], message["content"]) for message in stored]


def as_json(messages: Iterable[HistoryMessage]) -> str:
    """The JSON array that SQL appends to a history."""
    return orjson.dumps([message.model_dump(mode="json") for message in messages]).decode()
