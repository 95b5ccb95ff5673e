"""Long histories roll: their older messages go into segments of their own."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import composite_foreign_key, tenant_policy, tenant_primary_key


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0003_waiting_and_stopping"),
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.CreateModel(
            name="HistorySegment",
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
                ("first_position", models.PositiveIntegerField()),
                ("message_count", models.PositiveIntegerField()),
                ("messages", models.JSONField()),
                (
                    "agent_session",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="segments",
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
                "db_table": "history_segments",
                "ordering": ["first_position"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddConstraint(
            model_name="historysegment",
            constraint=models.UniqueConstraint(
                fields=("tenant", "agent_session", "first_position"), name="history_segment_position_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="historysegment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("message_count__gt", 0),
                    (
                        "message_count",
                        models.Func(
                            models.F("messages"), function="jsonb_array_length", output_field=models.IntegerField()
                        ),
                    ),
                ),
                name="history_segment_holds_its_count",
            ),
        ),
        tenant_primary_key("history_segments"),
        composite_foreign_key(
            "history_segments", "tenant_id, agent_session_id", "agent_sessions", "tenant_id, id", "CASCADE"
        ),
        tenant_policy("history_segments"),
    ]
