"""The JSON answer to a chat message."""

from typing import Any

from sessions.history import HistoryMessage


def answer_body(
    *,
    session_id: str,
    message_id: str,
    agent_key: str,
    reply: HistoryMessage,
    message_count: int,
    demo: bool,
    input_tokens: int,
    output_tokens: int,
) -> dict[str, Any]:
    """The same for the first answer and for its replays."""
    return {
        "session_id": session_id,
        "message_id": message_id,
        "agent_id": agent_key,
        "message": reply.public(),
        "message_count": message_count,
        "demo": demo,
        "usage": {"input_tokens": input_tokens, "output_tokens": output_tokens},
    }
