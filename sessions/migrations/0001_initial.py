import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
import uuid
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("agents", "0001_initial"),
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AgentSession",
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
                ("agent_tenant_id", models.UUIDField(editable=False)),
                ("session_id", models.CharField(max_length=128)),
                ("origin_host", models.CharField(max_length=253)),
                ("history", models.JSONField(db_default=models.Value([], models.JSONField()), default=list)),
                ("context", models.JSONField(db_default=models.Value({}, models.JSONField()), default=dict)),
                ("message_count", models.PositiveIntegerField(db_default=0, default=0)),
                ("user_id", models.CharField(blank=True, max_length=255, null=True)),
                ("user_verified", models.BooleanField(db_default=False, default=False)),
                ("token_hash", models.BinaryField(null=True)),
                ("last_activity_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="agents.agent",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
                (
                    "website",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tenants.website",
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "db_table": "agent_sessions",
                "ordering": ["-last_activity_at", "-id"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Turn",
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
                ("message_id", models.CharField(max_length=128)),
                ("number", models.PositiveIntegerField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("completed", "Completed"),
                            ("failed", "Failed"),
                            ("abandoned", "Abandoned"),
                            ("stopped", "Stopped"),
                        ],
                        max_length=16,
                    ),
                ),
                ("fence", models.PositiveIntegerField(db_default=1, default=1)),
                ("lease_expires_at", models.DateTimeField(null=True)),
                ("message", models.TextField(blank=True, db_default="", default="")),
                ("message_hmac", models.BinaryField()),
                ("reply_id", models.CharField(blank=True, db_default="", default="", max_length=128)),
                ("message_count", models.PositiveIntegerField(null=True)),
                ("error_code", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("error_reason", models.CharField(blank=True, db_default="", default="", max_length=64)),
                ("model", models.CharField(blank=True, db_default="", default="", max_length=120)),
                ("demo", models.BooleanField(db_default=False, default=False)),
                ("input_tokens", models.PositiveIntegerField(db_default=0, default=0)),
                ("output_tokens", models.PositiveIntegerField(db_default=0, default=0)),
                ("first_token_ms", models.PositiveIntegerField(null=True)),
                ("total_ms", models.PositiveIntegerField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "agent_session",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="turns",
                        to="agent_sessions.agentsession",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                    ),
                ),
            ],
            options={
                "db_table": "turns",
                "ordering": ["number"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="agentsession",
            index=models.Index(fields=["tenant", "last_activity_at", "id"], name="agent_session_activity"),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.UniqueConstraint(
                fields=("tenant", "website", "session_id"), name="agent_session_id_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.CheckConstraint(
                condition=models.Q(("session_id__regex", "^[A-Za-z0-9_-]{8,128}$")), name="agent_session_id_plain"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agent_tenant_id", models.F("tenant_id")),
                    ("agent_tenant_id", uuid.UUID("00000000-0000-7000-8000-000000000001")),
                    _connector="OR",
                ),
                name="agent_session_own_or_operators_agent",
            ),
        ),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(
                condition=models.Q(("state", "running")), fields=["tenant", "lease_expires_at"], name="turn_lease"
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.UniqueConstraint(
                fields=("tenant", "agent_session", "message_id"), name="turn_message_id_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.UniqueConstraint(fields=("tenant", "agent_session", "number"), name="turn_number_once"),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("tenant", "agent_session"), name="turn_one_running"
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["queued", "running", "completed", "failed", "abandoned", "stopped"])),
                name="turn_state_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.CheckConstraint(
                condition=models.Q(("message_id__regex", "^[A-Za-z0-9_-]{8,128}$")), name="turn_message_id_plain"
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "running"), _negated=True), ("lease_expires_at__isnull", False), _connector="OR"
                ),
                name="turn_running_has_lease",
            ),
        ),
    ]
