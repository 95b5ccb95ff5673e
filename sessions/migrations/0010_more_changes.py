"""The record of changes tells of legal holds on sessions, too; a rehearsal's is forgotten whole."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import ACTIVE_TENANT_SQL, changed_door, tenant_policy

_RECORDS = (
    "agent_changes",
    "api_key_changes",
    "invitation_changes",
    "membership_changes",
    "model_connection_changes",
    "tenant_changes",
    "website_agent_changes",
    "website_changes",
    "website_origin_changes",
)
_MORE_RECORDS = ("agent_session_changes", "redaction_key_changes")


def _forget(records: tuple[str, ...]) -> tuple[str, str]:
    """As ``agents.0005_changes`` says it."""
    return (
        "void",
        f"DECLARE gone uuid := {ACTIVE_TENANT_SQL};"
        " BEGIN IF EXISTS (SELECT FROM tenants t WHERE t.id = gone) OR EXISTS (SELECT FROM tenant_changes c"
        " WHERE c.tenant_id = gone AND c.slug !~ '^isolation-check-[0-9a-f]{12}$') THEN RETURN; END IF;"
        + "".join(f" DELETE FROM {record} WHERE tenant_id = gone;" for record in records)
        + " END;",
    )


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0009_held_words"),
        ("agents", "0005_changes"),
        ("tenants", "0013_more_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentSessionChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("website", models.UUIDField(db_column="website_id", editable=False, verbose_name="website")),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                ("session_id", models.CharField(max_length=128)),
                ("legal_hold_at", models.DateTimeField(editable=False, null=True)),
                (
                    "legal_hold_by",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
                ),
            ],
            options={
                "db_table": "agent_session_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agentsession",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."legal_hold_at" IS DISTINCT FROM (NEW."legal_hold_at") OR OLD."legal_hold_by" IS DISTINCT FROM (NEW."legal_hold_by"))',
                    func='INSERT INTO "agent_session_changes" ("created_at", "id", "legal_hold_at", "legal_hold_by", "pgh_context", "pgh_created_at", "pgh_label", "session_id", "tenant_id", "website_id") VALUES (NEW."created_at", NEW."id", NEW."legal_hold_at", NEW."legal_hold_by", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."session_id", NEW."tenant_id", NEW."website_id"); RETURN NULL;',
                    hash="53cb34eca35068b9058761e592011361b0a85e45",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_d90b4",
                    table="agent_sessions",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="agentsessionchange",
            name="tenant",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="tenants.tenant",
            ),
        ),
        migrations.AddIndex(
            model_name="agentsessionchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="agent_session_change_row"),
        ),
        migrations.AddIndex(
            model_name="agentsessionchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="agent_session_change_time"),
        ),
        tenant_policy("agent_session_changes"),
        changed_door(
            "door_forget_rehearsed_changes()",
            before=_forget(_RECORDS),
            after=_forget((*_RECORDS, *_MORE_RECORDS)),
            writes=True,
        ),
    ]
