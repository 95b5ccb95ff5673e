"""The record of changes of tenants, members, invitations, websites and API keys."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import pghistory.utils
import pgtrigger.compiler
import pgtrigger.migrations
import tenants.identifiers
import tenants.models
from django.db import migrations, models

from tenants.identifiers import OPERATOR_ID
from tenants.policies import ACTIVE_TENANT_SQL, rows_as_found, tenant_policy


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0011_privacy_policy"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKeyChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "created_by",
                    models.BigIntegerField(
                        db_column="created_by_id", editable=False, null=True, verbose_name="created by"
                    ),
                ),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("prefix", models.CharField(editable=False, max_length=16)),
                ("scopes", models.JSONField(default=list)),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
            ],
            options={
                "db_table": "api_key_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="InvitationChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "invited_by",
                    models.BigIntegerField(
                        db_column="invited_by_id", editable=False, null=True, verbose_name="invited by"
                    ),
                ),
                (
                    "accepted_by",
                    models.BigIntegerField(
                        db_column="accepted_by_id", editable=False, null=True, verbose_name="accepted by"
                    ),
                ),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("auditor", "Auditor: reads, never writes")],
                        max_length=16,
                    ),
                ),
                (
                    "note",
                    models.CharField(
                        blank=True,
                        help_text="A name, so that you can tell invitations apart.",
                        max_length=120,
                        verbose_name="for whom",
                    ),
                ),
                ("expires_at", models.DateTimeField(editable=False)),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "invitation_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="MembershipChange",
            fields=[
                ("pgh_created_at", models.DateTimeField(auto_now_add=True)),
                ("pgh_label", models.TextField(help_text="The event label.")),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("user", models.BigIntegerField(db_column="user_id", editable=False, verbose_name="user")),
                ("pgh_context", pghistory.utils.JSONField(null=True)),
                ("id", models.UUIDField(default=tenants.identifiers.new_id, editable=False, serialize=False)),
                (
                    "role",
                    models.CharField(
                        choices=[("owner", "Owner"), ("admin", "Admin"), ("auditor", "Auditor: reads, never writes")],
                        max_length=16,
                    ),
                ),
            ],
            options={
                "db_table": "membership_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="TenantChange",
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
                ("slug", models.SlugField(db_index=False)),
                (
                    "is_active",
                    models.BooleanField(
                        default=True,
                        help_text="Switch off to suspend the tenant: all of its websites are refused at once.",
                    ),
                ),
                (
                    "time_zone",
                    models.CharField(default="UTC", max_length=64, validators=[tenants.models.check_time_zone]),
                ),
                (
                    "retention_days",
                    models.PositiveIntegerField(
                        default=30,
                        help_text="Conversations without a message for this many days are deleted.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="days a conversation is kept",
                    ),
                ),
                (
                    "turn_retention_days",
                    models.PositiveIntegerField(
                        db_default=30,
                        default=30,
                        help_text="Of messages that got no answer, and of answers broken off: for longer than this even a conversation that goes on does not keep them.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="days a turn's own words are kept",
                    ),
                ),
                (
                    "redact_when",
                    models.CharField(
                        choices=[
                            ("after_silence", "Once the conversation has been silent for some hours"),
                            ("at_turn_end", "As soon as an answer is finished"),
                            ("before_model", "Before the model is asked: it sees placeholders, too"),
                            ("never", "Never: what visitors write stays readable until it is deleted"),
                        ],
                        db_default="after_silence",
                        default="after_silence",
                        max_length=16,
                        verbose_name="personal data is replaced",
                    ),
                ),
                (
                    "redact_after_hours",
                    models.PositiveIntegerField(
                        db_default=24,
                        default=24,
                        help_text="How long a conversation must have been silent before its personal data is replaced.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(8760),
                        ],
                        verbose_name="hours of silence",
                    ),
                ),
                (
                    "kinds_kept",
                    models.JSONField(
                        blank=True,
                        db_default=models.Value([], models.JSONField()),
                        default=list,
                        help_text="Everything else is replaced, also kinds that are learnt later.",
                        verbose_name="kinds left as they are",
                    ),
                ),
                (
                    "ip_storage",
                    models.CharField(
                        choices=[
                            ("not", "Not stored"),
                            ("truncated", "The network alone: the first 24 bits of IPv4, 48 of IPv6"),
                            ("whole", "The whole address"),
                        ],
                        db_default="not",
                        default="not",
                        max_length=16,
                        verbose_name="visitors' IP addresses",
                    ),
                ),
                (
                    "stores_user_agent",
                    models.BooleanField(
                        db_default=False,
                        default=False,
                        help_text="What the browser says of itself, with each conversation.",
                        verbose_name="store which browser a visitor uses",
                    ),
                ),
                (
                    "token_idle_days",
                    models.PositiveIntegerField(
                        db_default=30,
                        default=30,
                        help_text="A browser that was silent for longer begins a new conversation; the old one stays until it is deleted.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(365),
                        ],
                        verbose_name="days without a message",
                    ),
                ),
                (
                    "token_lifetime_days",
                    models.PositiveIntegerField(
                        db_default=180,
                        default=180,
                        help_text="After so many days a browser begins a new conversation, however much is said in the old one.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(730),
                        ],
                        verbose_name="days in all",
                    ),
                ),
                (
                    "session_turns_per_minute",
                    models.PositiveIntegerField(
                        db_default=60,
                        default=60,
                        help_text="Of one browser with one agent.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="turns per minute of one conversation",
                    ),
                ),
                (
                    "network_turns_per_minute",
                    models.PositiveIntegerField(
                        db_default=600,
                        default=600,
                        help_text="Of all visitors who come to one website from one address: an office, a school or a mobile network may have hundreds behind it.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="turns per minute of one network",
                    ),
                ),
                (
                    "turns_per_minute",
                    models.PositiveIntegerField(
                        db_default=6000,
                        default=6000,
                        help_text="Of all visitors of all websites of the tenant.",
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000),
                        ],
                        verbose_name="turns per minute in all",
                    ),
                ),
                (
                    "turns_per_day",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="Of all websites together, counted from midnight to midnight in the tenant's time zone. Empty: no limit.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000000),
                        ],
                        verbose_name="turns per day",
                    ),
                ),
                (
                    "tokens_per_day",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="What models read and write for all websites together. The turn that passes it is still finished. Empty: no limit.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000000000),
                        ],
                        verbose_name="tokens per day",
                    ),
                ),
            ],
            options={
                "db_table": "tenant_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WebsiteChange",
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
                ("domain", models.CharField(max_length=253)),
                ("title", models.CharField(blank=True, max_length=120)),
                ("is_active", models.BooleanField(default=True)),
                (
                    "require_session_token",
                    models.BooleanField(
                        default=True,
                        help_text="Only sessions started with a token may chat; the widget always does so.",
                    ),
                ),
                (
                    "double_send",
                    models.CharField(
                        choices=[
                            ("enqueue", "Answer one after the other"),
                            ("reject", "Refuse until the answer is there"),
                        ],
                        db_default="enqueue",
                        default="enqueue",
                        help_text="What happens to a message that is sent while the one before it is still being answered.",
                        max_length=16,
                        verbose_name="messages sent during an answer",
                    ),
                ),
                (
                    "turns_per_day",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="How many messages are answered from midnight to midnight in the tenant's time zone. Empty: no limit.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000000),
                        ],
                        verbose_name="turns per day",
                    ),
                ),
                (
                    "tokens_per_day",
                    models.PositiveBigIntegerField(
                        blank=True,
                        help_text="What models may read and write for this website. The turn that passes it is still finished. Empty: no limit.",
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(1000000000000),
                        ],
                        verbose_name="tokens per day",
                    ),
                ),
                (
                    "quota_message",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="What visitors read then, for example whom to call. Empty: a polite sentence of ours.",
                        max_length=300,
                        verbose_name="message when a day's budget is spent",
                    ),
                ),
                (
                    "retention_days",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="days a conversation is kept",
                    ),
                ),
                (
                    "turn_retention_days",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(3650),
                        ],
                        verbose_name="days a turn's own words are kept",
                    ),
                ),
                (
                    "redact_when",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("after_silence", "Once the conversation has been silent for some hours"),
                            ("at_turn_end", "As soon as an answer is finished"),
                            ("before_model", "Before the model is asked: it sees placeholders, too"),
                            ("never", "Never: what visitors write stays readable until it is deleted"),
                        ],
                        max_length=16,
                        null=True,
                        verbose_name="personal data is replaced",
                    ),
                ),
                (
                    "redact_after_hours",
                    models.PositiveIntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(8760),
                        ],
                        verbose_name="hours of silence",
                    ),
                ),
                ("kinds_kept", models.JSONField(blank=True, null=True, verbose_name="kinds left as they are")),
                (
                    "ip_storage",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("not", "Not stored"),
                            ("truncated", "The network alone: the first 24 bits of IPv4, 48 of IPv6"),
                            ("whole", "The whole address"),
                        ],
                        max_length=16,
                        null=True,
                        verbose_name="visitors' IP addresses",
                    ),
                ),
                (
                    "stores_user_agent",
                    models.BooleanField(blank=True, null=True, verbose_name="store which browser a visitor uses"),
                ),
                ("legal_hold_at", models.DateTimeField(editable=False, null=True)),
                (
                    "legal_hold_by",
                    models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
                ),
                ("identity_secret_made_at", models.DateTimeField(editable=False, null=True)),
                ("proved_at", models.DateTimeField(editable=False, null=True)),
                (
                    "proof_method",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("meta", "its page"),
                            ("file", "its file"),
                            ("dns", "its DNS record"),
                            ("operator", "the operator"),
                            ("local", "being a local host"),
                        ],
                        db_default="",
                        default="",
                        editable=False,
                        max_length=16,
                    ),
                ),
                ("proof_lapsed_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "website_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WebsiteOriginChange",
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
                ("origin", models.CharField(max_length=300)),
                ("proved_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={
                "db_table": "website_origin_changes",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apikey",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "api_key_changes" ("created_at", "created_by_id", "expires_at", "id", "name", "pgh_context", "pgh_created_at", "pgh_label", "prefix", "revoked_at", "scopes", "tenant_id") VALUES (NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."prefix", NEW."revoked_at", NEW."scopes", NEW."tenant_id"); RETURN NULL;',
                    hash="83ccb80d52e80a826f4b158d781854bf6ce52269",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_6aea5",
                    table="api_keys",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apikey",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."prefix" IS DISTINCT FROM (NEW."prefix") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."scopes" IS DISTINCT FROM (NEW."scopes") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id"))',
                    func='INSERT INTO "api_key_changes" ("created_at", "created_by_id", "expires_at", "id", "name", "pgh_context", "pgh_created_at", "pgh_label", "prefix", "revoked_at", "scopes", "tenant_id") VALUES (NEW."created_at", NEW."created_by_id", NEW."expires_at", NEW."id", NEW."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."prefix", NEW."revoked_at", NEW."scopes", NEW."tenant_id"); RETURN NULL;',
                    hash="55bd5be2df28d333645ae3fb53069518c02cb58c",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_7901d",
                    table="api_keys",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="apikey",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "api_key_changes" ("created_at", "created_by_id", "expires_at", "id", "name", "pgh_context", "pgh_created_at", "pgh_label", "prefix", "revoked_at", "scopes", "tenant_id") VALUES (OLD."created_at", OLD."created_by_id", OLD."expires_at", OLD."id", OLD."name", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."prefix", OLD."revoked_at", OLD."scopes", OLD."tenant_id"); RETURN NULL;',
                    hash="e10fcc226690c1db875fc6d78d3f1d0295996f76",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_afb36",
                    table="api_keys",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invitation",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invitation_changes" ("accepted_at", "accepted_by_id", "created_at", "expires_at", "id", "invited_by_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "revoked_at", "role", "tenant_id") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."created_at", NEW."expires_at", NEW."id", NEW."invited_by_id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."revoked_at", NEW."role", NEW."tenant_id"); RETURN NULL;',
                    hash="661b30799b0758d673fd318f85f00ad6494aad8b",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_07395",
                    table="invitations",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invitation",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."accepted_at" IS DISTINCT FROM (NEW."accepted_at") OR OLD."accepted_by_id" IS DISTINCT FROM (NEW."accepted_by_id") OR OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."expires_at" IS DISTINCT FROM (NEW."expires_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."invited_by_id" IS DISTINCT FROM (NEW."invited_by_id") OR OLD."note" IS DISTINCT FROM (NEW."note") OR OLD."revoked_at" IS DISTINCT FROM (NEW."revoked_at") OR OLD."role" IS DISTINCT FROM (NEW."role") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id"))',
                    func='INSERT INTO "invitation_changes" ("accepted_at", "accepted_by_id", "created_at", "expires_at", "id", "invited_by_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "revoked_at", "role", "tenant_id") VALUES (NEW."accepted_at", NEW."accepted_by_id", NEW."created_at", NEW."expires_at", NEW."id", NEW."invited_by_id", NEW."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."revoked_at", NEW."role", NEW."tenant_id"); RETURN NULL;',
                    hash="3dcc735bd138ef4a28428dcc2ea9d63086799846",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_03bee",
                    table="invitations",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="invitation",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "invitation_changes" ("accepted_at", "accepted_by_id", "created_at", "expires_at", "id", "invited_by_id", "note", "pgh_context", "pgh_created_at", "pgh_label", "revoked_at", "role", "tenant_id") VALUES (OLD."accepted_at", OLD."accepted_by_id", OLD."created_at", OLD."expires_at", OLD."id", OLD."invited_by_id", OLD."note", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."revoked_at", OLD."role", OLD."tenant_id"); RETURN NULL;',
                    hash="0af6c6525325bd8cda31668869f457db264ccf19",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_e0cd9",
                    table="invitations",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "membership_changes" ("created_at", "id", "pgh_context", "pgh_created_at", "pgh_label", "role", "tenant_id", "user_id") VALUES (NEW."created_at", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."role", NEW."tenant_id", NEW."user_id"); RETURN NULL;',
                    hash="2789f4080daf258367f1f9d1724a94af7662a2c4",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_761d8",
                    table="memberships",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "membership_changes" ("created_at", "id", "pgh_context", "pgh_created_at", "pgh_label", "role", "tenant_id", "user_id") VALUES (NEW."created_at", NEW."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."role", NEW."tenant_id", NEW."user_id"); RETURN NULL;',
                    hash="c0920791761a51c4f1beff39f6ef3275096f4ec6",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_4e1eb",
                    table="memberships",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="membership",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "membership_changes" ("created_at", "id", "pgh_context", "pgh_created_at", "pgh_label", "role", "tenant_id", "user_id") VALUES (OLD."created_at", OLD."id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."role", OLD."tenant_id", OLD."user_id"); RETURN NULL;',
                    hash="81e8c86b4a70178f987fbe16ac597bd5083df913",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_53607",
                    table="memberships",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tenant",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tenant_changes" ("created_at", "id", "ip_storage", "is_active", "kinds_kept", "name", "network_turns_per_minute", "pgh_context", "pgh_created_at", "pgh_label", "redact_after_hours", "redact_when", "retention_days", "session_turns_per_minute", "slug", "stores_user_agent", "time_zone", "token_idle_days", "token_lifetime_days", "tokens_per_day", "turn_retention_days", "turns_per_day", "turns_per_minute") VALUES (NEW."created_at", NEW."id", NEW."ip_storage", NEW."is_active", NEW."kinds_kept", NEW."name", NEW."network_turns_per_minute", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."redact_after_hours", NEW."redact_when", NEW."retention_days", NEW."session_turns_per_minute", NEW."slug", NEW."stores_user_agent", NEW."time_zone", NEW."token_idle_days", NEW."token_lifetime_days", NEW."tokens_per_day", NEW."turn_retention_days", NEW."turns_per_day", NEW."turns_per_minute"); RETURN NULL;',
                    hash="4fc5682bdce7035952f40a392f9a382c9732640d",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_1a06e",
                    table="tenants",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tenant",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (OLD.* IS DISTINCT FROM NEW.*)",
                    func='INSERT INTO "tenant_changes" ("created_at", "id", "ip_storage", "is_active", "kinds_kept", "name", "network_turns_per_minute", "pgh_context", "pgh_created_at", "pgh_label", "redact_after_hours", "redact_when", "retention_days", "session_turns_per_minute", "slug", "stores_user_agent", "time_zone", "token_idle_days", "token_lifetime_days", "tokens_per_day", "turn_retention_days", "turns_per_day", "turns_per_minute") VALUES (NEW."created_at", NEW."id", NEW."ip_storage", NEW."is_active", NEW."kinds_kept", NEW."name", NEW."network_turns_per_minute", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."redact_after_hours", NEW."redact_when", NEW."retention_days", NEW."session_turns_per_minute", NEW."slug", NEW."stores_user_agent", NEW."time_zone", NEW."token_idle_days", NEW."token_lifetime_days", NEW."tokens_per_day", NEW."turn_retention_days", NEW."turns_per_day", NEW."turns_per_minute"); RETURN NULL;',
                    hash="8ce078f1f7b484183c9d7e5f4bdc1bb1747df0e7",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_c8d24",
                    table="tenants",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tenant",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tenant_changes" ("created_at", "id", "ip_storage", "is_active", "kinds_kept", "name", "network_turns_per_minute", "pgh_context", "pgh_created_at", "pgh_label", "redact_after_hours", "redact_when", "retention_days", "session_turns_per_minute", "slug", "stores_user_agent", "time_zone", "token_idle_days", "token_lifetime_days", "tokens_per_day", "turn_retention_days", "turns_per_day", "turns_per_minute") VALUES (OLD."created_at", OLD."id", OLD."ip_storage", OLD."is_active", OLD."kinds_kept", OLD."name", OLD."network_turns_per_minute", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."redact_after_hours", OLD."redact_when", OLD."retention_days", OLD."session_turns_per_minute", OLD."slug", OLD."stores_user_agent", OLD."time_zone", OLD."token_idle_days", OLD."token_lifetime_days", OLD."tokens_per_day", OLD."turn_retention_days", OLD."turns_per_day", OLD."turns_per_minute"); RETURN NULL;',
                    hash="28f881e64d364c6c2791842a4e679fc96ca42421",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_f9880",
                    table="tenants",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="website",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_changes" ("created_at", "domain", "double_send", "id", "identity_secret_made_at", "ip_storage", "is_active", "kinds_kept", "legal_hold_at", "legal_hold_by", "pgh_context", "pgh_created_at", "pgh_label", "proof_lapsed_at", "proof_method", "proved_at", "quota_message", "redact_after_hours", "redact_when", "require_session_token", "retention_days", "stores_user_agent", "tenant_id", "title", "tokens_per_day", "turn_retention_days", "turns_per_day") VALUES (NEW."created_at", NEW."domain", NEW."double_send", NEW."id", NEW."identity_secret_made_at", NEW."ip_storage", NEW."is_active", NEW."kinds_kept", NEW."legal_hold_at", NEW."legal_hold_by", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."proof_lapsed_at", NEW."proof_method", NEW."proved_at", NEW."quota_message", NEW."redact_after_hours", NEW."redact_when", NEW."require_session_token", NEW."retention_days", NEW."stores_user_agent", NEW."tenant_id", NEW."title", NEW."tokens_per_day", NEW."turn_retention_days", NEW."turns_per_day"); RETURN NULL;',
                    hash="ed0a8064f475de1115f878a668bc88fcef49341d",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_4de3b",
                    table="websites",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="website",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."domain" IS DISTINCT FROM (NEW."domain") OR OLD."double_send" IS DISTINCT FROM (NEW."double_send") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."identity_secret_made_at" IS DISTINCT FROM (NEW."identity_secret_made_at") OR OLD."ip_storage" IS DISTINCT FROM (NEW."ip_storage") OR OLD."is_active" IS DISTINCT FROM (NEW."is_active") OR OLD."kinds_kept" IS DISTINCT FROM (NEW."kinds_kept") OR OLD."legal_hold_at" IS DISTINCT FROM (NEW."legal_hold_at") OR OLD."legal_hold_by" IS DISTINCT FROM (NEW."legal_hold_by") OR OLD."proof_lapsed_at" IS DISTINCT FROM (NEW."proof_lapsed_at") OR OLD."proof_method" IS DISTINCT FROM (NEW."proof_method") OR OLD."proved_at" IS DISTINCT FROM (NEW."proved_at") OR OLD."quota_message" IS DISTINCT FROM (NEW."quota_message") OR OLD."redact_after_hours" IS DISTINCT FROM (NEW."redact_after_hours") OR OLD."redact_when" IS DISTINCT FROM (NEW."redact_when") OR OLD."require_session_token" IS DISTINCT FROM (NEW."require_session_token") OR OLD."retention_days" IS DISTINCT FROM (NEW."retention_days") OR OLD."stores_user_agent" IS DISTINCT FROM (NEW."stores_user_agent") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."tokens_per_day" IS DISTINCT FROM (NEW."tokens_per_day") OR OLD."turn_retention_days" IS DISTINCT FROM (NEW."turn_retention_days") OR OLD."turns_per_day" IS DISTINCT FROM (NEW."turns_per_day"))',
                    func='INSERT INTO "website_changes" ("created_at", "domain", "double_send", "id", "identity_secret_made_at", "ip_storage", "is_active", "kinds_kept", "legal_hold_at", "legal_hold_by", "pgh_context", "pgh_created_at", "pgh_label", "proof_lapsed_at", "proof_method", "proved_at", "quota_message", "redact_after_hours", "redact_when", "require_session_token", "retention_days", "stores_user_agent", "tenant_id", "title", "tokens_per_day", "turn_retention_days", "turns_per_day") VALUES (NEW."created_at", NEW."domain", NEW."double_send", NEW."id", NEW."identity_secret_made_at", NEW."ip_storage", NEW."is_active", NEW."kinds_kept", NEW."legal_hold_at", NEW."legal_hold_by", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."proof_lapsed_at", NEW."proof_method", NEW."proved_at", NEW."quota_message", NEW."redact_after_hours", NEW."redact_when", NEW."require_session_token", NEW."retention_days", NEW."stores_user_agent", NEW."tenant_id", NEW."title", NEW."tokens_per_day", NEW."turn_retention_days", NEW."turns_per_day"); RETURN NULL;',
                    hash="dce4441cd86b32eaecde74f82ee9dabd7689855a",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_210f3",
                    table="websites",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="website",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_changes" ("created_at", "domain", "double_send", "id", "identity_secret_made_at", "ip_storage", "is_active", "kinds_kept", "legal_hold_at", "legal_hold_by", "pgh_context", "pgh_created_at", "pgh_label", "proof_lapsed_at", "proof_method", "proved_at", "quota_message", "redact_after_hours", "redact_when", "require_session_token", "retention_days", "stores_user_agent", "tenant_id", "title", "tokens_per_day", "turn_retention_days", "turns_per_day") VALUES (OLD."created_at", OLD."domain", OLD."double_send", OLD."id", OLD."identity_secret_made_at", OLD."ip_storage", OLD."is_active", OLD."kinds_kept", OLD."legal_hold_at", OLD."legal_hold_by", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."proof_lapsed_at", OLD."proof_method", OLD."proved_at", OLD."quota_message", OLD."redact_after_hours", OLD."redact_when", OLD."require_session_token", OLD."retention_days", OLD."stores_user_agent", OLD."tenant_id", OLD."title", OLD."tokens_per_day", OLD."turn_retention_days", OLD."turns_per_day"); RETURN NULL;',
                    hash="0f74284aa012e392c3e7bf8c91985f40754e2e48",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_a007c",
                    table="websites",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteorigin",
            trigger=pgtrigger.compiler.Trigger(
                name="added_insert",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_origin_changes" ("created_at", "id", "origin", "pgh_context", "pgh_created_at", "pgh_label", "proved_at", "tenant_id", "website_id") VALUES (NEW."created_at", NEW."id", NEW."origin", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'added\', NEW."proved_at", NEW."tenant_id", NEW."website_id"); RETURN NULL;',
                    hash="debe2f5fce9a269a16cebd682f413a886c61b400",
                    operation="INSERT",
                    pgid="pgtrigger_added_insert_29ba6",
                    table="website_origins",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteorigin",
            trigger=pgtrigger.compiler.Trigger(
                name="changed_update",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."origin" IS DISTINCT FROM (NEW."origin") OR OLD."proved_at" IS DISTINCT FROM (NEW."proved_at") OR OLD."tenant_id" IS DISTINCT FROM (NEW."tenant_id") OR OLD."website_id" IS DISTINCT FROM (NEW."website_id"))',
                    func='INSERT INTO "website_origin_changes" ("created_at", "id", "origin", "pgh_context", "pgh_created_at", "pgh_label", "proved_at", "tenant_id", "website_id") VALUES (NEW."created_at", NEW."id", NEW."origin", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'changed\', NEW."proved_at", NEW."tenant_id", NEW."website_id"); RETURN NULL;',
                    hash="22f50b417fc5ed1bdfc3ef484d8f629925e5e4c4",
                    operation="UPDATE",
                    pgid="pgtrigger_changed_update_26d4f",
                    table="website_origins",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="websiteorigin",
            trigger=pgtrigger.compiler.Trigger(
                name="removed_delete",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "website_origin_changes" ("created_at", "id", "origin", "pgh_context", "pgh_created_at", "pgh_label", "proved_at", "tenant_id", "website_id") VALUES (OLD."created_at", OLD."id", OLD."origin", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, clock_timestamp(), \'removed\', OLD."proved_at", OLD."tenant_id", OLD."website_id"); RETURN NULL;',
                    hash="558b8ad5610599af7c45d77163fd306e3a5c599c",
                    operation="DELETE",
                    pgid="pgtrigger_removed_delete_4c6f4",
                    table="website_origins",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddField(
            model_name="apikeychange",
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
            model_name="invitationchange",
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
            model_name="membershipchange",
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
            model_name="tenantchange",
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
            model_name="websitechange",
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
            model_name="websiteoriginchange",
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
            model_name="apikeychange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="api_key_change_row"),
        ),
        migrations.AddIndex(
            model_name="apikeychange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="api_key_change_time"),
        ),
        migrations.AddIndex(
            model_name="invitationchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="invitation_change_row"),
        ),
        migrations.AddIndex(
            model_name="invitationchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="invitation_change_time"),
        ),
        migrations.AddIndex(
            model_name="membershipchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="membership_change_row"),
        ),
        migrations.AddIndex(
            model_name="membershipchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="membership_change_time"),
        ),
        migrations.AddIndex(
            model_name="tenantchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="tenant_change_row"),
        ),
        migrations.AddIndex(
            model_name="tenantchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="tenant_change_time"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="tenantchange",
            trigger=pgtrigger.compiler.Trigger(
                name="of_itself",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="NEW.tenant_id := NEW.id; RETURN NEW;",
                    hash="32fefe4a1e00e59fee0a8de8f38a6e7975a22dfa",
                    operation="INSERT",
                    pgid="pgtrigger_of_itself_fd7ad",
                    table="tenant_changes",
                    when="BEFORE",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="websitechange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="website_change_row"),
        ),
        migrations.AddIndex(
            model_name="websitechange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="website_change_time"),
        ),
        migrations.AddIndex(
            model_name="websiteoriginchange",
            index=models.Index(fields=["tenant", "id", "pgh_id"], name="website_origin_change_row"),
        ),
        migrations.AddIndex(
            model_name="websiteoriginchange",
            index=models.Index(fields=["tenant", "-pgh_created_at"], name="website_origin_change_time"),
        ),
        tenant_policy("tenant_changes"),
        tenant_policy("membership_changes"),
        tenant_policy("invitation_changes"),
        tenant_policy("website_changes"),
        tenant_policy("website_origin_changes"),
        tenant_policy("api_key_changes"),
        # The operator makes, suspends and limits tenants from its own scope; what it did is in the tenant's record.
        migrations.RunSQL(
            f"CREATE POLICY operator_rows ON tenant_changes USING ({ACTIVE_TENANT_SQL} = '{OPERATOR_ID}');",
            "DROP POLICY operator_rows ON tenant_changes;",
        ),
        rows_as_found(
            "tenants",
            "tenant_changes",
            "name, slug, is_active, time_zone, retention_days, turn_retention_days, redact_when, redact_after_hours, kinds_kept, ip_storage, stores_user_agent, token_idle_days, token_lifetime_days, session_turns_per_minute, network_turns_per_minute, turns_per_minute, turns_per_day, tokens_per_day",
        ),
        rows_as_found("memberships", "membership_changes", "tenant_id, user_id, role"),
        rows_as_found(
            "invitations",
            "invitation_changes",
            "tenant_id, role, note, invited_by_id, expires_at, accepted_at, accepted_by_id, revoked_at",
        ),
        rows_as_found(
            "websites",
            "website_changes",
            "tenant_id, domain, title, is_active, require_session_token, double_send, turns_per_day, tokens_per_day, quota_message, retention_days, turn_retention_days, redact_when, redact_after_hours, kinds_kept, ip_storage, stores_user_agent, legal_hold_at, legal_hold_by, identity_secret_made_at, proved_at, proof_method, proof_lapsed_at",
        ),
        rows_as_found("website_origins", "website_origin_changes", "tenant_id, website_id, origin, proved_at"),
        rows_as_found(
            "api_keys", "api_key_changes", "tenant_id, name, prefix, scopes, expires_at, revoked_at, created_by_id"
        ),
    ]
