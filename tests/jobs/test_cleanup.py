"""Beat's jobs: what they end, what they leave, and that running twice changes nothing more."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from sessions import cleanup
from sessions.cleanup import abandon_lapsed_turns, delete_expired_sessions, forget_old_turns
from sessions.models import MOST_REDACTION_VERSIONS, AgentSession, HistorySegment, Turn
from tenants.errors import LegalHoldError, TenantsFailedError
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import Tenant, Website
from tenants.rounds import each_tenant
from tenants.scoping import SET_TENANT, active_tenant_id, tenant_scope
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


def make_segment(session: AgentSession) -> None:
    with tenant_scope(session.tenant_id):
        HistorySegment.objects.create(
            tenant_id=session.tenant_id, agent_session=session, first_position=0, message_count=1, messages=[{}]
        )


@pytest.fixture(autouse=True)
def _nothing_due_before(database: None) -> None:
    """Other tests' leftovers are due as well; here every figure is this test's own."""
    abandon_lapsed_turns()
    delete_expired_sessions()
    forget_old_turns()


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


def test_segments_of_a_session_are_deleted_with_it(cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant(retention_days=2)
    website = cast.website(tenant, agents=[agent])
    old, fresh = make_session(website, agent, silent_days=3), make_session(website, agent, silent_days=1)
    for session in (old, fresh):
        make_segment(session)
    assert delete_expired_sessions() == 1
    with tenant_scope(tenant.id):
        assert list(HistorySegment.objects.values_list("agent_session_id", flat=True)) == [fresh.id]


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


@pytest.mark.parametrize("chunk", [cleanup._abandon_chunk, cleanup._delete_chunk])
def test_job_keeps_to_its_tenant_where_the_row_policies_would_let_it_out(cast: Cast, chunk: Callable[[], int]) -> None:
    agent, mine, theirs = cast.agent(), cast.tenant(), cast.tenant(retention_days=1)
    website = cast.website(theirs, agents=[agent])
    make_turn(make_session(website, agent), lease_seconds=-1)
    make_session(website, agent, silent_days=2)
    with tenant_scope(mine.id):
        with connection.cursor() as cursor:
            cursor.execute(SET_TENANT, [str(theirs.id)])
        assert chunk() == 0
    with tenant_scope(theirs.id):
        assert chunk() == 1


def tenants_with_lapsed_turns(cast: Cast, count: int) -> list[UUID]:
    agent, tenants = cast.agent(), [cast.tenant() for _ in range(count)]
    for tenant in tenants:
        make_turn(make_session(cast.website(tenant, agents=[agent]), agent), lease_seconds=-1)
    return [tenant.id for tenant in tenants]


def test_tenant_that_fails_stops_no_other_and_is_told_at_the_end(cast: Cast) -> None:
    broken, *others = tenants_with_lapsed_turns(cast, 4)

    def break_for_one() -> int:
        if active_tenant_id() == broken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return cleanup._abandon_chunk()

    with capture_logs() as lines, pytest.raises(TenantsFailedError) as raised:
        each_tenant("door_tenants_with_lapsed_turns", break_for_one, reason="test")
    assert raised.value.failed == 1
    failed = [line for line in lines if line["log_level"] == "error"]
    assert [(line["event"], line["job"], line["tenant_id"]) for line in failed] == [
        ("a round failed for a tenant", "test", broken)
    ]
    assert states_of(others) == ["abandoned"] * 3
    assert abandon_lapsed_turns() == 1


def states_of(tenants: list[UUID]) -> list[str]:
    states: list[str] = []
    for tenant_id in tenants:
        with tenant_scope(tenant_id):
            states += Turn.objects.values_list("state", flat=True)
    return states


def test_round_out_of_time_leaves_the_rest_to_the_next(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    tenants_with_lapsed_turns(cast, 2)
    with monkeypatch.context() as patch, capture_logs() as lines:
        patch.setattr("tenants.rounds.SECONDS_A_ROUND", 0)
        assert abandon_lapsed_turns() == 0
    [line] = lines
    assert (line["event"], line["job"], line["tenants"]) == (
        "a round is out of time",
        "turns whose lease ran out",
        2,
    )
    assert abandon_lapsed_turns() == 2


def test_job_rests_after_each_chunk_as_long_as_it_worked(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, rests = iter(range(100)), list[float]()  # a second between any two looks
    monkeypatch.setattr("tenants.rounds.time", SimpleNamespace(monotonic=lambda: next(clock), sleep=rests.append))
    monkeypatch.setattr("tenants.rounds.LONGEST_REST_SECONDS", 0.75)
    left = iter([2, 1, 0])
    tenants_with_lapsed_turns(cast, 1)
    each_tenant("door_tenants_with_lapsed_turns", lambda: next(left), reason="test")
    assert rests == [0.75, 0.75]
    abandon_lapsed_turns()


def test_rounds_take_the_tenants_in_different_orders(cast: Cast) -> None:
    tenants, seen = tenants_with_lapsed_turns(cast, 4), list[UUID]()

    def only_look() -> int:
        seen.append(active_tenant_id())
        return 0

    for _ in range(10):
        each_tenant("door_tenants_with_lapsed_turns", only_look, reason="test")
    orders = [tuple(seen[start : start + 4]) for start in range(0, len(seen), 4)]
    assert [sorted(order) for order in orders] == [sorted(tenants)] * 10
    assert len(set(orders)) > 1


@pytest.mark.parametrize(
    ("own_days", "silent_days", "is_deleted"), [(None, 3, True), (5, 3, False), (5, 6, True), (1, 1.5, True)]
)
def test_website_may_keep_its_sessions_longer_or_shorter_than_its_tenant(
    cast: Cast, own_days: int | None, silent_days: float, is_deleted: bool
) -> None:
    agent, tenant = cast.agent(), cast.tenant(retention_days=2)
    usual = make_session(cast.website(tenant, agents=[agent]), agent, silent_days=1)
    session = make_session(
        cast.website(tenant, agents=[agent], retention_days=own_days), agent, silent_days=silent_days
    )
    assert delete_expired_sessions() == int(is_deleted)
    assert session_ids(tenant) == ({usual.id} if is_deleted else {usual.id, session.id})


@pytest.mark.parametrize("is_website", [True, False])
def test_what_is_held_is_not_deleted(cast: Cast, monkeypatch: pytest.MonkeyPatch, is_website: bool) -> None:
    monkeypatch.setattr("sessions.cleanup._CHUNK", 1)
    agent, tenant = cast.agent(), cast.tenant(retention_days=1)
    website = cast.website(tenant, agents=[agent])
    held, other = make_session(website, agent, silent_days=99), make_session(website, agent, silent_days=9)
    row: Any = website if is_website else held
    with tenant_scope(tenant.id):
        set_hold(row, by="Olga")
        with pytest.raises(LegalHoldError):
            website.delete() if is_website else AgentSession.objects.get(pk=held.pk).delete()
        assert AgentSession.objects.filter(pk=held.pk).delete()[0] == 0  # past our own check, the database's
    assert delete_expired_sessions() == (0 if is_website else 1)
    assert session_ids(tenant) == ({held.id, other.id} if is_website else {held.id})
    with tenant_scope(tenant.id):
        lift_hold(row)
    delete_expired_sessions()
    assert session_ids(tenant) == set()


def test_session_is_deleted_whichever_redactor_has_been_over_it(cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant(retention_days=1)
    website = cast.website(tenant, agents=[agent])
    for version in (0, 1, 2, MOST_REDACTION_VERSIONS):
        cast.change(make_session(website, agent, silent_days=2), redaction_version=version)
    assert (delete_expired_sessions(), session_ids(tenant)) == (4, set())


def make_old_turn(session: AgentSession, days: float) -> Turn:
    turn = make_turn(session, state="failed")
    finished_at = timezone.now() - timedelta(days=days)
    with tenant_scope(session.tenant_id):
        Turn.objects.filter(pk=turn.pk).update(finished_at=finished_at, lease_expires_at=None, partial_reply="Good")
    return turn


def words_of(turn: Turn) -> tuple[str, str, bytes]:
    with tenant_scope(turn.tenant_id):
        turn.refresh_from_db()
    return turn.message, turn.partial_reply, bytes(turn.message_hmac)


def test_words_of_old_turns_are_forgotten_and_what_happened_stays(cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant(turn_retention_days=7)
    site, patient = cast.website(tenant, agents=[agent]), cast.website(tenant, agents=[agent], turn_retention_days=20)
    old, fresh = make_old_turn(make_session(site, agent), 8), make_old_turn(make_session(site, agent), 6)
    longer = make_old_turn(make_session(patient, agent), 8)
    held_session = make_session(site, agent)
    held = make_old_turn(held_session, 8)
    with tenant_scope(tenant.id):
        set_hold(held_session, by="Olga")
    held_site = cast.website(tenant, agents=[agent])
    held_too = make_old_turn(make_session(held_site, agent), 8)
    with tenant_scope(tenant.id):
        set_hold(held_site, by="Olga")
    live = make_turn(make_session(site, agent))

    assert forget_old_turns() == 1
    kept = ("Hello", "Good", b"x")
    assert words_of(old) == ("", "", b"")
    assert [words_of(turn) for turn in (fresh, longer, held, held_too)] == [kept] * 4
    assert (words_of(live)[0], old.state, old.number, old.message_id != "") == ("Hello", "failed", 1, True)
    assert forget_old_turns() == 0


def test_turns_that_are_kept_do_not_hide_those_behind_them(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sessions.cleanup._CHUNK", 2)
    agent, tenant = cast.agent(), cast.tenant(turn_retention_days=7)
    site, patient = cast.website(tenant, agents=[agent]), cast.website(tenant, agents=[agent], turn_retention_days=30)
    for days in range(20, 25):
        make_old_turn(make_session(patient, agent), days)
    old = [make_old_turn(make_session(site, agent), days) for days in range(8, 13)]
    assert forget_old_turns() == 5
    assert {words_of(turn) for turn in old} == {("", "", b"")}
