"""Statements in the application's own role, as one would run that found a way past the application."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import starmap
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg import sql
from psycopg.errors import ForeignKeyViolation, InsufficientPrivilege

from sessions.verification.client import Client
from sessions.verification.report import Report
from sessions.verification.stage import House, owned_tables
from tenants.models import TenantOwned
from tenants.role import IS_UNSAFE_ROLE
from tenants.scoping import tenant_scope

WALL: Final = "tables: statements of the role"

Execute = Callable[..., Any]


class Table(NamedTuple):
    """``owner`` is the column that says whose a row is."""

    name: str
    owner: str


def attack_tables(_client: Client, houses: list[House], report: Report) -> None:
    """Each tenant's rows in every table: read, changed, deleted and forged from another's scope, and from none."""
    with connection.cursor() as cursor:
        cursor.execute(IS_UNSAFE_ROLE)
        report.note(WALL, "the role itself", leak="it could pass the row policies" if cursor.fetchone()[0] else "")
    attacker, *victims = houses
    for victim in victims:
        for table in starmap(Table, owned_tables().items()):
            _check_that_owner_sees_rows(table, victim, report)
            for name, attack in _attacks(table, attacker, victim):
                with report.breaking(WALL, f"{name} {table.name}"):
                    report.note(WALL, f"{name} {table.name}", leak=attack())
        for pointer in _pointers():
            name = f"point at the other's {pointer.target} from {pointer.table}"
            with report.breaking(WALL, name):
                report.note(WALL, name, leak=_pointed(pointer, attacker.tenant.pk, victim.tenant.pk))


class Pointer(NamedTuple):
    """A foreign key from a tenant's row to a tenant's row."""

    table: str
    column: str
    target: str


def _pointers() -> Iterator[Pointer]:
    """As the models have them: the database could not tell of one that is missing there."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:  # noqa: SLF001  Django's documented way to walk fields
            target = field.related_model
            if isinstance(target, type) and issubclass(model, TenantOwned) and issubclass(target, TenantOwned):
                yield Pointer(model._meta.db_table, str(field.column), target._meta.db_table)  # noqa: SLF001


def _pointed(pointer: Pointer, own: UUID, theirs: UUID) -> str:
    """Whether a row of one's own was made to point at one of the other's. What another rule refuses raises."""
    with tenant_scope(theirs), connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT id FROM {} WHERE tenant_id = %s LIMIT 1").format(sql.Identifier(pointer.target)), [theirs]
        )
        [foreign_id] = cursor.fetchone()
    # One that points somewhere already: rules about empty ones are not what is tried.
    statement = sql.SQL(
        "UPDATE {0} SET {1} = %s WHERE ctid IN (SELECT ctid FROM {0} WHERE tenant_id = %s AND {1} IS NOT NULL LIMIT 1)"
    )
    names = [sql.Identifier(name) for name in (pointer.table, pointer.column)]
    try:
        with tenant_scope(own), connection.cursor() as cursor:
            cursor.execute(statement.format(*names), [foreign_id, own])
            transaction.set_rollback(True)
            hit = int(cursor.rowcount)
    except (IntegrityError, ProgrammingError) as error:
        if isinstance(error.__cause__, ForeignKeyViolation | InsufficientPrivilege):
            return ""
        raise
    if not hit:
        raise LookupError("there is no row of one's own that could point")
    return f"{hit} rows"


def _attacks(table: Table, attacker: House, victim: House) -> Iterator[tuple[str, Callable[[], str]]]:
    own, theirs = attacker.tenant.pk, victim.tenant.pk
    yield "read", lambda: _rows_hit(own, _SELECT, table, theirs)
    yield "read without a tenant", lambda: _rows_hit(None, _SELECT, table, theirs)
    yield "read after the tenant's transaction", lambda: _rows_hit_afterwards(theirs, table)
    yield "search all texts of", lambda: _canary_found(own, table, victim)
    yield "change", lambda: _rows_hit(own, _UPDATE, table, theirs)
    yield "delete from", lambda: _rows_hit(own, _DELETE, table, theirs)
    yield "move own rows to the other in", lambda: _accepted(own, _MOVE, table, theirs, own)
    yield "forge a row of the other in", lambda: _accepted(own, _COPY, table, theirs)


_SELECT: Final = "SELECT 1 FROM {table} WHERE {owner} = %s"
_UPDATE: Final = "UPDATE {table} SET {owner} = {owner} WHERE {owner} = %s"
_DELETE: Final = "DELETE FROM {table} WHERE {owner} = %s"
_MOVE: Final = "UPDATE {table} SET {owner} = %s WHERE {owner} = %s"
_COPY: Final = """
INSERT INTO {table}
SELECT (jsonb_populate_record(t, jsonb_build_object('id', gen_random_uuid())
                                 || jsonb_build_object({column}, %s::uuid))).*
  FROM {table} t LIMIT 1
"""


def _rows_hit(tenant_id: UUID | None, statement: LiteralString, table: Table, victim_id: UUID) -> str:
    try:
        with _undone(tenant_id) as execute:
            hit = execute(statement, table, victim_id)
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):  # a record, which nobody changes
            return ""
        raise
    return f"{hit} rows" if hit else ""


def _rows_hit_afterwards(victim_id: UUID, table: Table) -> str:
    """On the connection that has just been in the victim's scope."""
    with tenant_scope(victim_id):
        pass
    return _rows_hit(None, _SELECT, table, victim_id)


def _canary_found(tenant_id: UUID, table: Table, victim: House) -> str:
    with _undone(tenant_id) as execute:
        hit = execute("SELECT 1 FROM {table} t WHERE t::text LIKE ANY(%s)", table, [f"%{c}%" for c in victim.canaries])
    return f"{hit} rows with a canary" if hit else ""


def _accepted(tenant_id: UUID, statement: LiteralString, table: Table, *values: UUID) -> str:
    """Whether the statement wrote something. What another rule than the policy refuses proves nothing, and raises."""
    try:
        with _undone(tenant_id) as execute:
            written = execute(statement, table, *values)
    except ProgrammingError as error:
        if isinstance(error.__cause__, InsufficientPrivilege):
            return ""
        raise
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


def _execute(statement: LiteralString, table: Table, *values: Any) -> int:
    with connection.cursor() as cursor:
        names = {"table": sql.Identifier(table.name), "owner": sql.Identifier(table.owner)}
        cursor.execute(sql.SQL(statement).format(**names, column=sql.Literal(table.owner)), list(values))
        return int(cursor.rowcount)


def _check_that_owner_sees_rows(table: Table, victim: House, report: Report) -> None:
    seen = _rows_hit(victim.tenant.pk, _SELECT, table, victim.tenant.pk)
    report.require(WALL, table.name, holds=bool(seen), why="the tenant itself sees no row of it")
