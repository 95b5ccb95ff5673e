"""What the fault tests look at: a session's rows, and whether they keep the promise about turns."""

from typing import Any, NamedTuple

from tests.faults.stack import Stack

_MESSAGES = """
SELECT m.value ->> 'id', m.value ->> 'role', m.value ->> 'content'
  FROM agent_sessions s
 CROSS JOIN LATERAL (
       SELECT g.first_position AS place, e.value, e.ordinality
         FROM history_segments g CROSS JOIN jsonb_array_elements(g.messages) WITH ORDINALITY e
        WHERE g.tenant_id = s.tenant_id AND g.agent_session_id = s.id
       UNION ALL
       SELECT 2147483647, e.value, e.ordinality FROM jsonb_array_elements(s.history) WITH ORDINALITY e) m
 WHERE s.session_id = %s ORDER BY m.place, m.ordinality
"""

_TURNS = """
SELECT t.message_id, t.number, t.state, t.error_code, t.error_reason, t.reply_id, t.message_count
  FROM turns t JOIN agent_sessions s ON s.tenant_id = t.tenant_id AND s.id = t.agent_session_id
 WHERE s.session_id = %s ORDER BY t.number
"""


class Message(NamedTuple):
    id: str
    role: str
    content: str


class TurnRow(NamedTuple):
    message_id: str
    number: int
    state: str
    error_code: str
    error_reason: str
    reply_id: str
    message_count: int | None


def messages(stack: Stack, session_id: str) -> list[Message]:
    """The whole transcript as it is stored, oldest first."""
    return [Message(*row) for row in stack.rows(_MESSAGES, session_id)]


def turns(stack: Stack, session_id: str) -> list[TurnRow]:
    """In the order of their numbers."""
    return [TurnRow(*row) for row in stack.rows(_TURNS, session_id)]


def check_promise(stack: Stack, session_id: str) -> None:
    """Nothing lost, nothing doubled: each answered turn's exchange is in the history once, whole and in order."""
    said, made = messages(stack, session_id), turns(stack, session_id)
    assert [message.role for message in said] == ["user", "assistant"] * (len(said) // 2)
    answered = [turn for turn in made if turn.state in {"completed", "stopped"} and turn.message_count]
    exchanges = [(turn.message_id, turn.reply_id) for turn in answered]
    with_words = [pair for pair in exchanges if pair[1] in {message.id for message in said}]
    assert list(zip([m.id for m in said[::2]], [m.id for m in said[1::2]], strict=True)) == with_words
    assert all(pair in with_words for turn, pair in zip(answered, exchanges, strict=True) if turn.state == "completed")
    assert sum(turn.state == "running" for turn in made) <= 1
    count: Any = stack.rows("SELECT message_count FROM agent_sessions WHERE session_id = %s", session_id)
    assert count in ([], [(len(said),)])
