"""Statements in the application's own role, as one would run that found a way past the application."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import UUID

from django.db import DatabaseError, connection, transaction
from psycopg import sql

from sessions.verification.client import Client
from sessions.verification.report import Report
from sessions.verification.stage import House, tenant_tables
from tenants.role import IS_UNSAFE_ROLE
from tenants.scoping import tenant_scope

WALL: Final = "tables: statements of the role"

Execute = Callable[..., Any]


def attack_tables(_client: Client, houses: list[House], report: Report) -> None:
    """Each tenant's rows in every table: read, changed, deleted and forged from another's scope, and from none."""
    with connection.cursor() as cursor:
        cursor.execute(IS_UNSAFE_ROLE)
        report.note(WALL, "the role itself", leak="it could pass the row policies" if cursor.fetchone()[0] else "")
    attacker, *victims = houses
    for victim in victims:
        for table in tenant_tables():
            _check_that_owner_sees_rows(table, victim, report)
            for name, attack in _attacks(table, attacker, victim):
                with report.breaking(WALL, f"{name} {table}"):
                    report.note(WALL, f"{name} {table}", leak=attack())


def _attacks(table: str, attacker: House, victim: House) -> Iterator[tuple[str, Callable[[], str]]]:
    own, theirs = attacker.tenant.pk, victim.tenant.pk
    yield "read", lambda: _rows_hit(own, _SELECT, table, theirs)
    yield "read without a tenant", lambda: _rows_hit(None, _SELECT, table, theirs)
    yield "read after the tenant's transaction", lambda: _rows_hit_afterwards(theirs, table)
    yield "search all texts of", lambda: _canary_found(own, table, victim)
    yield "change", lambda: _rows_hit(own, _UPDATE, table, theirs)
    yield "delete from", lambda: _rows_hit(own, _DELETE, table, theirs)
    yield "move own rows to the other in", lambda: _accepted(own, _MOVE, table, theirs, own)
    yield "forge a row of the other in", lambda: _accepted(own, _COPY, table, theirs)


_SELECT: Final = "SELECT 1 FROM {table} WHERE tenant_id = %s"
_UPDATE: Final = "UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = %s"
_DELETE: Final = "DELETE FROM {table} WHERE tenant_id = %s"
_MOVE: Final = "UPDATE {table} SET tenant_id = %s WHERE tenant_id = %s"
_COPY: Final = """
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object('tenant_id', %s::uuid, 'id', gen_random_uuid()))).*
  FROM {table} t LIMIT 1
"""


def _rows_hit(tenant_id: UUID | None, statement: LiteralString, table: str, victim_id: UUID) -> str:
    with _undone(tenant_id) as execute:
        hit = execute(statement, table, victim_id)
    return f"{hit} rows" if hit else ""


def _rows_hit_afterwards(victim_id: UUID, table: str) -> str:
    """On the connection that has just been in the victim's scope."""
    with tenant_scope(victim_id):
        pass
    return _rows_hit(None, _SELECT, table, victim_id)


def _canary_found(tenant_id: UUID, table: str, victim: House) -> str:
    with _undone(tenant_id) as execute:
        hit = execute("SELECT 1 FROM {table} t WHERE t::text LIKE ANY(%s)", table, [f"%{c}%" for c in victim.canaries])
    return f"{hit} rows with a canary" if hit else ""


def _accepted(tenant_id: UUID, statement: LiteralString, table: str, *values: UUID) -> str:
    """Whether the statement wrote something. A refusal by any rule of the database is one."""
    try:
        with _undone(tenant_id) as execute:
            written = execute(statement, table, *values)
    except DatabaseError:
        return ""
    return f"{written} rows" if written else ""


@contextmanager
def _undone(tenant_id: UUID | None) -> Iterator[Execute]:
    """Executes in the tenant's scope, or in none, and undoes it."""
    if tenant_id is None:
        with transaction.atomic(durable=True):
            yield _execute
            transaction.set_rollback(True)
        return
    with tenant_scope(tenant_id):
        yield _execute
        transaction.set_rollback(True)


def _execute(statement: LiteralString, table: str, *values: Any) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(table=sql.Identifier(table)), list(values))
        return int(cursor.rowcount)


def _check_that_owner_sees_rows(table: str, victim: House, report: Report) -> None:
    seen = _rows_hit(victim.tenant.pk, _SELECT, table, victim.tenant.pk)
    report.require(WALL, table, holds=bool(seen) or table in _EMPTY, why="the tenant itself sees no row of it")


_EMPTY: Final = {"history_segments", "model_connections"}
"""Tables that the stage puts nothing into."""
