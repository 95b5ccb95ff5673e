"""Legal holds against everything that deletes: statements typed by hand, and erasures that are under way already."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
import pytest
from django.db import connection, connections
from psycopg import Connection, sql

from sessions.cleanup import forget_old_turns
from sessions.erasing import ask_for_erasure, run_erasures_of
from sessions.errors import ErasureHeldError
from sessions.models import AgentSession, Erasure, Turn
from sessions.store.erase import erase_session, new_receipt
from sessions.store.visits import Visit
from sessions.targets import Target
from sessions.tenant_erasure import erase_tenant, find_tenant
from tenants.doors import TokenLife
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import Tenant
from tenants.scoping import SET_TENANT, tenant_scope
from tests.admin.shops import exchange, make_session, make_turn, roll
from tests.cast import Cast
from tests.live_server import database_url
from tests.sessions.talk import Run
from tests.waiting import wait_until

HOLD: LiteralString = "UPDATE {} SET legal_hold_at = now(), legal_hold_by = 'olga' WHERE id = %s"


@pytest.fixture
def session(cast: Cast) -> AgentSession:
    """Six messages, two of them in a segment, and a failed turn of long ago that still has its words."""
    tenant = cast.tenant()
    agent = cast.agent(tenant)
    said = [message for number in (1, 2, 3) for message in exchange(number, "Hello", "Hello")]
    session = make_session(cast.website(tenant, agents=[agent]), agent, said)
    roll(session, 2)
    make_turn(session, 4, "message_failed", state="failed", message="Secret")
    with tenant_scope(tenant.pk), connection.cursor() as cursor:
        cursor.execute("UPDATE turns SET finished_at = now() - interval '90 days'")
    return session


def left(session: AgentSession) -> tuple[int, int, int]:
    """Sessions, segments, and turns with words, as the tables' owner sees them."""
    with connections["owner"].cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM agent_sessions WHERE id = %(id)s),"
            " (SELECT count(*) FROM history_segments WHERE agent_session_id = %(id)s),"
            " (SELECT count(*) FROM turns WHERE agent_session_id = %(id)s AND message <> '')",
            {"id": session.pk},
        )
        sessions, segments, turns = cursor.fetchone()
        return sessions, segments, turns


@pytest.mark.parametrize("of", ["session", "website"])
@pytest.mark.parametrize("table", ["agent_sessions", "history_segments", "turns"])
def test_what_is_held_is_not_deleted_by_a_statement_typed_by_hand(session: AgentSession, of: str, table: str) -> None:
    held: Any = session if of == "session" else session.website
    delete = sql.SQL("DELETE FROM {}").format(sql.Identifier(table))
    with tenant_scope(session.tenant_id):
        set_hold(held, by="olga")
        with connection.cursor() as cursor:
            cursor.execute(delete)
            assert cursor.rowcount == 0
        lift_hold(held)
        with connection.cursor() as cursor:
            cursor.execute(delete)
            assert cursor.rowcount > 0


@contextmanager
def hold_being_set(session: AgentSession, of: str) -> Iterator[Connection]:
    """Set, but not committed until somebody waits for it; committed at the end."""
    table, row = ("websites", session.website_id) if of == "website" else ("agent_sessions", session.pk)
    with psycopg.connect(database_url("default")) as setting:
        setting.execute(SET_TENANT, [str(session.tenant_id)])
        setting.execute(sql.SQL(HOLD).format(sql.Identifier(table)), [row])
        yield setting
        setting.commit()


def is_waited_for(setting: Connection) -> bool:
    waiting = "SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    return setting.execute(waiting).fetchone() is not None


def by_staff(session: AgentSession, run: Run) -> None:
    with tenant_scope(session.tenant_id):
        ask_for_erasure(Target.session(session))
    run_erasures_of(session.tenant_id)
    connection.close()


def by_visitor(session: AgentSession, run: Run) -> None:
    life = TokenLife(30, 180)
    visit = Visit(session.tenant_id, session.website_id, session.session_id, None, plain_allowed=True, token_life=life)
    run(erase_session(visit, new_receipt(None)))


WAYS: dict[str, Callable[[AgentSession, Run], None]] = {"staff": by_staff, "visitor": by_visitor}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("of", ["session", "website"])
def test_hold_that_comes_while_an_erasure_waits_is_kept(session: AgentSession, run: Run, way: str, of: str) -> None:
    erasing = threading.Thread(target=WAYS[way], args=[session, run])
    with hold_being_set(session, of) as setting:
        erasing.start()
        wait_until(lambda: is_waited_for(setting))
    erasing.join(30)
    assert (erasing.is_alive(), left(session)) == (False, (1, 1, 1))
    with tenant_scope(session.tenant_id):
        figures = list(Erasure.objects.values_list("sessions_done", "messages_done", "sessions_held"))
    assert figures == ([(0, 0, 1)] if way == "staff" else [])


@pytest.mark.parametrize("of", ["session", "website"])
def test_hold_that_comes_after_the_tenant_was_looked_up_is_kept(session: AgentSession, of: str) -> None:
    with tenant_scope(session.tenant_id):
        slug = Tenant.objects.get().slug
    tenant = find_tenant(slug)
    assert tenant is not None
    with tenant_scope(session.tenant_id):
        set_hold(session if of == "session" else session.website, by="olga")
    with pytest.raises(ErasureHeldError):
        erase_tenant(tenant, lambda _: None)
    assert left(session) == (1, 1, 1)
    with tenant_scope(session.tenant_id):
        assert Tenant.objects.get().is_active is False


def test_hold_that_is_being_set_keeps_words_that_are_due_to_be_forgotten(session: AgentSession) -> None:
    with hold_being_set(session, "session"):
        forget_old_turns()
    assert left(session) == (1, 1, 1)
    with tenant_scope(session.tenant_id):
        lift_hold(session)
    forget_old_turns()
    with tenant_scope(session.tenant_id):
        assert Turn.objects.get(message_id="message_failed").message == ""
