"""Marking a session as somebody's: the right to it is asked again in the statement that marks it."""

from dataclasses import replace

from sessions.ending_access import end_access
from sessions.store import identify
from tenants.scoping import tenant_scope
from tests.sessions.talk import Run, Talk


def known_as(talk: Talk) -> tuple[str | None, bool]:
    with tenant_scope(talk.tenant_id):
        talk.session.refresh_from_db()
    return talk.session.user_id, talk.session.user_verified


def test_session_whose_access_ended_meanwhile_is_not_marked(talk: Talk, run: Run) -> None:
    assert run(identify.identity_secrets(talk.visit))["may_use"] is True
    with tenant_scope(talk.tenant_id):
        end_access(talk.session)
    assert run(identify.verify_user(talk.visit, "ada")) == {"may_use": False, "user_id": None}
    assert known_as(talk) == (None, False)


def test_session_is_marked_with_its_own_token_alone(talk: Talk, run: Run) -> None:
    thief = replace(talk.visit, token_hash=b"other")
    assert run(identify.verify_user(thief, "bob")) == {"may_use": False, "user_id": None}
    assert run(identify.verify_user(replace(talk.visit, session_id="session_unknown"), "bob")) is None
    assert known_as(talk) == (None, False)
    assert run(identify.verify_user(talk.visit, "ada")) == {"may_use": True, "user_id": "ada"}
    assert run(identify.verify_user(talk.visit, "bob")) == {"may_use": True, "user_id": "ada"}
    assert known_as(talk) == ("ada", True)
