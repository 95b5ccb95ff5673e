"""Erasures: what was asked to be deleted, how far it has come, and the receipts; sessions by whose they are."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import door, tenant_policy, tenant_primary_key


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0006_looks"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("tenants", "0010_erasing_keys"),
    ]

    operations = [
        migrations.CreateModel(
            name="Erasure",
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
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("visitor", "One conversation, by its visitor"),
                            ("session", "One conversation"),
                            ("user", "A visitor's conversations"),
                            ("conversations", "A website's conversations"),
                            ("website", "A website with its conversations"),
                            ("tenant", "A tenant"),
                        ],
                        max_length=16,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[("waiting", "Waiting"), ("running", "Under way"), ("done", "Done")],
                        db_default="waiting",
                        default="waiting",
                        max_length=16,
                    ),
                ),
                ("session_pk", models.UUIDField(editable=False, null=True)),
                ("website_pk", models.UUIDField(editable=False, null=True)),
                ("user_id", models.CharField(blank=True, db_default="", default="", editable=False, max_length=255)),
                ("receipt_hmac", models.BinaryField(null=True)),
                ("sessions_total", models.PositiveIntegerField(db_default=0, default=0)),
                ("sessions_done", models.PositiveIntegerField(db_default=0, default=0)),
                ("messages_done", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("turns_done", models.PositiveBigIntegerField(db_default=0, default=0)),
                ("sessions_held", models.PositiveIntegerField(db_default=0, default=0)),
                ("started_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": "erasures",
                "ordering": ["-created_at", "-id"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddIndex(
            model_name="agentsession",
            index=models.Index(
                condition=models.Q(("user_id__isnull", False)),
                fields=["tenant", "user_id", "id"],
                name="agent_session_of_user",
            ),
        ),
        migrations.AddField(
            model_name="erasure",
            name="tenant",
            field=models.ForeignKey(
                editable=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to="tenants.tenant"
            ),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(fields=["tenant", "-created_at", "-id"], name="erasure_newest"),
        ),
        migrations.AddIndex(
            model_name="erasure",
            index=models.Index(
                condition=models.Q(("state__in", ["waiting", "running"])), fields=["tenant"], name="erasure_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running")), fields=("tenant",), name="erasure_one_running_per_tenant"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.UniqueConstraint(
                condition=models.Q(("receipt_hmac__isnull", False)),
                fields=("tenant", "receipt_hmac"),
                name="erasure_receipt_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["visitor", "session", "user", "conversations", "website", "tenant"])),
                name="erasure_kind_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["waiting", "running", "done"])), name="erasure_state_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="erasure",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "done"), _negated=True),
                    models.Q(
                        ("finished_at__isnull", False),
                        ("session_pk__isnull", True),
                        ("user_id", ""),
                        ("website_pk__isnull", True),
                    ),
                    _connector="OR",
                ),
                name="erasure_done_names_nobody",
            ),
        ),
        tenant_primary_key("erasures"),
        tenant_policy("erasures"),
        door(
            "door_tenants_with_erasures_due()",
            "SETOF uuid",
            "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM erasures e WHERE e.tenant_id = t.id"
            " AND e.state IN ('waiting', 'running'))",
        ),
        # What staff did to a session named it by the id that its browser has. Its row's own id tells nothing.
        migrations.RunSQL(
            "UPDATE django_admin_log l SET object_repr = l.object_id FROM django_content_type c"
            " WHERE c.id = l.content_type_id AND c.app_label = 'agent_sessions' AND c.model = 'agentsession';",
            migrations.RunSQL.noop,
        ),
    ]
