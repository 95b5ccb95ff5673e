"""What the fault tests look at: a session's rows, and whether they keep the promise about turns."""

from typing import NamedTuple

import psycopg

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
    said, made, count = _at_one_moment(stack, session_id)
    pairs = list(zip(said[::2], said[1::2], strict=True))
    assert [(asked.role, answer.role) for asked, answer in pairs] == [("user", "assistant")] * len(pairs)
    in_history = [(asked.id, answer.id) for asked, answer in pairs]
    answered = [turn for turn in made if turn.state in {"completed", "stopped"}]
    assert in_history == [pair for turn in answered if (pair := (turn.message_id, turn.reply_id)) in in_history]
    assert {turn.message_id for turn in answered if turn.state == "completed"} <= {asked for asked, _ in in_history}
    assert sum(turn.state == "running" for turn in made) <= 1
    assert count in {None, len(said)}


def _at_one_moment(stack: Stack, session_id: str) -> tuple[list[Message], list[TurnRow], int | None]:
    with psycopg.connect(stack.postgres.owner_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        said = [Message(*row) for row in connection.execute(_MESSAGES, [session_id])]
        made = [TurnRow(*row) for row in connection.execute(_TURNS, [session_id])]
        count = connection.execute(
            "SELECT message_count FROM agent_sessions WHERE session_id = %s", [session_id]
        ).fetchone()
    return said, made, count[0] if count else None
