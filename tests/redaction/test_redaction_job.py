"""The redaction job: all of a session's text, once, and nothing of what its policy or a hold keeps."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection
from django.utils import timezone

from agents.models import Agent
from sessions.models import AgentSession, HistorySegment, Turn
from sessions.privacy import REDACTION_VERSION, SessionRedactor
from sessions.redaction import job, replace
from sessions.redaction.again import go_over_again
from sessions.redaction.job import redact_due_sessions
from sessions.redaction.replace import Replacing
from sessions.redaction.write import write_stretch
from tenants.identifiers import OPERATOR_ID
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import RedactionKey, Tenant, Website
from tenants.redaction_keys import redaction_key, remove_redaction_key
from tenants.scoping import SET_TENANT, tenant_scope
from tests.admin.shops import exchange, make_session, make_turn, roll
from tests.cast import Cast
from tests.live_server import LiveServer, database_url
from tests.redaction.conversations import (
    ALICE,
    BOB,
    CAROL,
    PLACEHOLDER,
    be_silent,
    everything_stored,
    failed_turn,
    silent_session,
    transcript,
    version_of,
)


@pytest.fixture
def tenant(cast: Cast) -> Tenant:
    return cast.tenant()


@pytest.fixture
def agent(cast: Cast) -> Agent:
    return cast.agent()


@pytest.fixture
def website(cast: Cast, tenant: Tenant, agent: Agent) -> Website:
    return cast.website(tenant, agents=[agent])


def redact(*tenants: Tenant) -> int:
    """Of these tenants alone, for other tests leave sessions behind that are due as well."""
    return redact_due_sessions([tenant.id for tenant in tenants])["sessions"]


def test_everything_of_a_silent_session_is_redacted_once(tenant: Tenant, website: Website, agent: Agent) -> None:
    session = silent_session(
        website, agent, context={"page": {"mail": ALICE, "n": [1, 2.5, None, True]}}, user_id=CAROL
    )
    failed_turn(session, message=f"Me again, {ALICE}", partial_reply=f"Hello {BOB}")
    before = transcript(session)
    assert redact(tenant) == 1

    stored = everything_stored(session)
    assert [word for word in (ALICE, BOB, CAROL) if word in stored] == []
    after = transcript(session)
    assert [role for role, _ in after] == [role for role, _ in before]
    [alice] = set(re.findall(PLACEHOLDER, after[0][1]))
    [bob] = set(re.findall(PLACEHOLDER, after[4][1]))
    assert [text for _, text in after] == [
        f"I am {alice}",
        "Noted.",
        "What is 2 + 2?",
        f"Four, dear {alice}.",
        f"Write to {bob}",
        "I will.",
    ]
    with tenant_scope(tenant.id):
        row = AgentSession.objects.get(pk=session.pk)
        turn = Turn.objects.get(message_id="message_failed")
    assert row.context == {"page": {"mail": alice, "n": [1, 2.5, None, True]}}
    assert re.fullmatch(PLACEHOLDER, str(row.user_id))
    assert (turn.message, turn.partial_reply) == (f"Me again, {alice}", f"Hello {bob}")
    assert row.last_activity_at < turn.created_at  # being redacted is no sign of life
    assert (version_of(session), redact(tenant), everything_stored(session)) == (REDACTION_VERSION, 0, stored)


def test_session_that_goes_on_is_redacted_again_with_what_was_said_since(
    server: LiveServer, tenant: Tenant, website: Website, agent: Agent
) -> None:
    session = silent_session(website, agent)
    redact(tenant)
    before = transcript(session)
    assert say(server, session, f"Mail {CAROL}").status_code == 200
    assert (CAROL in everything_stored(session), version_of(session)) == (True, 0)
    be_silent(session, 25)
    assert redact(tenant) == 1
    assert transcript(session)[:6] == before
    assert re.fullmatch(f"Mail {PLACEHOLDER}", transcript(session)[6][1])
    assert CAROL not in everything_stored(session)


def test_message_that_got_no_answer_after_a_redaction_is_redacted_too(
    cast: Cast, server: LiveServer, tenant: Tenant
) -> None:
    unreachable = cast.connection(None, "https://127.0.0.1:9/v1")
    website = cast.website(tenant, agents=[broken := cast.agent(connection=unreachable, model="m")])
    session = silent_session(website, broken)
    redact(tenant)
    assert say(server, session, f"Mail {CAROL}", user_id=BOB).status_code == 502
    assert (everything_stored(session).count(CAROL), version_of(session)) == (1, 0)
    be_silent(session, 25)
    assert redact(tenant) == 1
    assert [word for word in (BOB, CAROL) if word in everything_stored(session)] == []


def test_verified_id_stays_and_is_hidden_in_the_text(tenant: Tenant, website: Website, agent: Agent) -> None:
    session = silent_session(website, agent, user_id=ALICE, user_verified=True)
    redact(tenant)
    with tenant_scope(tenant.id):
        assert AgentSession.objects.get(pk=session.pk).user_id == ALICE
    assert everything_stored(session).count(ALICE) == 1


@pytest.mark.parametrize(
    ("claimed", "kept"), [("customer-4711", True), ("Zanzariel Quix", False), (ALICE, False), ("4711", True)]
)
def test_claimed_id_is_replaced_where_it_is_personal_data(
    tenant: Tenant, website: Website, agent: Agent, claimed: str, kept: bool
) -> None:
    session = silent_session(website, agent, user_id=claimed)
    redact(tenant)
    with tenant_scope(tenant.id):
        found = AgentSession.objects.get(pk=session.pk).user_id
    assert (found == claimed, str(found).startswith("[")) == (kept, not kept)


def test_address_and_browser_become_what_the_policy_now_allows(cast: Cast, website: Website, agent: Agent) -> None:
    tenant = cast.tenant(ip_storage="truncated")
    stored: dict[str, Any] = {"visitor_ip": "203.0.113.77", "user_agent": "Canary/5.0"}
    session = silent_session(cast.website(tenant, agents=[agent]), agent, **stored)
    redact(tenant)
    with tenant_scope(tenant.id):
        row = AgentSession.objects.get(pk=session.pk)
    assert (row.visitor_ip, row.user_agent) == ("203.0.113.0/24", "")


@pytest.mark.parametrize(
    ("policy", "own", "silent_hours", "is_redacted"),
    [
        ({}, {}, 23, False),
        ({}, {}, 25, True),
        ({"redact_after_hours": 2}, {}, 3, True),
        ({"redact_after_hours": 2}, {"redact_after_hours": 4}, 3, False),
        ({"redact_when": "never"}, {}, 999, False),
        ({"redact_when": "never"}, {"redact_when": "after_silence"}, 25, True),
        ({}, {"redact_when": "never"}, 25, False),
        ({"redact_when": "at_turn_end"}, {}, 2, True),
        ({"redact_when": "before_model"}, {}, 0.5, False),
    ],
)
def test_policy_says_whether_and_when(
    cast: Cast, agent: Agent, policy: dict[str, Any], own: dict[str, Any], silent_hours: float, is_redacted: bool
) -> None:
    tenant = cast.tenant(**policy)
    session = silent_session(cast.website(tenant, agents=[agent], **own), agent, silent_hours)
    redact(tenant)
    assert (ALICE not in everything_stored(session), version_of(session) > 0) == (is_redacted, is_redacted)


def test_kinds_that_the_policy_keeps_stay(cast: Cast, agent: Agent) -> None:
    tenant = cast.tenant(kinds_kept=["email"])
    session = silent_session(cast.website(tenant, agents=[agent]), agent)
    redact(tenant)
    assert (ALICE in everything_stored(session), version_of(session)) == (True, REDACTION_VERSION)


@pytest.mark.parametrize("of_website", [True, False])
def test_what_was_redacted_is_gone_over_again_once_more_is_to_be_hidden(
    cast: Cast, agent: Agent, *, of_website: bool
) -> None:
    tenant = cast.tenant(kinds_kept=["email"], ip_storage="whole")
    website, other = (cast.website(tenant, agents=[agent]) for _ in range(2))
    sessions = [silent_session(one, agent, visitor_ip="203.0.113.77") for one in (website, other)]
    redact(tenant)
    with tenant_scope(OPERATOR_ID):
        Tenant.objects.filter(pk=tenant.pk).update(kinds_kept=[], ip_storage="not")
    assert redact(tenant) == 0
    for _ in range(2):
        go_over_again(tenant.pk, website.pk if of_website else None)
    assert redact(tenant) == (1 if of_website else 2)
    left = [word in everything_stored(session) for session in sessions for word in (ALICE, BOB, "203.0.113.77")]
    assert left == [False] * 3 + [of_website] * 3


@pytest.mark.parametrize("is_website", [True, False])
def test_legal_hold_keeps_everything_until_it_is_lifted(
    tenant: Tenant, website: Website, agent: Agent, is_website: bool
) -> None:
    session = silent_session(website, agent)
    held: Any = website if is_website else session
    with tenant_scope(tenant.id):
        assert set_hold(held, by="Olga") is True
    before = everything_stored(session)
    assert (redact(tenant), everything_stored(session)) == (0, before)
    with tenant_scope(tenant.id):
        assert lift_hold(held) is True
    assert (redact(tenant), ALICE in everything_stored(session)) == (1, False)


def before_writing(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """``happens`` once, when the job has read and replaced, and has not begun to write."""
    write, is_first = job._Round._write, iter([True])

    def write_late(*arguments: Any) -> int:
        if next(is_first, False):
            happens()
        return write(*arguments)

    monkeypatch.setattr(job._Round, "_write", write_late)


def say(server: LiveServer, session: AgentSession, message: str, **fields: Any) -> Any:
    origin = server.origin(session.origin_host)
    body = {"session_id": session.session_id, "message": message, **fields}
    return server.http.post("/api/v1/chat/", json=body, headers={"Origin": origin})


def test_turn_that_ends_while_the_job_works_loses_nothing_and_is_redacted_later(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    session = silent_session(website, agent)
    before, answers = transcript(session), list[Any]()
    before_writing(monkeypatch, lambda: answers.append(say(server, session, f"Mail {CAROL}")))
    assert redact(tenant) == 0
    assert answers[0].status_code == 200
    said = [("user", f"Mail {CAROL}"), ("assistant", answers[0].json()["message"]["content"])]
    assert (transcript(session), version_of(session)) == ([*before, *said], 0)

    be_silent(session, 25)
    assert redact(tenant) == 1
    assert [word for word in (ALICE, BOB, CAROL) if word in everything_stored(session)] == []
    assert [role for role, _ in transcript(session)] == ["user", "assistant"] * 4


def running_turn(session: AgentSession) -> None:
    make_turn(session, 9, "message_live", state="running", lease_expires_at=timezone.now() + timedelta(minutes=1))


def hold(row: Any) -> None:
    with tenant_scope(row.tenant_id):
        set_hold(row, by="Olga")


def hold_elsewhere(session: AgentSession) -> None:
    """From another connection, while this one's transaction goes on."""
    with psycopg.connect(database_url("owner"), autocommit=True) as other:
        other.execute(
            "UPDATE agent_sessions SET legal_hold_at = now(), legal_hold_by = 'Olga' WHERE id = %s", [session.pk]
        )


def claim_other_id(session: AgentSession) -> None:
    with tenant_scope(session.tenant_id):
        AgentSession.objects.filter(pk=session.pk).update(user_id="somebody-else")


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda session, _: running_turn(session), id="a turn begins"),
        pytest.param(lambda session, _: hold(session), id="the session is held"),
        pytest.param(lambda _, website: hold(website), id="the website is held"),
        pytest.param(lambda session, _: claim_other_id(session), id="somebody else claims it"),
    ],
)
def test_session_that_changes_while_the_job_works_is_left_alone(
    cast: Cast,
    monkeypatch: pytest.MonkeyPatch,
    tenant: Tenant,
    website: Website,
    agent: Agent,
    happens: Callable[..., None],
) -> None:
    changed, quiet = silent_session(website, agent), silent_session(cast.website(tenant, agents=[agent]), agent)
    before_writing(monkeypatch, lambda: happens(changed, website))
    before = transcript(changed)
    assert redact(tenant) == 1
    assert (transcript(changed), version_of(changed)) == (before, 0)
    assert ALICE not in everything_stored(quiet)


def test_session_that_a_turn_has_locked_is_not_waited_for(tenant: Tenant, website: Website, agent: Agent) -> None:
    locked, free = silent_session(website, agent), silent_session(website, agent)
    with psycopg.connect(database_url("owner")) as turn:
        turn.execute("SELECT FROM agent_sessions WHERE id = %s FOR UPDATE", [locked.pk])
        assert redact(tenant) == 1
        assert (version_of(locked), version_of(free)) == (0, REDACTION_VERSION)
    assert redact(tenant) == 1


def test_replay_of_a_redacted_turn_has_placeholders_and_the_same_words_still_prove_it(
    server: LiveServer, tenant: Tenant, website: Website, agent: Agent
) -> None:
    session = silent_session(website, agent)
    first = say(server, session, f"My name is {ALICE}", message_id="message_replayed")
    be_silent(session, 25)
    redact(tenant)
    again = say(server, session, f"My name is {ALICE}", message_id="message_replayed")
    assert (first.status_code, again.status_code, again.headers["Parlour-Replayed"]) == (200, 200, "true")
    assert ALICE not in again.text
    assert again.json()["message_count"] == first.json()["message_count"]
    other = say(server, session, "Something else", message_id="message_replayed")
    assert (other.status_code, other.json()["code"]) == (409, "message_id_reused")


def test_session_that_breaks_the_redactor_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tenant: Tenant, website: Website, agent: Agent
) -> None:
    broken, whole = silent_session(website, agent), silent_session(website, agent)
    rest = Replacing.rest

    def rest_or_break(self: Any) -> Any:
        if self._session.id == broken.pk:
            raise RecursionError(f"cannot read {ALICE}")
        return rest(self)

    monkeypatch.setattr(Replacing, "rest", rest_or_break)
    counts = redact_due_sessions([tenant.id])
    assert (counts["sessions"], counts["skipped"]) == (1, 1)
    assert (version_of(broken), version_of(whole)) == (0, REDACTION_VERSION)
    logged = capfd.readouterr().err
    assert (str(broken.pk) in logged, ALICE in logged) == (True, False)


def test_session_that_the_database_refuses_keeps_no_other_from_it(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tenant: Tenant, website: Website, agent: Agent
) -> None:
    refused, whole = silent_session(website, agent, user_id=CAROL), silent_session(website, agent)
    monkeypatch.setattr(replace, "hidden_claimed_id", lambda *_: "too long " * 1_000)
    counts = redact_due_sessions([tenant.id])
    assert (counts["sessions"], counts["skipped"]) == (1, 1)
    assert (version_of(refused), version_of(whole)) == (0, REDACTION_VERSION)
    logged = capfd.readouterr().err
    assert (str(refused.pk) in logged, CAROL in logged) == (True, False)


def test_time_limit_of_the_worker_ends_the_round(
    monkeypatch: pytest.MonkeyPatch, cast: Cast, website: Website, agent: Agent
) -> None:
    other = cast.tenant()
    sessions = [silent_session(website, agent), silent_session(cast.website(other, agents=[agent]), agent)]

    def late(*_: Any) -> Any:
        raise SoftTimeLimitExceeded

    monkeypatch.setattr(Replacing, "rest", late)
    with pytest.raises(SoftTimeLimitExceeded):
        redact_due_sessions([session.tenant_id for session in sessions])


def test_better_redactor_goes_over_old_text_again(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    session = silent_session(website, agent)
    redact(tenant)
    stored = transcript(session)
    with tenant_scope(tenant.id):
        HistorySegment.objects.filter(first_position=0).update(messages=[{"role": "user", "content": CAROL}] * 2)
    assert redact(tenant) == 0
    monkeypatch.setattr(job, "REDACTION_VERSION", REDACTION_VERSION + 1)
    assert (redact(tenant), version_of(session)) == (1, REDACTION_VERSION + 1)
    assert CAROL not in everything_stored(session)
    assert transcript(session)[2:] == stored[2:]


def test_long_session_is_written_in_parts_and_ends_up_whole(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    monkeypatch.setattr(replace, "_MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr(job, "_SECONDS_A_SESSION", 0.0)  # each chunk does one segment, and the last one the rest
    session = silent_session(website, agent)
    assert redact(tenant) == 1
    assert (ALICE in everything_stored(session), version_of(session)) == (False, REDACTION_VERSION)


def test_long_session_that_changes_between_its_parts_is_left_alone(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    monkeypatch.setattr(replace, "_MESSAGES_AT_ONCE", 1)
    session = silent_session(website, agent)
    is_first = iter([True])

    def write_late(*arguments: Any) -> bool:
        if not next(is_first, False):
            hold_elsewhere(session)
        return write_stretch(*arguments)

    monkeypatch.setattr(job, "write_stretch", write_late)
    assert (redact(tenant), version_of(session)) == (0, 0)
    said = [text for _, text in transcript(session)]
    assert (ALICE in said[0], ALICE in said[3], BOB in said[4]) == (False, True, True)


def test_name_that_is_learnt_late_is_hidden_in_segments_before_it(
    tenant: Tenant, website: Website, agent: Agent
) -> None:
    said = exchange(1, "Is Zanzariel there?", "Who is asking?") + exchange(2, "My name is Zanzariel", "Hello!")
    session = make_session(website, agent, said, session_id="session_learnt")
    roll(session, 2)
    be_silent(session, 25)
    redact(tenant)
    assert "Zanzariel" not in everything_stored(session)


def test_name_that_was_told_once_is_known_when_the_session_goes_on(
    tenant: Tenant, website: Website, agent: Agent
) -> None:
    session = make_session(website, agent, exchange(1, "My name is Zorblax", "Hello!"), session_id="session_goes_on")
    roll(session, 2)
    be_silent(session, 25)
    assert redact(tenant) == 1
    with tenant_scope(tenant.id):
        session.refresh_from_db()
        session.history = exchange(2, "the parcel for zorblax is late", "I see.")
        session.message_count, session.redaction_version = 4, 0
        session.save()
    failed_turn(session, message="does zorblax get the money back?")
    be_silent(session, 25)
    assert redact(tenant) == 1
    [name] = set(re.findall(r"\[NAME_\w+\]", everything_stored(session)))
    assert [text for _, text in transcript(session)] == [
        f"My name is {name}",
        "Hello!",
        f"the parcel for {name} is late",
        "I see.",
    ]
    assert f"does {name} get the money back?" in everything_stored(session)


def test_name_is_known_in_the_later_parts_of_a_long_session(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    monkeypatch.setattr(replace, "_MESSAGES_AT_ONCE", 1)
    monkeypatch.setattr(job, "_SECONDS_A_SESSION", 0.0)
    said = exchange(1, "My name is Zorblax", "Hello!")
    for number in range(2, 5):
        said += exchange(number, "the parcel for zorblax is late", "I see.")
    session = make_session(website, agent, said, session_id="session_in_parts")
    roll(session, 2, 2, 2)
    be_silent(session, 25)
    assert redact(tenant) == 1
    stored = everything_stored(session)
    assert ("zorblax" in stored.lower(), len(set(re.findall(r"\[NAME_\w+\]", stored)))) == (False, 1)


def test_words_of_many_turns_are_done_in_stretches_and_none_is_done_twice(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    monkeypatch.setattr(replace, "_CHARACTERS_AT_ONCE", 1)
    monkeypatch.setattr(job, "_SECONDS_A_SESSION", 0.0)
    session = make_session(website, agent, exchange(1, "hi", "ho"), session_id="session_of_failures")
    for number in range(2, 5):
        failed = {"state": "failed", "finished_at": timezone.now(), "message": f"{number}: mail {ALICE}"}
        make_turn(session, number, f"message_failed_{number}", **failed)
    be_silent(session, 25)
    gone_over, history = list[str](), SessionRedactor.history

    def heard(self: SessionRedactor, messages: Any) -> Any:
        gone_over.extend(message["content"] for message in messages if message["content"])
        return history(self, messages)

    monkeypatch.setattr(SessionRedactor, "history", heard)
    for still_there in (2, 1, 0):
        job._Round().redact_some(tenant.id)  # each in a process of its own, for all that it knows
        assert (everything_stored(session).count(ALICE), version_of(session)) == (still_there, 0)
    job._Round().redact_some(tenant.id)
    assert version_of(session) == REDACTION_VERSION
    assert gone_over == [*(f"{number}: mail {ALICE}" for number in range(2, 5)), "hi", "ho"]


def test_turn_that_is_tried_again_is_gone_over_again(cast: Cast, server: LiveServer, tenant: Tenant) -> None:
    unreachable = cast.connection(None, "https://127.0.0.1:9/v1")
    website = cast.website(tenant, agents=[broken := cast.agent(connection=unreachable, model="m")])
    session = silent_session(website, broken)
    for _ in range(2):
        assert say(server, session, f"Mail {CAROL}", message_id="message_tried_again").status_code == 502
        assert CAROL in everything_stored(session)
        be_silent(session, 25)
        assert redact(tenant) == 1
        assert CAROL not in everything_stored(session)


def test_more_sessions_than_a_chunk_holds_are_all_redacted(
    monkeypatch: pytest.MonkeyPatch, tenant: Tenant, website: Website, agent: Agent
) -> None:
    monkeypatch.setattr(job, "_SESSIONS_A_CHUNK", 2)
    sessions = [silent_session(website, agent) for _ in range(5)]
    assert redact(tenant) == 5
    assert {version_of(session) for session in sessions} == {REDACTION_VERSION}


def test_placeholders_differ_between_tenants_and_after_the_key_is_removed(
    cast: Cast, tenant: Tenant, website: Website, agent: Agent
) -> None:
    other = cast.tenant()
    first, second = silent_session(website, agent), silent_session(cast.website(other, agents=[agent]), agent)
    redact(tenant, other)
    with tenant_scope(tenant.id):
        assert (remove_redaction_key(), remove_redaction_key()) == (True, False)
    third = silent_session(website, agent)
    redact(tenant)
    placeholders = {re.findall(PLACEHOLDER, transcript(session)[0][1])[0] for session in (first, second, third)}
    assert len(placeholders) == 3


def test_key_is_sealed_for_its_tenant(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        key = redaction_key()
        assert (redaction_key(), len(key)) == (key, 32)
        sealed = bytes(RedactionKey.objects.get().key_sealed)
    assert (key in sealed, key.hex().encode() in sealed) == (False, False)


def test_job_keeps_to_its_tenant_where_the_row_policies_would_let_it_out(
    cast: Cast, tenant: Tenant, website: Website, agent: Agent
) -> None:
    silent_session(website, agent)
    mine = cast.tenant()
    with tenant_scope(mine.id):
        with connection.cursor() as cursor:
            cursor.execute(SET_TENANT, [str(tenant.id)])
        assert job._Round()._due()[0] == []
    with tenant_scope(tenant.id):
        assert len(job._Round()._due()[0]) == 1
