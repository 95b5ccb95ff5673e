"""The record of changes in the database: whatever makes a change, its line is there, with who made it and no secret."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import ProgrammingError, connection, connections, models, transaction
from django.db.models import F
from psycopg import errors, sql

from agents.models import Agent, AgentChange, ModelConnection, ModelConnectionChange, WebsiteAgentChange
from config import task_lines
from sessions.models import AgentSessionChange
from tenants.api_keys import create_api_key
from tenants.authors import Author, writing_as
from tenants.changes import erase_changes, recorded
from tenants.identifiers import OPERATOR_ID
from tenants.identity_secrets import make_identity_secret
from tenants.invitations import invite
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import (
    ApiKey,
    ApiKeyChange,
    Change,
    InvitationChange,
    Membership,
    MembershipChange,
    RedactionKeyChange,
    Tenant,
    TenantChange,
    Website,
    WebsiteChange,
    WebsiteOriginChange,
)
from tenants.redaction_keys import redaction_key, remove_redaction_key
from tenants.scoping import SET_TENANT, tenant_scope
from tenants.tasks import recheck_domains
from tenants.walls import APPEND_ONLY
from tests.admin.shops import make_session
from tests.cast import Cast
from tests.live_server import database_url

RECORDS: list[type[Change]] = [model for model in apps.get_models() if issubclass(model, Change)]
ALICE = Author(user_id=7, name="alice", role="owner", address="203.0.113.7", request_id="r" * 32)


def lines(model: type[Change], tenant_id: Any, *columns: str) -> list[tuple[Any, ...]]:
    with tenant_scope(tenant_id):
        return list(model.objects.order_by("pgh_id").values_list("pgh_label", *columns))


def run_sql(statement: str, *values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


WAYS: dict[str, Callable[[Agent], Any]] = {
    "save": lambda agent: agent.save(),
    "save of one column": lambda agent: agent.save(update_fields=["name"]),
    "bulk_update": lambda agent: Agent.objects.bulk_update([agent], ["name"]),
    "queryset.update": lambda agent: Agent.objects.filter(pk=agent.pk).update(name=agent.name),
    "raw SQL": lambda agent: run_sql("UPDATE agents SET name = %s WHERE id = %s", agent.name, agent.pk),
}


@pytest.mark.parametrize("way", WAYS)
def test_change_is_recorded_however_it_is_made(cast: Cast, way: str) -> None:
    tenant = cast.tenant()
    agent = cast.agent(tenant, name="Before", instructions="Be kind.")
    with writing_as(ALICE), tenant_scope(tenant.id):
        agent.name = "After"
        WAYS[way](agent)
    assert lines(AgentChange, tenant.id, "id", "name", "instructions", "pgh_context__name") == [
        ("added", agent.pk, "Before", "Be kind.", None),
        ("changed", agent.pk, "After", "Be kind.", "alice"),
    ]


def test_every_row_of_a_bulk_change_has_its_line(cast: Cast) -> None:
    tenant = cast.tenant()
    with writing_as(ALICE), tenant_scope(tenant.id):
        agents = Agent.objects.bulk_create([Agent(tenant=tenant, key=f"agent_{n}", name=f"{n}") for n in range(3)])
        Agent.objects.update(max_context_tokens=F("max_context_tokens") + 1)
        Agent.objects.all().delete()
    expected = [(label, agent.pk) for label in ("added", "changed", "removed") for agent in agents]
    assert sorted(lines(AgentChange, tenant.id, "id")) == sorted(expected)


def test_deletion_and_what_falls_with_it_is_recorded(cast: Cast) -> None:
    """Also by the database's own cascade, which works as the owner of the tables."""
    tenant = cast.tenant()
    website = cast.website(tenant, agents=[cast.agent(tenant)])
    with writing_as(ALICE), tenant_scope(tenant.id):
        run_sql("DELETE FROM websites WHERE id = %s", website.pk)
    for model, column in ((WebsiteChange, "id"), (WebsiteOriginChange, "website"), (WebsiteAgentChange, "website")):
        last = lines(model, tenant.id, column, "pgh_context__name")[-1]
        assert last == ("removed", website.pk, "alice")


def test_rolled_back_change_leaves_no_line(cast: Cast) -> None:
    tenant = cast.tenant()
    agent = cast.agent(tenant)
    with tenant_scope(tenant.id):
        Agent.objects.filter(pk=agent.pk).update(name="Never")
        transaction.set_rollback(True)
    assert lines(AgentChange, tenant.id) == [("added",)]


def test_what_jobs_and_calls_count_adds_no_line(cast: Cast) -> None:
    tenant = cast.tenant()
    website, (key, _) = cast.website(tenant), cast.api_key(tenant)
    before = [lines(model, tenant.id) for model in (ApiKeyChange, WebsiteChange)]
    with tenant_scope(tenant.id):
        run_sql("UPDATE api_keys SET last_used_at = now(), secret_hmac = 'x' WHERE id = %s", key.pk)
        run_sql(
            "UPDATE websites SET proof_checked_at = now(), proof_passed_at = now(), proof_failures = 3,"
            " proof_failing_since = now(), proof_report = '{}' WHERE id = %s",
            website.pk,
        )
        run_sql("UPDATE websites SET title = title WHERE id = %s", website.pk)
    assert [lines(model, tenant.id) for model in (ApiKeyChange, WebsiteChange)] == before


def test_operators_change_to_a_tenant_is_in_the_tenants_record(cast: Cast) -> None:
    tenant = cast.tenant("Before")
    with writing_as(Author(name="root", role="operator")), tenant_scope(OPERATOR_ID):
        Tenant.objects.filter(pk=tenant.pk).update(name="After", is_active=False)
    assert lines(TenantChange, tenant.id, "tenant_id", "name", "is_active", "pgh_context__role") == [
        ("added", tenant.pk, "Before", True, None),
        ("changed", tenant.pk, "After", False, "operator"),
    ]


# Whose lines


def test_record_of_another_tenant_is_invisible(cast: Cast) -> None:
    mine, theirs = cast.tenant(), cast.tenant()
    agent = cast.agent(theirs)
    session = make_session(cast.website(theirs, agents=[agent]), agent, [])
    everything_theirs(cast, theirs, cast.staff((theirs, "owner")))
    with tenant_scope(theirs.id):
        redaction_key()
        set_hold(session, by="owner")
        assert [model.__name__ for model in RECORDS if not model.objects.exists()] == []
    with psycopg.connect(database_url("default")) as app:
        for tenant_id in (str(mine.id), ""):
            app.execute(SET_TENANT, [tenant_id])
            for model in RECORDS:
                rows = sql.SQL("SELECT 1 FROM {} WHERE tenant_id = %s").format(sql.Identifier(model._meta.db_table))
                assert app.execute(rows, [theirs.id]).fetchall() == []
            app.rollback()


def test_every_record_is_append_only() -> None:
    """``tests/isolation/test_tables.py`` tries to change each of them."""
    assert {model._meta.db_table for model in RECORDS} == set(APPEND_ONLY) - {"looks"}


def test_library_offers_the_application_no_switch(cast: Cast) -> None:
    """Neither its setting that silences triggers, nor its table of contexts, which would be everybody's."""
    tenant = cast.tenant()
    agent = cast.agent(tenant)
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT tgname FROM pg_trigger WHERE tgname LIKE 'pgtrigger%'")
        names = ",".join(name for (name,) in cursor.fetchall())
        cursor.execute("SELECT set_config('pgtrigger.ignore', %s, true)", ["{" + names + "}"])
        Agent.objects.filter(pk=agent.pk).update(name="Unseen")
    assert lines(AgentChange, tenant.id, "name")[-1] == ("changed", "Unseen")
    with psycopg.connect(database_url("default")) as app, pytest.raises(errors.InsufficientPrivilege):
        app.execute("SELECT 1 FROM pghistory_context")


# Who made them


def backend_and_author() -> tuple[int, str]:
    """Of the very next statement on this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), coalesce(current_setting('pghistory.context_metadata', true), '')")
        pid, author = cursor.fetchone()
        return int(pid), str(author)


def test_author_ends_with_the_transaction_and_with_the_block(cast: Cast) -> None:
    tenant = cast.tenant()
    with writing_as(ALICE):
        with tenant_scope(tenant.id):
            backend, author = backend_and_author()
        assert Author.model_validate_json(author) == ALICE
        assert backend_and_author() == (backend, "")
    with tenant_scope(tenant.id):
        assert backend_and_author() == (backend, "")
        Agent.objects.create(tenant=tenant, key="nobodys", name="Nobody's")
    assert lines(AgentChange, tenant.id, "pgh_context") == [("added", None)]


def test_author_is_kept_whole(cast: Cast) -> None:
    tenant = cast.tenant()
    with writing_as(ALICE), tenant_scope(tenant.id):
        Agent.objects.create(tenant=tenant, key="hers", name="Hers")
    with writing_as(Author.system("tenants.tasks.recheck_domains")), tenant_scope(tenant.id):
        Agent.objects.update(name="Its")
    with tenant_scope(tenant.id):
        kept = [Author(**line.pgh_context) for line in AgentChange.objects.order_by("pgh_id")]
    assert kept == [ALICE, Author(job="tenants.tasks.recheck_domains")]


def test_change_of_a_job_names_the_job_and_the_next_nobody(cast: Cast) -> None:
    tenant = cast.tenant()
    agent = cast.agent(tenant)
    task_lines._begin("id", recheck_domains)
    with tenant_scope(tenant.id):
        Agent.objects.filter(pk=agent.pk).update(name="A job's")
    task_lines._end("id", "SUCCESS", 0)
    with tenant_scope(tenant.id):
        Agent.objects.filter(pk=agent.pk).update(name="Nobody's")
    assert lines(AgentChange, tenant.id, "name", "pgh_context__job")[1:] == [
        ("changed", "A job's", "tenants.tasks.recheck_domains"),
        ("changed", "Nobody's", None),
    ]


# What is in them

UNRECORDED = {
    ("Invitation", "token_hash"): "a secret's hash",
    ("Website", "site_key"): "never changes",
    ("Website", "identity_secret_sealed"): "a secret",
    ("Website", "former_identity_secret_sealed"): "a secret",
    ("Website", "proof_token"): "never changes",
    ("Website", "proof_checked_at"): "a job's",
    ("Website", "proof_passed_at"): "a job's",
    ("Website", "proof_failures"): "a job's",
    ("Website", "proof_failing_since"): "a job's",
    ("Website", "proof_report"): "a job's",
    ("WebsiteOrigin", "host"): "part of the origin",
    ("ApiKey", "secret_hmac"): "a secret's hash",
    ("ApiKey", "hmac_key_id"): "how a secret is hashed",
    ("ApiKey", "last_used_at"): "written by calls",
    ("WebsiteAgent", "agent_tenant_id"): "follows from the agent",
    ("ModelConnection", "api_key_sealed"): "a secret; that it changed is recorded",
}


def test_every_column_is_recorded_or_left_out_for_a_reason() -> None:
    left_out = {
        (recorded(model).__name__, field.name)
        for model in RECORDS
        if model.is_whole
        for field in recorded(model)._meta.concrete_fields
        if field.name not in {one.name for one in model._meta.concrete_fields}
    }
    assert left_out == set(UNRECORDED)


def test_no_recorded_column_could_hold_a_secret() -> None:
    """Sealed values and hashes are binary."""
    assert [model for model in RECORDS for f in model._meta.fields if isinstance(f, models.BinaryField)] == []


def everything_theirs(cast: Cast, tenant: Tenant, owner: User) -> list[bytes | str]:
    """Writes every secret there is; gives each as it is stored and as it was shown."""
    website, model = cast.website(tenant), cast.connection(tenant, "https://model.example.com/v1", "sk-canary-first")
    with tenant_scope(tenant.id):
        shown = [make_identity_secret(website), make_identity_secret(website)]
        row, key = create_api_key("Key", list(ApiKey.Scope))
        invitation, token = invite("admin", invited_by=owner)
        ModelConnection.objects.filter(pk=model.pk).update(api_key_sealed=b"sealed canary")
        stored = Website.objects.get(pk=website.pk)
        sealed = [stored.identity_secret_sealed, stored.former_identity_secret_sealed, row.secret_hmac]
        return [*shown, key, token, "sk-canary", *map(bytes, [*sealed, invitation.token_hash, b"sealed canary"])]


def test_no_secret_is_in_any_line(cast: Cast) -> None:
    tenant = cast.tenant()
    secrets = everything_theirs(cast, tenant, cast.staff((tenant, "owner")))
    with connections["owner"].cursor() as cursor:
        texts = []
        for model in RECORDS:
            cursor.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(model._meta.db_table)))
            texts += [text for (text,) in cursor.fetchall()]
    everything = "\n".join(texts)
    assert str(tenant.id) in everything
    spelled = [one if isinstance(one, str) else one.hex() for one in secrets]
    assert (len(spelled), [one for one in spelled if not one or one in everything]) == (10, [])


def test_secret_that_is_made_or_changed_is_recorded_as_a_fact(cast: Cast) -> None:
    tenant = cast.tenant()
    website, model = cast.website(tenant), cast.connection(tenant, "https://model.example.com/v1")
    with writing_as(ALICE), tenant_scope(tenant.id):
        make_identity_secret(website)
        ModelConnection.objects.filter(pk=model.pk).update(api_key_sealed=b"another")
    label, before = lines(WebsiteChange, tenant.id, "identity_secret_made_at")[-2]
    label, made_at = lines(WebsiteChange, tenant.id, "identity_secret_made_at")[-1]
    assert (label, before is None, made_at is None) == ("changed", True, False)
    assert lines(ModelConnectionChange, tenant.id, "base_url", "pgh_context__name") == [
        ("added", "https://model.example.com/v1", None),
        ("key_set", "https://model.example.com/v1", "alice"),
    ]


def test_members_and_invitations_are_recorded(cast: Cast) -> None:
    tenant = cast.tenant()
    owner = cast.staff((tenant, "owner"))
    with writing_as(ALICE), tenant_scope(tenant.id):
        invitation, _ = invite("auditor", invited_by=owner, note="For Bob")
        Membership.objects.update(role="auditor")
        Membership.objects.all().delete()
    assert lines(InvitationChange, tenant.id, "id", "role", "note", "invited_by") == [
        ("added", invitation.pk, "auditor", "For Bob", owner.pk)
    ]
    assert lines(MembershipChange, tenant.id, "user", "role") == [
        ("added", owner.pk, "owner"),
        ("changed", owner.pk, "auditor"),
        ("removed", owner.pk, "auditor"),
    ]


def test_keys_of_placeholders_holds_on_sessions_and_foreign_secrets_are_facts(cast: Cast) -> None:
    tenant = cast.tenant()
    agent = cast.agent(tenant)
    website = cast.website(tenant, agents=[agent])
    session = make_session(website, agent, [])
    with writing_as(ALICE), tenant_scope(tenant.id):
        redaction_key()
        remove_redaction_key()
        set_hold(session, by="alice")
        lift_hold(session)
        run_sql("UPDATE agent_sessions SET message_count = 7, context = '{}' WHERE id = %s", session.pk)
        run_sql("UPDATE websites SET identity_secret_sealed = 'other' WHERE id = %s", website.pk)
        make_identity_secret(website)
    assert lines(RedactionKeyChange, tenant.id, "pgh_context__name") == [("added", "alice"), ("removed", "alice")]
    assert lines(AgentSessionChange, tenant.id, "session_id", "legal_hold_by") == [
        ("changed", session.session_id, "alice"),
        ("changed", session.session_id, ""),
    ]
    assert [label for (label,) in lines(WebsiteChange, tenant.id)][-2:] == ["key_set", "changed"]


# What ends them


def count_of(tenant_id: Any) -> int:
    with tenant_scope(tenant_id):
        return sum(model.objects.count() for model in RECORDS)


def test_only_the_record_of_a_rehearsal_that_is_over_can_be_forgotten() -> None:
    """By the application, that is: of tenants that the check of isolation has made and taken away."""
    slugs = {"isolation-check-0123456789ab": "", "kept-for-ever": "", "isolation-check-ba9876543210": "once-real"}
    left = {}
    for slug, former in slugs.items():
        with tenant_scope(OPERATOR_ID):
            tenant = Tenant.objects.create(name="Tenant", slug=former or slug)
            Tenant.objects.filter(pk=tenant.pk).update(slug=slug)
        with tenant_scope(tenant.pk):
            Agent.objects.create(tenant=tenant, key="its", name="Its")
            run_sql("SELECT door_forget_rehearsed_changes()")
            Agent.objects.all().delete()
        before = count_of(tenant.pk)
        with tenant_scope(tenant.pk):
            Tenant.objects.filter(pk=tenant.pk).delete()
            run_sql("SELECT door_forget_rehearsed_changes()")
        left[slug] = count_of(tenant.pk) - before
    assert left == {"isolation-check-0123456789ab": -3, "kept-for-ever": 1, "isolation-check-ba9876543210": 1}


def test_owner_erases_a_tenants_whole_record_and_no_other(cast: Cast) -> None:
    gone, other = cast.tenant(), cast.tenant()
    cast.website(gone, agents=[cast.agent(gone)])
    before = count_of(gone.pk), count_of(other.pk)
    with connections["owner"].cursor() as cursor:
        assert erase_changes(cursor, gone.pk) == before[0] > 5
    assert (count_of(gone.pk), count_of(other.pk)) == (0, before[1])
    with connection.cursor() as cursor, pytest.raises(ProgrammingError, match="permission denied"):
        erase_changes(cursor, other.pk)
