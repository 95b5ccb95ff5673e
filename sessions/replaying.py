"""The answer of a turn that has ended, out of the database: for a message sent again, and for who comes late."""

from uuid import UUID

from sessions.answers import StoredAnswer, answer_body
from sessions.errors import TurnInterruptedError
from sessions.history import HistoryMessage
from sessions.store import read


async def stored_answer(tenant_id: UUID, turn_id: UUID, session_id: str, agent_key: str) -> StoredAnswer:
    """The body that the turn's first request got. Raises ``TurnInterruptedError`` where it is gone meanwhile."""
    stored = await read.answered_turn(tenant_id, turn_id)
    if stored is None:
        raise TurnInterruptedError
    body = answer_body(
        session_id=session_id,
        message_id=stored["message_id"],
        agent_key=agent_key,
        reply=stored["reply"] and HistoryMessage.model_validate(stored["reply"]),
        message_count=stored["message_count"],
        demo=stored["demo"],
        input_tokens=stored["input_tokens"],
        output_tokens=stored["output_tokens"],
        stopped=stored["state"] == "stopped",
    )
    return StoredAnswer(body, stored["fence"])
