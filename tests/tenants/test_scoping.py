"""One tenant at a time: the managers refuse without a scope, and the database holds without the managers."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from psycopg import sql

from agents.models import Agent, WebsiteAgent
from sessions.models import AgentSession, HistorySegment, Turn
from tenants.errors import TenantMismatchError, TenantScopeConflictError, TenantScopeMissingError
from tenants.identifiers import OPERATOR_ID
from tenants.models import Membership, Tenant, TenantOwned, Website, WebsiteOrigin
from tenants.scoping import active_tenant_id, tenant_scope
from tests.cast import Cast

OWNED = [Website, WebsiteOrigin, Membership, Agent, WebsiteAgent, AgentSession, HistorySegment, Turn]


def count_by_sql(table: str, tenant: Tenant | None) -> int:
    """What plain SQL of the application's role sees, with or without a tenant named to the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        if tenant is not None:
            cursor.execute("SELECT set_config('app.tenant_id', %s, true)", [str(tenant.id)])
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table)))
        return int(cursor.fetchone()[0])


@pytest.mark.parametrize("model", OWNED)
@pytest.mark.parametrize(
    "read",
    [
        lambda rows: list(rows.all()),
        lambda rows: rows.count(),
        lambda rows: rows.exists(),
        lambda rows: rows.first(),
        lambda rows: list(rows.values_list("id")),
        lambda rows: list(rows.iterator()),
        lambda rows: rows.filter(tenant_id=OPERATOR_ID).exists(),
        lambda rows: rows.update(created_at=None),
        lambda rows: rows.all().delete(),
    ],
    ids=["all", "count", "exists", "first", "values", "iterator", "filtered", "update", "delete"],
)
def test_query_without_a_scope_raises(model: type[TenantOwned], read: Callable[[Any], Any]) -> None:
    with pytest.raises(TenantScopeMissingError):
        read(model.objects)


def test_scope_shows_its_own_tenant_alone(cast: Cast) -> None:
    agent, mine, theirs = cast.agent(), cast.tenant(), cast.tenant()
    my_website, _ = cast.website(mine, agents=[agent]), cast.website(theirs, agents=[agent])
    with tenant_scope(mine.id):
        assert active_tenant_id() == mine.id
        assert list(Website.objects.all()) == [my_website]
        assert WebsiteAgent.objects.get().agent == agent
        assert not Agent.objects.exists()
        assert Agent.shared.filter(id=agent.id).exists()
        assert [tenant.id for tenant in Tenant.objects.all()] == [mine.id]


def test_operator_alone_sees_the_list_of_tenants(cast: Cast) -> None:
    tenant = cast.tenant()
    with tenant_scope(OPERATOR_ID):
        assert {OPERATOR_ID, tenant.id} <= {row.id for row in Tenant.objects.all()}
        assert not Website.objects.filter(tenant=tenant).exists()


def test_other_scope_inside_one_raises_and_the_same_is_harmless(cast: Cast) -> None:
    mine, theirs = cast.tenant(), cast.tenant()
    with tenant_scope(mine.id):
        with tenant_scope(mine.id):
            assert active_tenant_id() == mine.id
        with pytest.raises(TenantScopeConflictError), tenant_scope(theirs.id):
            pass
    with pytest.raises(TenantScopeMissingError):
        active_tenant_id()


def test_setting_ends_with_its_transaction(cast: Cast) -> None:
    tenant = cast.tenant()
    cast.website(tenant)
    with tenant_scope(tenant.id):
        pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('app.tenant_id', true)")
        assert cursor.fetchone()[0] in {None, ""}


@pytest.mark.parametrize("table", ["websites", "website_origins", "website_agents"])
def test_database_shows_no_row_without_a_tenant_and_none_of_another(cast: Cast, table: str) -> None:
    agent, mine, theirs = cast.agent(), cast.tenant(), cast.tenant()
    cast.website(mine, agents=[agent])
    cast.website(theirs, agents=[agent])
    cast.website(theirs, agents=[agent])
    assert [count_by_sql(table, tenant) for tenant in (None, mine, theirs)] == [0, 1, 2]


def test_rows_of_another_tenant_are_out_of_reach(cast: Cast) -> None:
    mine, theirs = cast.tenant(), cast.tenant()
    with pytest.raises(TenantMismatchError), tenant_scope(mine.id):
        Website.objects.create(tenant_id=theirs.id, domain="stolen.example")
    website = cast.website(theirs)
    with tenant_scope(mine.id):
        assert Website.objects.filter(id=website.id).update(title="stolen") == 0
        assert Website.objects.filter(id=website.id).delete() == (0, {})
    with tenant_scope(theirs.id):
        assert Website.objects.get(id=website.id).title == ""


def test_row_cannot_point_at_another_tenants_row(cast: Cast) -> None:
    mine, theirs = cast.tenant(), cast.tenant()
    website, own_agent = cast.website(theirs), cast.agent(theirs)
    with pytest.raises(IntegrityError), tenant_scope(mine.id):
        WebsiteOrigin.objects.create(
            tenant_id=mine.id, website_id=website.id, origin="https://x.example", host="x.example"
        )
    my_website = cast.website(mine)
    for owner_id in (theirs.id, mine.id, OPERATOR_ID):
        link = WebsiteAgent(tenant_id=mine.id, website=my_website, agent_id=own_agent.id, agent_tenant_id=owner_id)
        with pytest.raises(IntegrityError), tenant_scope(mine.id):
            TenantOwned.save(link)


def test_operators_shared_agent_cannot_be_changed_by_a_tenant(cast: Cast) -> None:
    agent, tenant = cast.agent(instructions="Be kind."), cast.tenant()
    with tenant_scope(tenant.id):
        assert Agent.shared.filter(id=agent.id).update(instructions="Be rude.") == 0
    with tenant_scope(OPERATOR_ID):
        assert Agent.objects.get(id=agent.id).instructions == "Be kind."


def test_application_role_owns_nothing_and_bypasses_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcreaterole, rolcreatedb,"
            " (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid)"
            " FROM pg_roles r WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False, False, False, 0)
        cursor.execute(
            "SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE relname = 'agent_sessions'"
        )
        assert cursor.fetchone() == (False,)
        with pytest.raises(ProgrammingError) as refusal:
            cursor.execute("DELETE FROM django_migrations")
    assert isinstance(refusal.value.__cause__, psycopg.errors.InsufficientPrivilege)


POLICY = "({} = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid AS \"nullif\"))"


def test_every_tenant_table_has_a_policy_that_names_the_tenant() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
            " WHERE c.relkind = 'r'"
        )
        tables = {str(name) for (name,) in cursor.fetchall()}
        cursor.execute(
            "SELECT c.relname, pg_get_expr(p.polqual, c.oid) FROM pg_class c JOIN pg_policy p ON p.polrelid = c.oid"
            " WHERE c.relrowsecurity AND p.polname = 'tenant_rows' AND p.polcmd = '*' AND p.polwithcheck IS NULL"
        )
        policies = dict(cursor.fetchall())
    assert tables >= {model._meta.db_table for model in OWNED}
    assert policies == {"tenants": POLICY.format("id"), **{table: POLICY.format("tenant_id") for table in tables}}


def test_tables_of_sessions_have_keys_led_by_the_tenant() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'p' AND conrelid::regclass::text IN ('agent_sessions', 'history_segments', 'turns')"
            " ORDER BY 1"
        )
        assert cursor.fetchall() == [
            ("agent_sessions", "PRIMARY KEY (tenant_id, id)"),
            ("history_segments", "PRIMARY KEY (tenant_id, id)"),
            ("turns", "PRIMARY KEY (tenant_id, id)"),
        ]
