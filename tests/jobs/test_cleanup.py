"""Beat's jobs: what they end, what they leave, and that running twice changes nothing more."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from sessions.cleanup import abandon_lapsed_turns, delete_expired_sessions
from sessions.models import AgentSession, Turn
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast


def make_session(website: Website, agent: Any, *, silent_days: float = 0) -> AgentSession:
    with tenant_scope(website.tenant_id):
        return AgentSession.objects.create(
            tenant_id=website.tenant_id,
            website=website,
            agent=agent,
            agent_tenant_id=agent.tenant_id,
            session_id=f"s_{secrets.token_hex(8)}",
            origin_host=website.domain,
            last_activity_at=timezone.now() - timedelta(days=silent_days),
        )


def make_turn(session: AgentSession, *, state: str = "running", lease_seconds: float = 60) -> Turn:
    with tenant_scope(session.tenant_id):
        return Turn.objects.create(
            tenant_id=session.tenant_id,
            agent_session=session,
            message_id=f"m_{secrets.token_hex(8)}",
            number=1,
            state=state,
            message="Hello",
            message_hmac=b"x",
            lease_expires_at=timezone.now() + timedelta(seconds=lease_seconds),
        )


@pytest.fixture(autouse=True)
def _nothing_due_before(database: None) -> None:
    """Other tests' leftovers are due as well; here every figure is this test's own."""
    abandon_lapsed_turns()
    delete_expired_sessions()


def session_ids(tenant: Tenant) -> set[UUID]:
    with tenant_scope(tenant.id):
        return set(AgentSession.objects.values_list("id", flat=True))


def test_sessions_silent_longer_than_their_tenant_keeps_them_are_deleted_with_their_turns(cast: Cast) -> None:
    agent = cast.agent()
    brief, patient = cast.tenant(retention_days=2), cast.tenant(retention_days=40)
    mine, theirs = cast.website(brief, agents=[agent]), cast.website(patient, agents=[agent])
    old, fresh = make_session(mine, agent, silent_days=3), make_session(mine, agent, silent_days=1)
    kept = make_session(theirs, agent, silent_days=3)
    gone = make_session(theirs, agent, silent_days=41)
    old_turn = make_turn(old, state="completed")

    assert delete_expired_sessions() == 2
    assert (session_ids(brief), session_ids(patient)) == ({fresh.id}, {kept.id})
    with tenant_scope(brief.id):
        assert not Turn.objects.filter(id=old_turn.id).exists()
    assert gone.id not in session_ids(patient)
    assert delete_expired_sessions() == 0


def test_session_whose_turn_is_running_is_not_deleted(cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant(retention_days=1)
    session = make_session(cast.website(tenant, agents=[agent]), agent, silent_days=5)
    turn = make_turn(session)
    delete_expired_sessions()
    assert session_ids(tenant) == {session.id}
    with tenant_scope(tenant.id):
        Turn.objects.filter(id=turn.id).update(state="failed", lease_expires_at=None)
    delete_expired_sessions()
    assert session_ids(tenant) == set()


def test_more_sessions_than_a_chunk_holds_are_all_deleted(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.cleanup._CHUNK", 2)
    agent, tenant = cast.agent(), cast.tenant(retention_days=1)
    website = cast.website(tenant, agents=[agent])
    for _ in range(5):
        make_session(website, agent, silent_days=2)
    assert delete_expired_sessions() == 5
    assert session_ids(tenant) == set()


def test_turn_whose_lease_ran_out_is_abandoned_and_keeps_the_words(cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant()
    website = cast.website(tenant, agents=[agent])
    lapsed = make_turn(make_session(website, agent), lease_seconds=-1)
    alive = make_turn(make_session(website, agent), lease_seconds=60)

    assert abandon_lapsed_turns() == 1
    with tenant_scope(tenant.id):
        lapsed.refresh_from_db()
        alive.refresh_from_db()
    assert (lapsed.state, lapsed.fence, lapsed.message, lapsed.error_code) == ("abandoned", 2, "Hello", "abandoned")
    assert lapsed.finished_at is not None
    assert (alive.state, alive.fence) == ("running", 1)
    assert abandon_lapsed_turns() == 0
