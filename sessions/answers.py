"""The JSON answer to a chat message."""

from dataclasses import dataclass
from typing import Any

from sessions.history import HistoryMessage


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    """An answer given before, and by which run of its turn."""

    body: dict[str, Any]
    fence: int


def answer_body(
    *,
    session_id: str,
    message_id: str,
    agent_key: str,
    reply: HistoryMessage | None,
    message_count: int,
    demo: bool,
    input_tokens: int,
    output_tokens: int,
    stopped: bool = False,
) -> dict[str, Any]:
    """The same for the first answer and for its replays. A turn stopped before its first word has no ``reply``."""
    body = {
        "session_id": session_id,
        "message_id": message_id,
        "agent_id": agent_key,
        "message": reply and reply.public(),
        "message_count": message_count,
        "demo": demo,
        "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
    }
    return {**body, "stopped": True} if stopped else body
