"""A session spoken to through the store alone: an exchange costs two trips to the database, and no model."""

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

from sessions.history import HistoryMessage, as_json
from sessions.models import AgentSession, HistorySegment
from sessions.store import finish, read
from sessions.store.visits import Claim, Visit
from sessions.transcripts import BEYOND_THE_END, MessagePage, messages_page
from tenants.database import Row, in_tenant
from tenants.doors import TokenLife
from tenants.identifiers import new_id
from tenants.privacy_choices import Redact, StoreIp
from tenants.privacy_policy import PrivacyPolicy
from tenants.scoping import tenant_scope

Run = Callable[[Coroutine[Any, Any, Any]], Any]

_CLAIM: Final = """
INSERT INTO turns (tenant_id, id, agent_session_id, message_id, number, state, lease_expires_at, message, message_hmac,
                   reply_id)
VALUES (%(tenant_id)s, %(turn_id)s, %(session_pk)s, %(message_id)s, %(number)s, 'running', now() + interval '1 hour',
        %(message)s, '', %(reply_id)s)
"""
USUAL_POLICY: Final = PrivacyPolicy(
    Redact.AFTER_SILENCE, 24, frozenset(), 30, 30, StoreIp.NOT, stores_user_agent=False, is_held=False
)
TOKEN_LIFE: Final = TokenLife(token_idle_days=30, token_lifetime_days=180)
_NO_FIGURES: Final = {
    "model": "",
    "demo": False,
    "input_tokens": 0,
    "output_tokens": 0,
    "first_token_ms": None,
    "total_ms": None,
}


def said_now(message_id: str, role: Literal["user", "assistant"], content: str, **more: Any) -> HistoryMessage:
    return HistoryMessage(id=message_id, role=role, content=content, at=datetime.now(UTC), **more)


class Talk:
    """Remembers all that was said in it."""

    def __init__(self, run: Run, session: AgentSession) -> None:
        self.session = session
        self.tenant_id: UUID = session.tenant_id
        self.said: list[tuple[str, str]] = []
        self.turns: list[UUID] = []
        self._run = run

    def exchange(self, answer: str = "Yes.", *, state: str = "completed") -> int | None:
        """One more question and its answer; gives the session's message count."""
        claim, values = self.begin(answer, state=state)
        return self.finish(claim, values)

    def exchanges(self, count: int, answer: str = "Yes.") -> None:
        for _ in range(count):
            self.exchange(answer)

    def begin(self, answer: str = "Yes.", *, state: str = "completed") -> tuple[Claim, dict[str, Any]]:
        """A running turn, and what finishes it."""
        number = len(self.turns) + 1
        claim = Claim(self.tenant_id, self.session.id, new_id(), 1)
        question = said_now(f"message_{number:04d}", "user", f"Question {number}")
        reply = said_now(f"reply_{number:04d}", "assistant", f"{number}: {answer}", stopped=state == "stopped")
        turn = {"message_id": question.id, "message": question.content, "reply_id": reply.id, "number": number}
        self._run(in_tenant(self.tenant_id, [(_CLAIM, {**claim.values(), **turn})]))
        self.turns.append(claim.turn_id)
        self.said += [("user", question.content), ("assistant", reply.content)]
        return claim, {**_NO_FIGURES, "state": state, "pair": as_json([question, reply]), "reply_id": reply.id}

    def finish(self, claim: Claim, values: dict[str, Any]) -> int | None:
        finished = self._run(finish.finish_turn(claim, values))
        return finished.message_count if finished else None

    def page(self, before: int = BEYOND_THE_END, limit: int = 50) -> MessagePage:
        page: MessagePage = self._run(messages_page(self.visit, before=before, limit=limit))
        return page

    def pages(self, limit: int) -> list[tuple[str, str]]:
        """All pages from the newest to the oldest, put together as they were said."""
        heard, page = list[dict[str, Any]](), self.page(limit=limit)
        heard += page.messages
        while page.next is not None:
            page = self.page(int(page.next), limit)
            assert len(page.messages) == min(limit, len(self.said) - len(heard))
            heard += page.messages
        return [(message["role"], message["content"]) for message in reversed(heard)]

    def answer_of(self, turn_id: UUID) -> Row | None:
        """What a replay of the turn is answered from."""
        row: Row | None = self._run(read.answered_turn(self.tenant_id, turn_id))
        return row

    @property
    def visit(self) -> Visit:
        return Visit(
            self.tenant_id,
            self.session.website_id,
            self.session.session_id,
            b"token",
            plain_allowed=False,
            token_life=TOKEN_LIFE,
        )

    def kept(self) -> list[tuple[str, str]]:
        """What stands in the history itself."""
        with tenant_scope(self.tenant_id):
            self.session.refresh_from_db()
        return [(message["role"], message["content"]) for message in self.session.history]

    def segments(self) -> list[tuple[int, int]]:
        """The first position and the number of messages of each."""
        with tenant_scope(self.tenant_id):
            return list(HistorySegment.objects.values_list("first_position", "message_count"))
