"""The privacy policy of tenants and websites, the keys of placeholders, legal holds, and the jobs' heartbeats."""

import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import changed_door, kept_while_held, tenant_policy

# What holds on a website: its own word, or else its tenant's. The one place that says so; ``tenants.privacy_policy``
# reads it in Python. In the two modes that redact while a conversation goes on, an hour's silence shows that it went
# away unfinished, or was there before the mode was chosen.
_POLICY_VIEW = """
CREATE VIEW privacy_policies WITH (security_invoker = true) AS
SELECT p.tenant_id, p.website_id, p.is_held, p.redact_when, p.kinds_kept, p.ip_storage, p.stores_user_agent,
       p.retention_days, LEAST(p.turn_retention_days, p.retention_days) AS turn_retention_days,
       CASE p.redact_when WHEN 'after_silence' THEN p.redact_after_hours ELSE 1 END AS redact_after_hours
  FROM (SELECT w.tenant_id, w.id AS website_id, w.legal_hold_at IS NOT NULL AS is_held,
               COALESCE(w.redact_when, t.redact_when) AS redact_when,
               COALESCE(w.redact_after_hours, t.redact_after_hours) AS redact_after_hours,
               COALESCE(w.kinds_kept, t.kinds_kept) AS kinds_kept,
               COALESCE(w.ip_storage, t.ip_storage) AS ip_storage,
               COALESCE(w.stores_user_agent, t.stores_user_agent) AS stores_user_agent,
               COALESCE(w.retention_days, t.retention_days) AS retention_days,
               COALESCE(w.turn_retention_days, t.turn_retention_days) AS turn_retention_days
          FROM websites w JOIN tenants t ON t.id = w.tenant_id) p
"""

_RETURNS = (
    "tenant_id uuid, website_id uuid, domain text, title text, site_key text,"
    " require_session_token boolean, is_active boolean, hosts text[], double_send text, quota_message text,"
    " time_zone text, session_turns_per_minute integer, network_turns_per_minute integer,"
    " tenant_turns_per_minute integer, tenant_turns_per_day bigint, tenant_tokens_per_day bigint,"
    " website_turns_per_day bigint, website_tokens_per_day bigint, token_idle_days integer,"
    " token_lifetime_days integer"
)
_COLUMNS = (
    "w.tenant_id, w.id, w.domain, w.title, w.site_key, w.require_session_token, w.is_active AND t.is_active,"
    " ARRAY(SELECT h.host::text FROM website_origins h WHERE h.tenant_id = w.tenant_id"
    " AND h.website_id = w.id AND h.proved_at IS NOT NULL), w.double_send, w.quota_message, t.time_zone,"
    " t.session_turns_per_minute, t.network_turns_per_minute, t.turns_per_minute, t.turns_per_day, t.tokens_per_day,"
    " w.turns_per_day, w.tokens_per_day, t.token_idle_days, t.token_lifetime_days"
)
_ROWS = (
    " FROM website_origins o"
    " JOIN websites w ON w.tenant_id = o.tenant_id AND w.id = o.website_id"
    " JOIN tenants t ON t.id = w.tenant_id{}"
    " WHERE o.origin = p_origin AND o.proved_at IS NOT NULL AND w.proved_at IS NOT NULL"
)
_MORE_RETURNS = (
    ", redact_when text, redact_after_hours integer, kinds_kept jsonb, ip_storage text, stores_user_agent boolean,"
    " retention_days integer, turn_retention_days integer, is_held boolean"
)
_MORE_COLUMNS = (
    ", p.redact_when, p.redact_after_hours, p.kinds_kept, p.ip_storage, p.stores_user_agent, p.retention_days,"
    " p.turn_retention_days, p.is_held"
)
_MORE_ROWS = " JOIN privacy_policies p ON p.tenant_id = w.tenant_id AND p.website_id = w.id"


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0010_erasing_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="JobHeartbeat",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("period_seconds", models.FloatField()),
                ("registered_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("last_started_at", models.DateTimeField(null=True)),
                ("last_finished_at", models.DateTimeField(null=True)),
                ("last_duration_ms", models.PositiveIntegerField(null=True)),
                ("last_outcome", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ("last_error_code", models.CharField(blank=True, db_default="", default="", max_length=64)),
            ],
            options={
                "db_table": "job_heartbeats",
            },
        ),
        migrations.CreateModel(
            name="RedactionKey",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("key_sealed", models.BinaryField()),
            ],
            options={
                "db_table": "redaction_keys",
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddField(
            model_name="tenant",
            name="ip_storage",
            field=models.CharField(
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
        migrations.AddField(
            model_name="tenant",
            name="kinds_kept",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="Everything else is replaced, also kinds that are learnt later.",
                verbose_name="kinds left as they are",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="redact_after_hours",
            field=models.PositiveIntegerField(
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
        migrations.AddField(
            model_name="tenant",
            name="redact_when",
            field=models.CharField(
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
        migrations.AddField(
            model_name="tenant",
            name="stores_user_agent",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="What the browser says of itself, with each conversation.",
                verbose_name="store which browser a visitor uses",
            ),
        ),
        migrations.AddField(
            model_name="tenant",
            name="turn_retention_days",
            field=models.PositiveIntegerField(
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
        migrations.AddField(
            model_name="website",
            name="ip_storage",
            field=models.CharField(
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
        migrations.AddField(
            model_name="website",
            name="kinds_kept",
            field=models.JSONField(blank=True, null=True, verbose_name="kinds left as they are"),
        ),
        migrations.AddField(
            model_name="website",
            name="legal_hold_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="website",
            name="legal_hold_by",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
        ),
        migrations.AddField(
            model_name="website",
            name="redact_after_hours",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(8760),
                ],
                verbose_name="hours of silence",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="redact_when",
            field=models.CharField(
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
        migrations.AddField(
            model_name="website",
            name="retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="days a conversation is kept",
            ),
        ),
        migrations.AddField(
            model_name="website",
            name="stores_user_agent",
            field=models.BooleanField(blank=True, null=True, verbose_name="store which browser a visitor uses"),
        ),
        migrations.AddField(
            model_name="website",
            name="turn_retention_days",
            field=models.PositiveIntegerField(
                blank=True,
                null=True,
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="days a turn's own words are kept",
            ),
        ),
        migrations.AlterField(
            model_name="tenant",
            name="retention_days",
            field=models.PositiveIntegerField(
                default=30,
                help_text="Conversations without a message for this many days are deleted.",
                validators=[
                    django.core.validators.MinValueValidator(1),
                    django.core.validators.MaxValueValidator(3650),
                ],
                verbose_name="days a conversation is kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("turn_retention_days__range", (1, 3650))), name="tenant_turn_retention_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("redact_after_hours__range", (1, 8760))), name="tenant_redact_after_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("redact_when__in", ["after_silence", "at_turn_end", "before_model", "never"])),
                name="tenant_redact_when_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(("ip_storage__in", ["not", "truncated", "whole"])), name="tenant_ip_storage_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="tenant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kinds_kept__contained_by",
                        [
                            "name",
                            "email",
                            "phone",
                            "address",
                            "birth_date",
                            "national_id",
                            "card",
                            "iban",
                            "secret",
                            "ip",
                            "mac",
                        ],
                    )
                ),
                name="tenant_kinds_kept_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("retention_days__range", (1, 3650))), name="website_retention_days_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("turn_retention_days__range", (1, 3650))), name="website_turn_retention_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("redact_after_hours__range", (1, 8760))), name="website_redact_after_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("redact_when__in", ["after_silence", "at_turn_end", "before_model", "never"])),
                name="website_redact_when_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(("ip_storage__in", ["not", "truncated", "whole"])), name="website_ip_storage_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kinds_kept__contained_by",
                        [
                            "name",
                            "email",
                            "phone",
                            "address",
                            "birth_date",
                            "national_id",
                            "card",
                            "iban",
                            "secret",
                            "ip",
                            "mac",
                        ],
                    )
                ),
                name="website_kinds_kept_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("legal_hold_at__isnull", True), ("legal_hold_by", "")),
                    models.Q(("legal_hold_at__isnull", False), models.Q(("legal_hold_by", ""), _negated=True)),
                    _connector="OR",
                ),
                name="website_legal_hold_is_somebodys",
            ),
        ),
        migrations.AddField(
            model_name="redactionkey",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="redactionkey",
            constraint=models.UniqueConstraint(fields=("tenant",), name="redaction_key_one"),
        ),
        tenant_policy("redaction_keys"),
        kept_while_held("websites", "legal_hold_at IS NULL"),
        migrations.RunSQL(_POLICY_VIEW, "DROP VIEW privacy_policies;"),
        changed_door(
            "door_website_by_origin(p_origin text)",
            before=(f"TABLE ({_RETURNS})", f"SELECT {_COLUMNS}{_ROWS.format('')}"),
            after=(f"TABLE ({_RETURNS}{_MORE_RETURNS})", f"SELECT {_COLUMNS}{_MORE_COLUMNS}{_ROWS.format(_MORE_ROWS)}"),
        ),
    ]
