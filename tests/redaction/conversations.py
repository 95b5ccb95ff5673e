"""Conversations that are due to be redacted, and what of them is left to read."""

import json
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone

from agents.models import Agent
from sessions.models import AgentSession
from tenants.models import Website
from tenants.scoping import tenant_scope
from tests.admin.shops import exchange, make_session, make_turn, roll

ALICE = "alice.liddell@wonder.example"
BOB = "bob.the.builder@works.example"
CAROL = "carol.singer@choir.example"
PLACEHOLDER = r"\[EMAIL_[0-9a-f]{6,}\]"


def silent_session(website: Website, agent: Agent, hours: float = 25, **fields: Any) -> AgentSession:
    """Six messages, four of them in segments, with an address in each part; silent for so long."""
    said = exchange(1, f"I am {ALICE}", "Noted.") + exchange(2, "What is 2 + 2?", f"Four, dear {ALICE}.")
    said += exchange(3, f"Write to {BOB}", "I will.")
    fields = {"session_id": f"session_{timezone.now().timestamp():.6f}".replace(".", "_"), **fields}
    session = make_session(website, agent, said, **fields)
    roll(session, 2, 2)
    be_silent(session, hours)
    return session


def be_silent(session: AgentSession, hours: float) -> None:
    with tenant_scope(session.tenant_id):
        silent_since = timezone.now() - timedelta(hours=hours)
        AgentSession.objects.filter(pk=session.pk).update(last_activity_at=silent_since)


def failed_turn(session: AgentSession, **words: str) -> Any:
    return make_turn(session, 4, "message_failed", state="failed", finished_at=timezone.now(), **words)


def everything_stored(session: AgentSession) -> str:
    """Every row of the session, as the owner of the tables sees it."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT s::text FROM agent_sessions s WHERE s.id = %(id)s"
            " UNION ALL (SELECT g::text FROM history_segments g WHERE g.agent_session_id = %(id)s ORDER BY g.id)"
            " UNION ALL (SELECT t::text FROM turns t WHERE t.agent_session_id = %(id)s ORDER BY t.id)",
            {"id": session.pk},
        )
        return "\n".join(text for (text,) in cursor.fetchall())


def transcript(session: AgentSession) -> list[tuple[str, str]]:
    """What was said, whole and in order, wherever it is kept."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT messages FROM history_segments WHERE agent_session_id = %s ORDER BY first_position", [session.pk]
        )
        parts = [messages for (messages,) in cursor.fetchall()]
        cursor.execute("SELECT history FROM agent_sessions WHERE id = %s", [session.pk])
        parts += [history for (history,) in cursor.fetchall()]
    messages = [message for part in parts for message in json.loads(part)]
    return [(message["role"], message["content"]) for message in messages]


def version_of(session: AgentSession) -> int:
    with tenant_scope(session.tenant_id):
        return AgentSession.objects.values_list("redaction_version", flat=True).get(pk=session.pk)
