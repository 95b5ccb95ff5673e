"""The record of changes tells of the keys of placeholders, and of sealed secrets that others than we replace."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import rows_as_found, tenant_policy


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0012_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="RedactionKeyChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
            ],
            options={
                "db_table": "redaction_key_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AlterModelOptions(
            name="redactionkey",
            options={"base_manager_name": "objects", "verbose_name": "key of the placeholders"},
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redactionkey",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "redaction_key_changes" ("created_at", "id", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."created_at", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."tenant_id"); RETURN NULL;',
                    hash="ea3c34ae4419c79b845f33ffc8f40d055ca91f32",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_2bd41",
                    table="redaction_keys",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="redactionkey",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "redaction_key_changes" ("created_at", "id", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."created_at", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."tenant_id"); RETURN NULL;',
                    hash="35acf679e84d2cdd04648e4e7ee428afc8235d99",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_c329b",
                    table="redaction_keys",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="website",
            trigger=pgtrigger.compiler.Trigger(
                name="key_set_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.identity_secret_sealed IS DISTINCT FROM NEW.identity_secret_sealed AND OLD.identity_secret_made_at IS NOT DISTINCT FROM NEW.identity_secret_made_at)",
                    func='INSERT INTO "website_changes" ("created_at", "domain", "double_send", "id", "identity_secret_made_at", "ip_storage", "is_active", "kinds_kept", "legal_hold_at", "legal_hold_by", "pgh_context", "pgh_created_at", "pgh_label", "proof_lapsed_at", "proof_method", "proved_at", "quota_message", "redact_after_hours", "redact_when", "require_session_token", "retention_days", "stores_user_agent", "tenant_id", "title", "tokens_per_day", "turn_retention_days", "turns_per_day") VALUES (NEW."created_at", NEW."domain", NEW."double_send", NEW."id", NEW."identity_secret_made_at", NEW."ip_storage", NEW."is_active", NEW."kinds_kept", NEW."legal_hold_at", NEW."legal_hold_by", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'key_set\', NEW."proof_lapsed_at", NEW."proof_method", NEW."proved_at", NEW."quota_message", NEW."redact_after_hours", NEW."redact_when", NEW."require_session_token", NEW."retention_days", NEW."stores_user_agent", NEW."tenant_id", NEW."title", NEW."tokens_per_day", NEW."turn_retention_days", NEW."turns_per_day"); RETURN NULL;',
                    hash="85f5cab91c012157ccc5a5079a27858d6a8620bf",
                    operation="UPDATE",
                    pgid="pgtrigger_key_set_update_20ebe",
                    table="websites",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="redactionkeychange",
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
            model_name="redactionkeychange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="redaction_key_change_row"),
        ),
        migrations.AddIndex(
            model_name="redactionkeychange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="redaction_key_change_time"),
        ),
        tenant_policy("redaction_key_changes"),
        rows_as_found("redaction_keys", "redaction_key_changes", "tenant_id"),
    ]
