"""A wall that somebody took down in the database: ``check --deploy`` says which one, and ``/readyz`` serves nobody."""

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from django.db import connections
from psycopg import sql

from tenants import checks
from tenants.checks import check_walls
from tenants.identifiers import OPERATOR_ID
from tenants.policies import ACTIVE_TENANT_SQL
from tenants.walls import BROKEN_WALLS
from tests.live_server import LiveServer

PUT_BACK = f"CREATE POLICY tenant_rows ON turns USING (tenant_id = {ACTIVE_TENANT_SQL})"

BREACHES = {
    "policy dropped": (
        "DROP POLICY tenant_rows ON turns",
        PUT_BACK,
        "turns: no policy compares its rows with the active tenant",
    ),
    "policy of another kind": (
        "ALTER POLICY tenant_rows ON turns USING (message <> '')",
        f"DROP POLICY tenant_rows ON turns; {PUT_BACK}",
        "turns: no policy compares its rows with the active tenant",
    ),
    "row security off": (
        "ALTER TABLE websites DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE websites ENABLE ROW LEVEL SECURITY",
        "websites: row security is off",
    ),
    "row security of tenants off": (
        "ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenants ENABLE ROW LEVEL SECURITY",
        "tenants: row security is off",
    ),
    "open policy beside it": (
        "CREATE POLICY everybody ON turns FOR SELECT USING (true)",
        "DROP POLICY everybody ON turns",
        "turns: the policy everybody is none of ours, or was changed",
    ),
    "open policy for writing": (
        "CREATE POLICY everybody ON turns FOR INSERT WITH CHECK (true)",
        "DROP POLICY everybody ON turns",
        "turns: the policy everybody is none of ours, or was changed",
    ),
    "open policy in other words": (
        "CREATE POLICY everybody ON turns USING (1 = 1)",
        "DROP POLICY everybody ON turns",
        "turns: the policy everybody is none of ours, or was changed",
    ),
    "writing more than is read": (
        "ALTER POLICY tenant_rows ON turns WITH CHECK (tenant_id IS NOT NULL)",
        f"DROP POLICY tenant_rows ON turns; {PUT_BACK}",
        "turns: no policy compares its rows with the active tenant",
    ),
    "every row where no tenant is named": (
        f"ALTER POLICY tenant_rows ON turns USING (tenant_id = coalesce({ACTIVE_TENANT_SQL}, tenant_id))",
        f"DROP POLICY tenant_rows ON turns; {PUT_BACK}",
        "turns: no policy compares its rows with the active tenant",
    ),
    "held websites deletable": (
        "DROP POLICY held_rows ON websites",
        "CREATE POLICY held_rows ON websites AS RESTRICTIVE FOR DELETE USING (legal_hold_at IS NULL)",
        "websites: what is under a legal hold can be deleted, the policy held_rows is missing",
    ),
    "policy of holds that grants": (
        "CREATE POLICY held_rows ON erasures AS RESTRICTIVE USING (true)",
        "DROP POLICY held_rows ON erasures",
        "erasures: the policy held_rows is none of ours, or was changed",
    ),
    "everybody's agents shared": (
        "ALTER POLICY shared_agents ON agents USING (tenant_id IS NOT NULL)",
        f"ALTER POLICY shared_agents ON agents USING (tenant_id = '{OPERATOR_ID}')",
        "agents: the policy shared_agents is none of ours, or was changed",
    ),
    "everybody an operator": (
        "ALTER POLICY operator_rows ON tenants USING (id IS NOT NULL)",
        f"ALTER POLICY operator_rows ON tenants USING ({ACTIVE_TENANT_SQL} = '{OPERATOR_ID}')",
        "tenants: the policy operator_rows is none of ours, or was changed",
    ),
    "view of the owner": (
        "CREATE VIEW all_turns AS SELECT * FROM turns",
        "DROP VIEW all_turns",
        "all_turns: a view that asks as its owner",
    ),
    "view without a tenant in it": (
        "CREATE VIEW words AS SELECT message FROM turns",
        "DROP VIEW words",
        "words: a view that asks as its owner",
    ),
    "truncation": (
        "GRANT TRUNCATE ON turns TO {app}",
        "REVOKE TRUNCATE ON turns FROM {app}",
        "turns: the application may truncate it, whatever its policies",
    ),
    "right to change a record": (
        "GRANT UPDATE (reason) ON looks TO {app}",
        "REVOKE UPDATE (reason) ON looks FROM {app}",
        "looks: the application may change or delete its rows, which are a record",
    ),
    "right to delete a record": (
        "GRANT DELETE ON looks TO {app}",
        "REVOKE DELETE ON looks FROM {app}",
        "looks: the application may change or delete its rows, which are a record",
    ),
    "right to write a record's head": (
        "GRANT INSERT ON look_heads TO {app}",
        "REVOKE INSERT ON look_heads FROM {app}",
        "look_heads: the application may write it, which a trigger alone should",
    ),
    "record without its chain": (
        "ALTER TABLE looks DISABLE TRIGGER chain_look",
        "ALTER TABLE looks ENABLE TRIGGER chain_look",
        "looks: its rows are not chained, the trigger is off",
    ),
    "new table without a policy": (
        "CREATE TABLE notes (tenant_id uuid); ALTER TABLE notes ENABLE ROW LEVEL SECURITY",
        "DROP TABLE notes",
        "notes: no policy compares its rows with the active tenant",
    ),
    "door open to everybody": (
        "GRANT EXECUTE ON FUNCTION door_website_by_origin(text) TO PUBLIC",
        "REVOKE EXECUTE ON FUNCTION door_website_by_origin(text) FROM PUBLIC",
        "door_website_by_origin: everybody may call this function, which works as its owner",
    ),
    "door with its caller's search path": (
        "ALTER FUNCTION door_website_by_origin(text) RESET search_path",
        "ALTER FUNCTION door_website_by_origin(text) SET search_path = pg_catalog, public, pg_temp",
        "door_website_by_origin: works as its owner with its caller's search path",
    ),
    "definer function by any other name": (
        "CREATE FUNCTION backdoor() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public AS 'SELECT 1'",
        "DROP FUNCTION backdoor()",
        "backdoor(): works as its owner, and is no door of ours",
    ),
    "definer function for the application alone": (
        """CREATE FUNCTION door_all_turns() RETURNS SETOF turns LANGUAGE sql SECURITY DEFINER
            SET search_path = pg_catalog, public, pg_temp AS 'SELECT * FROM turns';
            REVOKE ALL ON FUNCTION door_all_turns() FROM PUBLIC;
            GRANT EXECUTE ON FUNCTION door_all_turns() TO {app}""",
        "DROP FUNCTION door_all_turns()",
        "door_all_turns(): works as its owner, and is no door of ours",
    ),
}


def as_owner(statements: str) -> None:
    app = sql.Identifier(connections["default"].settings_dict["USER"])
    with connections["owner"].cursor() as cursor:
        cursor.execute(sql.SQL(statements).format(app=app))


@contextmanager
def breached(breach: str) -> Iterator[str]:
    """Takes the wall down for the block, and gives the sentence about it."""
    take_down, put_back, sentence = BREACHES[breach]
    as_owner(take_down)
    try:
        yield sentence
    finally:
        as_owner(put_back)


def complaints() -> list[str]:
    return [str(error.msg) for error in check_walls(None)]


@pytest.mark.parametrize("breach", BREACHES)
def test_breach_is_named_and_nothing_is_served(server: LiveServer, breach: str) -> None:
    with breached(breach) as sentence:
        assert complaints() == [f"A wall between tenants is broken. {sentence}."]
        answer = server.http.get("/readyz")
    assert (answer.status_code, answer.json()["status"], answer.json()["parts"]["walls"]) == (
        httpx.codes.SERVICE_UNAVAILABLE,
        "unavailable",
        "broken walls between tenants: 1",
    )
    assert complaints() == []
    assert server.http.get("/readyz").json()["parts"]["walls"] == "ok"


def test_view_that_asks_as_its_reader_is_fine() -> None:
    as_owner("CREATE VIEW own_turns WITH (security_invoker = true) AS SELECT * FROM turns")
    try:
        assert complaints() == []
    finally:
        as_owner("DROP VIEW own_turns")


def test_database_that_cannot_be_asked_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "BROKEN_WALLS", "SELECT nothing FROM nowhere")
    assert [error.id for error in check_walls(None)] == ["tenants.E003"]


def test_walls_are_looked_at_in_milliseconds() -> None:
    """``/readyz`` asks every few seconds, and answers within a second and a half."""
    with connections["default"].cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {BROKEN_WALLS}")
        [[plan]] = cursor.fetchone()
    assert plan["Execution Time"] < 500
