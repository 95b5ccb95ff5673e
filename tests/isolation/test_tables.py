"""The database's own wall: what the application's role can do to every table by plain SQL, past all of our code."""

import json
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from django.apps import apps
from django.db import connections
from psycopg import errors, sql
from psycopg.types.json import Jsonb

from agents.models import WebsiteAgent
from tenants.identifiers import OPERATOR_ID, new_id
from tenants.models import Tenant
from tenants.scoping import SET_TENANT, tenant_scope
from tenants.unscoped import GLOBAL_MODELS, GLOBAL_TABLES, INVOKERS_VIEWS
from tenants.walls import APPEND_ONLY, DOORS, READ_ONLY
from tests.cast import Cast
from tests.isolation.rows import OWNED, everything_of, make_rows
from tests.live_server import database_url

Connection = psycopg.Connection[Any]
NOTHING_SET = "nothing set"
NOBODY = [NOTHING_SET, "", "another tenant"]

WRITING = {
    "door_chain_look()",
    "door_forget_rehearsal()",
    "door_forget_rehearsed_changes()",
    "door_release_lapsed_domain(uuid)",
}

RECORD = {*APPEND_ONLY, *READ_ONLY}
"""Tables that not even their own tenant changes: the role lacks the right, so that no policy is asked."""


def ask_owner(query: LiteralString, values: Any = None) -> list[tuple[Any, ...]]:
    with connections["owner"].cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


@pytest.fixture(scope="module")
def tables(database: None) -> list[str]:
    """Every table that has a ``tenant_id``, walked from the database and not from our models."""
    found = ask_owner(
        "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t"
        " USING (table_schema, table_name) WHERE c.column_name = 'tenant_id' AND c.table_schema = 'public'"
        " AND t.table_type = 'BASE TABLE' ORDER BY 1"
    )
    return [str(name) for (name,) in found]


@pytest.fixture(scope="module")
def mine(database: None) -> Tenant:
    return make_rows(Cast(), "Alpha")[0]


@pytest.fixture(scope="module")
def theirs(database: None) -> Tenant:
    return make_rows(Cast(), "Bravo")[0]


@pytest.fixture
def app() -> Iterator[Connection]:
    """A fresh connection of the application's role, on which no tenant was ever named; nothing is committed."""
    with psycopg.connect(database_url("default")) as connection:
        yield connection
        connection.rollback()


def enter(app: Connection, who: str, mine: Tenant) -> None:
    app.rollback()
    if who != NOTHING_SET:
        app.execute(SET_TENANT, [str(mine.id) if who == "another tenant" else who])


def in_table(statement: LiteralString, table: str) -> sql.Composed:
    return sql.SQL(statement).format(table=sql.Identifier(table))


def copied(app: Connection, table: str, row: dict[str, Any]) -> None:
    app.execute(
        in_table("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)", table), [Jsonb(row)]
    )


def row_of(table: str, tenant: Tenant) -> dict[str, Any]:
    statement = in_table("SELECT to_jsonb(t) FROM {table} t WHERE tenant_id = %s ORDER BY id LIMIT 1", table)
    [(row,)] = ask_owner(statement, [tenant.id])  # type: ignore[arg-type]  # composed of the catalogue's names
    return dict(json.loads(row))


def test_every_table_is_a_tenants_or_global(tables: list[str]) -> None:
    relations = ask_owner(
        "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p', 'f', 'v', 'm')"
        " AND relnamespace = 'public'::regnamespace"
    )
    models = [apps.get_model(label) for label in GLOBAL_MODELS]
    unscoped = {model._meta.db_table for model in models if model._meta.concrete_model._meta.managed} | GLOBAL_TABLES
    assert {name for (name,) in relations} - set(tables) == unscoped | INVOKERS_VIEWS
    assert set(tables) == {model._meta.db_table for model in OWNED}


def test_every_tenant_table_has_a_tenant_and_row_security(tables: list[str]) -> None:
    walls = ask_owner(
        "SELECT c.relname, c.relrowsecurity, a.attnotnull FROM pg_class c"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE c.relname = ANY(%s) ORDER BY 1",
        [tables],
    )
    assert walls == [(table, True, True) for table in tables]


@pytest.mark.parametrize("who", NOBODY)
def test_outsider_sees_changes_and_deletes_nothing(
    app: Connection, tables: list[str], mine: Tenant, theirs: Tenant, who: str
) -> None:
    before = everything_of(theirs)
    enter(app, who, mine)
    touched: dict[str, list[int]] = {}
    for table in tables:
        statements: list[LiteralString] = ["SELECT * FROM {table} WHERE tenant_id = %s"]
        if table not in RECORD:
            statements += [
                "UPDATE {table} SET created_at = now() WHERE tenant_id = %s",
                "DELETE FROM {table} WHERE tenant_id = %s",
            ]
        touched[table] = [app.execute(in_table(one, table), [theirs.id]).rowcount for one in statements]
    app.commit()
    assert touched == {table: [0] if table in RECORD else [0, 0, 0] for table in tables}
    assert everything_of(theirs) == before


@pytest.mark.parametrize("who", [NOTHING_SET, ""])
def test_no_table_shows_a_single_row_without_a_tenant(
    app: Connection, tables: list[str], mine: Tenant, who: str
) -> None:
    """But for the operator's shared agents, which are everybody's to read."""
    enter(app, who, mine)
    shown = {table: app.execute(in_table("SELECT tenant_id FROM {table}", table)).fetchall() for table in tables}
    shared = [owner for (owner,) in shown.pop("agents") if owner != OPERATOR_ID]
    assert (shown, shared) == ({table: [] for table in tables if table != "agents"}, [])
    assert app.execute("SELECT id FROM tenants").fetchall() == []


@pytest.mark.parametrize("who", NOBODY)
def test_view_shows_no_more_than_its_tables(app: Connection, mine: Tenant, theirs: Tenant, who: str) -> None:
    query = sql.SQL("SELECT count(*) FROM privacy_policies WHERE tenant_id = %s")
    enter(app, who, mine)
    assert app.execute(query, [theirs.id]).fetchall() == [(0,)]
    app.rollback()
    app.execute(SET_TENANT, [str(theirs.id)])
    assert app.execute(query, [theirs.id]).fetchall() == [(1,)]


def test_owner_of_the_rows_sees_changes_and_deletes_them(app: Connection, tables: list[str], theirs: Tenant) -> None:
    """So that an outsider's zeros say something."""
    blind = []
    for table in tables:
        app.rollback()
        app.execute(SET_TENANT, [str(theirs.id)])
        seen = app.execute(in_table("SELECT * FROM {table} WHERE tenant_id = %s", table), [theirs.id]).rowcount
        if table in RECORD:
            blind += [] if seen else [table]
            continue
        changed = app.execute(
            in_table("UPDATE {table} SET created_at = now() WHERE tenant_id = %s", table), [theirs.id]
        ).rowcount
        if not seen == changed > 0:
            blind.append(table)
    assert blind == []


@pytest.mark.parametrize("who", NOBODY)
def test_row_of_another_tenant_is_not_inserted(
    app: Connection, tables: list[str], mine: Tenant, theirs: Tenant, who: str
) -> None:
    before = everything_of(theirs)
    for table in tables:
        row = {**row_of(table, theirs), "id": str(new_id())}
        enter(app, who, mine)
        refusal = "permission denied" if table in READ_ONLY else "row-level security"
        with pytest.raises(errors.InsufficientPrivilege, match=refusal):
            copied(app, table, row)
    assert everything_of(theirs) == before


def test_own_row_is_not_given_to_another_tenant(
    app: Connection, tables: list[str], mine: Tenant, theirs: Tenant
) -> None:
    before = everything_of(mine)
    for table in tables:
        enter(app, "another tenant", mine)
        refusal = "permission denied" if table in RECORD else "row-level security"
        with pytest.raises(errors.InsufficientPrivilege, match=refusal):
            app.execute(in_table("UPDATE {table} SET tenant_id = %s", table), [theirs.id])
    assert everything_of(mine) == before


def test_tenant_sees_itself_alone_among_tenants(app: Connection, mine: Tenant, theirs: Tenant) -> None:
    before = everything_of(theirs)["Tenant"]
    enter(app, "another tenant", mine)
    assert app.execute("SELECT id FROM tenants").fetchall() == [(mine.id,)]
    assert app.execute("UPDATE tenants SET name = 'x' WHERE id = %s", [theirs.id]).rowcount == 0
    assert app.execute("DELETE FROM tenants WHERE id = %s", [theirs.id]).rowcount == 0
    new = Jsonb({"id": str(new_id()), "slug": "newcomer"})
    with pytest.raises(errors.InsufficientPrivilege, match="row-level security"):
        app.execute("INSERT INTO tenants SELECT (jsonb_populate_record(t, %s)).* FROM tenants t", [new])
    assert everything_of(theirs)["Tenant"] == before


CHANGING: list[LiteralString] = [
    "UPDATE {table} SET tenant_id = tenant_id",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "SELECT * FROM {table} FOR UPDATE",
    "INSERT INTO {table} SELECT * FROM {table} ON CONFLICT ON CONSTRAINT {key} DO UPDATE SET id = excluded.id",
]


@pytest.mark.parametrize("who", ["the tenant itself", *NOBODY])
@pytest.mark.parametrize("table", sorted(RECORD))
def test_record_is_changed_by_nobody(app: Connection, mine: Tenant, theirs: Tenant, table: str, who: str) -> None:
    before = everything_of(mine)
    for statement in [*CHANGING, "UPDATE {table} SET hash = 'x'"] if table == "looks" else CHANGING:
        enter(app, str(mine.id) if who == "the tenant itself" else who, theirs)
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            app.execute(sql.SQL(statement).format(table=sql.Identifier(table), key=sql.Identifier(f"{table}_pkey")))
    assert everything_of(mine) == before


WAYS_AROUND: dict[str, LiteralString] = {
    "switch row security off": "SET LOCAL row_security = off; SELECT count(*) FROM turns",
    "become the owner": "SET ROLE parlour_owner",
    "truncate": "TRUNCATE turns CASCADE",
    "drop the policy": "DROP POLICY tenant_rows ON turns",
    "disable row security": "ALTER TABLE turns DISABLE ROW LEVEL SECURITY",
    "create a function": "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "trigger": "CREATE TRIGGER t BEFORE INSERT ON turns EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "copy to a program": "COPY turns TO PROGRAM 'cat'",
}


@pytest.mark.parametrize("way", WAYS_AROUND)
def test_application_cannot_walk_around_the_wall(app: Connection, way: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        app.execute(WAYS_AROUND[way])


# Foreign keys


def foreign_keys() -> list[tuple[str, str, list[str], list[str]]]:
    """Those between two tables of tenants: from, to, and their columns."""
    return [
        (str(table), str(target), list(columns), list(target_columns))
        for table, target, columns, target_columns in ask_owner(
            "SELECT f.conrelid::regclass::text, f.confrelid::regclass::text,"
            " (SELECT array_agg(attname::text ORDER BY n) FROM unnest(f.conkey) WITH ORDINALITY k (number, n)"
            "   JOIN pg_attribute ON attrelid = f.conrelid AND attnum = number),"
            " (SELECT array_agg(attname::text ORDER BY n) FROM unnest(f.confkey) WITH ORDINALITY k (number, n)"
            "   JOIN pg_attribute ON attrelid = f.confrelid AND attnum = number)"
            " FROM pg_constraint f WHERE f.contype = 'f' AND EXISTS (SELECT FROM pg_attribute"
            "   WHERE attrelid = f.confrelid AND attname = 'tenant_id') ORDER BY 1, 2, 3"
        )
    ]


SHARED_TARGETS = {("website_agents", "agent_id"), ("agent_sessions", "agent_id")}
"""May point at the operator's rows, too: they name the owner in ``agent_tenant_id``, which a CHECK confines."""


def test_every_foreign_key_between_tenant_tables_carries_the_tenant() -> None:
    wrong = [
        (table, columns, target, target_columns)
        for table, target, columns, target_columns in foreign_keys()
        if target_columns != ["tenant_id", "id"]
        or columns[0] != ("agent_tenant_id" if (table, columns[1]) in SHARED_TARGETS else "tenant_id")
    ]
    assert wrong == []


def test_every_foreign_key_of_a_model_is_one_of_the_database() -> None:
    """Django makes none of these itself: ``db_constraint=False``."""
    declared = {
        (model._meta.db_table, str(field.column), field.related_model._meta.db_table)
        for model in OWNED
        for field in model._meta.concrete_fields
        if field.related_model in OWNED
    }
    assert {(table, columns[-1], target) for table, target, columns, _ in foreign_keys()} == declared


def test_row_cannot_be_attached_to_another_tenants(app: Connection, mine: Tenant, theirs: Tenant) -> None:
    with tenant_scope(theirs.id):
        WebsiteAgent.objects.update(is_default=False)  # or a unique index would refuse before the foreign key
    before = everything_of(mine), everything_of(theirs)
    for table, target, columns, _ in foreign_keys():
        row, own, foreign = (row_of(*one)["id"] for one in ((table, mine), (target, mine), (target, theirs)))
        point = in_table("UPDATE {table} SET ", table) + sql.SQL("{} = %s").format(sql.Identifier(columns[1]))
        of_the_row = sql.SQL(" WHERE id = %s")
        enter(app, "another tenant", mine)
        with pytest.raises(errors.ForeignKeyViolation):
            app.execute(point + of_the_row, [foreign, row])
        if (table, columns[1]) in SHARED_TARGETS:
            enter(app, "another tenant", mine)
            with pytest.raises(errors.CheckViolation):
                app.execute(point + sql.SQL(", agent_tenant_id = %s") + of_the_row, [foreign, theirs.id, row])
        enter(app, "another tenant", mine)
        assert app.execute(point + of_the_row, [own, row]).rowcount == 1
    app.rollback()
    assert (everything_of(mine), everything_of(theirs)) == before


# Doors


def test_definer_functions_are_the_known_doors() -> None:
    definers = ask_owner(
        "SELECT p.oid::regprocedure::text FROM pg_proc p WHERE p.prosecdef"
        " AND p.pronamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)"
    )
    assert {signature for (signature,) in definers} == DOORS
    assert [signature for signature in DOORS if not signature.startswith("door_")] == []


@pytest.mark.parametrize("door", sorted(DOORS))
def test_door_is_pinned_and_closed_to_everybody_else(door: str) -> None:
    app_role = connections["default"].settings_dict["USER"]
    assert ask_owner(
        "SELECT p.prosecdef, p.proconfig, p.provolatile, has_function_privilege('public', p.oid, 'EXECUTE'),"
        " has_function_privilege(%s, p.oid, 'EXECUTE'), p.proowner = (SELECT relowner FROM pg_class WHERE oid ="
        " 'public.turns'::regclass) FROM pg_proc p WHERE p.oid = %s::regprocedure",
        [app_role, door],
    ) == [(True, ["search_path=pg_catalog, public, pg_temp"], "v" if door in WRITING else "s", False, True, True)]
