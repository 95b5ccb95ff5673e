"""The record of changes of agents, their connections, and their use by websites."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
import tenants.identifiers
from decimal import Decimal
from django.db import migrations, models

from tenants.policies import ACTIVE_TENANT_SQL, rows_as_found, tenant_policy, writing_door

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
# For the check of isolation, which makes tenants and takes them away. A tenant that ever had another name than those
# keeps its record, and so does one that is still there.
_FORGET = (
    f"DECLARE gone uuid := {ACTIVE_TENANT_SQL};"
    " BEGIN IF EXISTS (SELECT FROM tenants t WHERE t.id = gone) OR EXISTS (SELECT FROM tenant_changes c"
    " WHERE c.tenant_id = gone AND c.slug !~ '^isolation-check-[0-9a-f]{12}$') THEN RETURN; END IF;"
    + "".join(f" DELETE FROM {record} WHERE tenant_id = gone;" for record in _RECORDS)
    + " END;"
)


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0004_website_agents_in_tenant"),
        ("tenants", "0012_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "connection",
                    models.UUIDField(db_column="connection_id", editable=False, null=True, verbose_name="connection"),
                ),
                (
                    "fallback_connection",
                    models.UUIDField(
                        db_column="fallback_connection_id",
                        editable=False,
                        null=True,
                        verbose_name="fallback connection",
                    ),
                ),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                (
                    "key",
                    models.CharField(
                        help_text="The public agent_id.",
                        max_length=64,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[a-z0-9][a-z0-9_-]{1,63}$", "Small letters, digits, _ and -, such as agent_001."
                            )
                        ],
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("instructions", models.TextField(blank=True, max_length=20000)),
                (
                    "model",
                    models.CharField(blank=True, help_text="The model's name at the connection.", max_length=120),
                ),
                ("fallback_model", models.CharField(blank=True, db_default="", default="", max_length=120)),
                (
                    "temperature",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=3,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(Decimal("0")),
                            django.core.validators.MaxValueValidator(Decimal("2")),
                        ],
                    ),
                ),
                (
                    "max_output_tokens",
                    models.PositiveIntegerField(
                        blank=True, null=True, validators=[django.core.validators.MinValueValidator(1)]
                    ),
                ),
                (
                    "max_context_messages",
                    models.PositiveSmallIntegerField(
                        default=50,
                        help_text="Past messages the model is shown, at most.",
                        validators=[django.core.validators.MaxValueValidator(50)],
                    ),
                ),
                (
                    "max_context_tokens",
                    models.PositiveIntegerField(
                        default=8000,
                        help_text="Tokens of past messages, at most.",
                        validators=[django.core.validators.MinValueValidator(100)],
                    ),
                ),
                (
                    "context_keys",
                    models.JSONField(
                        blank=True, default=list, help_text="Keys of the session's context that the model may see."
                    ),
                ),
                (
                    "total_timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=60,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(600),
                        ],
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
            ],
            options={
                "db_table": "agent_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="ModelConnectionChange",
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
                ("name", models.CharField(max_length=120)),
                ("base_url", models.CharField(max_length=300, verbose_name="base URL")),
                (
                    "connect_timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=5,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(60),
                        ],
                    ),
                ),
                (
                    "first_token_timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=30,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(300),
                        ],
                    ),
                ),
                (
                    "idle_timeout_seconds",
                    models.PositiveSmallIntegerField(
                        default=15,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(300),
                        ],
                    ),
                ),
            ],
            options={
                "db_table": "model_connection_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WebsiteAgentChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("website", models.UUIDField(db_column="website_id", editable=False, verbose_name="website")),
                ("agent", models.UUIDField(db_column="agent_id", editable=False, verbose_name="agent")),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                ("is_default", models.BooleanField(default=True)),
                (
                    "instructions",
                    models.TextField(
                        blank=True,
                        help_text="Facts of this website: opening hours, address, delivery.",
                        max_length=20000,
                    ),
                ),
                ("welcome", models.CharField(blank=True, default="Hello! How can we help?", max_length=500)),
                ("starters", models.JSONField(blank=True, default=list, help_text="Questions a visitor may click on.")),
                (
                    "accent",
                    models.CharField(
                        blank=True,
                        default="#4f46e5",
                        max_length=7,
                        validators=[django.core.validators.RegexValidator("^#[0-9a-f]{6}$", "Such as #4f46e5.")],
                    ),
                ),
                (
                    "position",
                    models.CharField(choices=[("right", "Right"), ("left", "Left")], default="right", max_length=5),
                ),
            ],
            options={
                "db_table": "website_agent_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "agent_changes" ("connection_id", "context_keys", "created_at", "fallback_connection_id", "fallback_model", "id", "instructions", "is_active", "key", "max_context_messages", "max_context_tokens", "max_output_tokens", "model", "name", "pgh_context", "pgh_created_at", "pgh_label", "temperature", "tenant_id", "total_timeout_seconds") VALUES (NEW."connection_id", NEW."context_keys", NEW."created_at", NEW."fallback_connection_id", NEW."fallback_model", NEW."id", NEW."instructions", NEW."is_active", NEW."key", NEW."max_context_messages", NEW."max_context_tokens", NEW."max_output_tokens", NEW."model", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."temperature", NEW."tenant_id", NEW."total_timeout_seconds"); RETURN NULL;',
                    hash="173b851b3fdb0e5fc64956e76d7df2284bd2fd14",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_34945",
                    table="agents",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "agent_changes" ("connection_id", "context_keys", "created_at", "fallback_connection_id", "fallback_model", "id", "instructions", "is_active", "key", "max_context_messages", "max_context_tokens", "max_output_tokens", "model", "name", "pgh_context", "pgh_created_at", "pgh_label", "temperature", "tenant_id", "total_timeout_seconds") VALUES (NEW."connection_id", NEW."context_keys", NEW."created_at", NEW."fallback_connection_id", NEW."fallback_model", NEW."id", NEW."instructions", NEW."is_active", NEW."key", NEW."max_context_messages", NEW."max_context_tokens", NEW."max_output_tokens", NEW."model", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."temperature", NEW."tenant_id", NEW."total_timeout_seconds"); RETURN NULL;',
                    hash="63624cd472cad247aad013be762876aaf6acbfd7",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_0242a",
                    table="agents",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="agent",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "agent_changes" ("connection_id", "context_keys", "created_at", "fallback_connection_id", "fallback_model", "id", "instructions", "is_active", "key", "max_context_messages", "max_context_tokens", "max_output_tokens", "model", "name", "pgh_context", "pgh_created_at", "pgh_label", "temperature", "tenant_id", "total_timeout_seconds") VALUES (OLD."connection_id", OLD."context_keys", OLD."created_at", OLD."fallback_connection_id", OLD."fallback_model", OLD."id", OLD."instructions", OLD."is_active", OLD."key", OLD."max_context_messages", OLD."max_context_tokens", OLD."max_output_tokens", OLD."model", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."temperature", OLD."tenant_id", OLD."total_timeout_seconds"); RETURN NULL;',
                    hash="164001eccb2dade2dfb69ee62b96f80ee7137616",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_847c5",
                    table="agents",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelconnection",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "model_connection_changes" ("base_url", "connect_timeout_seconds", "created_at", "first_token_timeout_seconds", "id", "idle_timeout_seconds", "name", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."base_url", NEW."connect_timeout_seconds", NEW."created_at", NEW."first_token_timeout_seconds", NEW."id", NEW."idle_timeout_seconds", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."tenant_id"); RETURN NULL;',
                    hash="8308c90a1e514486da6429e0d113060c065d342d",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_6c69a",
                    table="model_connections",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelconnection",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."base_url" IS DISTINCT FROM (NEW."base_url") OR OLD."connect_timeout_seconds" IS DISTINCT FROM (NEW."connect_timeout_seconds") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."first_token_timeout_seconds" IS DISTINCT FROM (NEW."first_token_timeout_seconds") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."idle_timeout_seconds" IS DISTINCT FROM (NEW."idle_timeout_seconds") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id"))',
                    func='INSERT INTO "model_connection_changes" ("base_url", "connect_timeout_seconds", "created_at", "first_token_timeout_seconds", "id", "idle_timeout_seconds", "name", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."base_url", NEW."connect_timeout_seconds", NEW."created_at", NEW."first_token_timeout_seconds", NEW."id", NEW."idle_timeout_seconds", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."tenant_id"); RETURN NULL;',
                    hash="b3169bbc4a18be03402c5d97146b2bf2b33b4328",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_c55dd",
                    table="model_connections",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelconnection",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "model_connection_changes" ("base_url", "connect_timeout_seconds", "created_at", "first_token_timeout_seconds", "id", "idle_timeout_seconds", "name", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (OLD."base_url", OLD."connect_timeout_seconds", OLD."created_at", OLD."first_token_timeout_seconds", OLD."id", OLD."idle_timeout_seconds", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."tenant_id"); RETURN NULL;',
                    hash="aa71c1513cc70e6f08f619c676725ececc874db1",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_737d4",
                    table="model_connections",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="modelconnection",
            trigger=pgtrigger.compiler.Trigger(
                name="key_set_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."api_key_sealed" IS DISTINCT FROM (NEW."api_key_sealed"))',
                    func='INSERT INTO "model_connection_changes" ("base_url", "connect_timeout_seconds", "created_at", "first_token_timeout_seconds", "id", "idle_timeout_seconds", "name", "pgh_context", "pgh_created_at", "pgh_label", "tenant_id") VALUES (NEW."base_url", NEW."connect_timeout_seconds", NEW."created_at", NEW."first_token_timeout_seconds", NEW."id", NEW."idle_timeout_seconds", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'key_set\', NEW."tenant_id"); RETURN NULL;',
                    hash="4049e3e66c202b386442ffcf1bd4be7e5cceee13",
                    operation="UPDATE",
                    pgid="pgtrigger_key_set_update_6406a",
                    table="model_connections",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteagent",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_agent_changes" ("accent", "agent_id", "created_at", "id", "instructions", "is_default", "pgh_context", "pgh_created_at", "pgh_label", "position", "starters", "tenant_id", "website_id", "welcome") VALUES (NEW."accent", NEW."agent_id", NEW."created_at", NEW."id", NEW."instructions", NEW."is_default", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."position", NEW."starters", NEW."tenant_id", NEW."website_id", NEW."welcome"); RETURN NULL;',
                    hash="1b1f0bfd6981d91a5e83fec1e175e788fec2675f",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_2ba8e",
                    table="website_agents",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteagent",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."accent" IS DISTINCT FROM (NEW."accent") OR OLD."agent_id" IS DISTINCT FROM (NEW."agent_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."instructions" IS DISTINCT FROM (NEW."instructions") OR OLD."is_default" IS DISTINCT FROM (NEW."is_default") OR OLD."position" IS DISTINCT FROM (NEW."position") OR OLD."starters" IS DISTINCT FROM (NEW."starters") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id") OR OLD."website_id" IS DISTINCT FROM (NEW."website_id") OR OLD."welcome" IS DISTINCT FROM (NEW."welcome"))',
                    func='INSERT INTO "website_agent_changes" ("accent", "agent_id", "created_at", "id", "instructions", "is_default", "pgh_context", "pgh_created_at", "pgh_label", "position", "starters", "tenant_id", "website_id", "welcome") VALUES (NEW."accent", NEW."agent_id", NEW."created_at", NEW."id", NEW."instructions", NEW."is_default", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."position", NEW."starters", NEW."tenant_id", NEW."website_id", NEW."welcome"); RETURN NULL;',
                    hash="a302b464db78e1a77a0fa0a400948a389ce2c0df",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_5ec56",
                    table="website_agents",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteagent",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_agent_changes" ("accent", "agent_id", "created_at", "id", "instructions", "is_default", "pgh_context", "pgh_created_at", "pgh_label", "position", "starters", "tenant_id", "website_id", "welcome") VALUES (OLD."accent", OLD."agent_id", OLD."created_at", OLD."id", OLD."instructions", OLD."is_default", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."position", OLD."starters", OLD."tenant_id", OLD."website_id", OLD."welcome"); RETURN NULL;',
                    hash="5906c649e1835bfa313607b622d70d0d4d2ea9dc",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_a21e1",
                    table="website_agents",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="agentchange",
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
        migrations.AddField(
            model_name="modelconnectionchange",
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
        migrations.AddField(
            model_name="websiteagentchange",
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
            model_name="agentchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="agent_change_row"),
        ),
        migrations.AddIndex(
            model_name="agentchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="agent_change_time"),
        ),
        migrations.AddIndex(
            model_name="modelconnectionchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="model_connection_change_row"),
        ),
        migrations.AddIndex(
            model_name="modelconnectionchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="model_connection_change_time"),
        ),
        migrations.AddIndex(
            model_name="websiteagentchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="website_agent_change_row"),
        ),
        migrations.AddIndex(
            model_name="websiteagentchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="website_agent_change_time"),
        ),
        tenant_policy("model_connection_changes"),
        tenant_policy("agent_changes"),
        tenant_policy("website_agent_changes"),
        rows_as_found(
            "model_connections",
            "model_connection_changes",
            "tenant_id, name, base_url, connect_timeout_seconds, first_token_timeout_seconds, idle_timeout_seconds",
        ),
        rows_as_found(
            "agents",
            "agent_changes",
            "tenant_id, key, name, instructions, connection_id, model, fallback_connection_id, fallback_model, temperature, max_output_tokens, max_context_messages, max_context_tokens, context_keys, total_timeout_seconds, is_active",
        ),
        rows_as_found(
            "website_agents",
            "website_agent_changes",
            "tenant_id, website_id, agent_id, is_default, instructions, welcome, starters, accent, position",
        ),
        writing_door("door_forget_rehearsed_changes()", "void", _FORGET),
    ]
