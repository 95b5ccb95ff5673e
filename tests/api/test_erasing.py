"""A visitor has the conversation erased: all of it, at once, and for nobody else."""

import re
from collections.abc import Callable
from uuid import UUID

import pytest
from django.db import connections

from sessions.models import AgentSession, Erasure, HistorySegment, Turn
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.admin.shops import exchange, make_turn, roll
from tests.api.test_api_keys import code_of
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Backend, Visitor

Counter = Callable[[], dict[str, str]]
INVALID = (403, "session_token_invalid")


@pytest.fixture
def told(server: LiveServer, website: Website) -> Visitor:
    """A conversation of two messages of which one was answered, with a segment."""
    visitor = Visitor(server, website.domain)
    visitor.start(user_id="ada@example.com", metadata={"plan": "gold"})
    with tenant_scope(website.tenant_id):
        session = AgentSession.objects.get(session_id=visitor.session_id)
        session.history, session.message_count = exchange(1, "My name is Ada", "Hello Ada"), 2
        session.save(update_fields=["history", "message_count"])
    roll(session, 2)
    make_turn(session, 1, "message_0001", state="completed")
    make_turn(session, 2, "message_0002", state="failed", message="Are you there?")
    return visitor


def rows_of(tenant_id: UUID) -> tuple[int, ...]:
    with connections["owner"].cursor() as cursor:
        counts = []
        for model in (AgentSession, HistorySegment, Turn, Erasure):
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table} WHERE tenant_id = %s", [tenant_id])  # noqa: S608
            counts.append(int(cursor.fetchone()[0]))
        return tuple(counts)


def test_visitor_erases_the_conversation_and_gets_a_receipt(told: Visitor, tenant: Tenant) -> None:
    assert rows_of(tenant.pk) == (1, 1, 2, 0)
    receipt = told.erase().json()
    assert rows_of(tenant.pk) == (0, 0, 0, 1)
    assert re.fullmatch("er_[0-9a-f]{32}", receipt.pop("receipt_id"))
    assert receipt.pop("erased_at").endswith("Z")
    assert receipt == {"session_id": told.session_id, "sessions": 1, "messages": 2, "turns": 2}
    assert [code_of(told.messages()), code_of(told.export()), code_of(told.post("Hello"))] == [INVALID] * 3


def test_erasing_again_gives_the_same_receipt_to_the_same_token_alone(
    server: LiveServer, told: Visitor, website: Website, rows_written: Counter
) -> None:
    receipt, before = told.erase(), rows_written()
    again = told.erase()
    assert (again.status_code, again.json()) == (200, receipt.json())
    stranger = Visitor(server, website.domain, session_id=told.session_id)
    assert code_of(stranger.erase()) == (403, "session_token_required")
    stranger.token = "st_" + "x" * 43
    assert code_of(stranger.erase()) == INVALID
    elsewhere = Visitor(server, website.domain, token=told.token)
    assert code_of(elsewhere.erase()) == INVALID
    assert rows_written() == before


def test_new_session_of_the_same_id_is_not_erased_with_the_old_token(
    server: LiveServer, told: Visitor, website: Website, tenant: Tenant
) -> None:
    receipt = told.erase().json()
    new = Visitor(server, website.domain, session_id=told.session_id)
    assert new.start().status_code == 201
    assert told.erase().json() == receipt
    assert rows_of(tenant.pk) == (1, 0, 0, 1)
    assert new.erase().json()["receipt_id"] != receipt["receipt_id"]


def test_receipt_keeps_neither_words_nor_ids(told: Visitor, tenant: Tenant) -> None:
    told.erase()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT e::text FROM erasures e WHERE tenant_id = %s", [tenant.pk])
        [(row,)] = cursor.fetchall()
    canaries = [told.session_id, told.token, "Ada", "ada@", "gold", "there"]
    assert [canary for canary in canaries if str(canary) in row] == []


def test_server_erases_its_own_websites_session_once(
    server: LiveServer, cast: Cast, tenant: Tenant, told: Visitor, rows_written: Counter
) -> None:
    other = cast.tenant()
    cast.website(other, agents=[cast.agent(other)])
    before = rows_written()
    answers = [Backend(server, cast.api_key(other)[1], session_id=one).erase() for one in (told.session_id, "nobody_s")]
    assert [answer.json() for answer in answers] == [answers[0].json()] * 2
    assert (code_of(answers[0]), rows_written()) == ((404, "not_found"), before)
    own = Backend(server, cast.api_key(tenant, "sessions:erase")[1], session_id=told.session_id)
    assert own.erase().json()["messages"] == 2
    assert code_of(own.erase()) == (404, "not_found")
    assert rows_of(tenant.pk) == (0, 0, 0, 1)


def test_browser_may_ask_whether_it_may_erase(server: LiveServer, told: Visitor) -> None:
    headers = {**told.headers, "Access-Control-Request-Method": "DELETE"}
    answer = server.http.options(f"/api/v1/sessions/{told.session_id}/", headers=headers)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "DELETE")
    assert answer.headers["access-control-allow-origin"] == told.headers["Origin"]
