"""Invitations with their door, and the counts of tries that guard logins and invitations."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.conf import settings
from django.db import migrations, models

from tenants.policies import door, tenant_policy


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0007_refused_origins"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="membership", options={"base_manager_name": "objects", "verbose_name": "member"}
        ),
        migrations.CreateModel(
            name="Throttle",
            fields=[
                ("key", models.BinaryField(max_length=32, primary_key=True, serialize=False)),
                ("tries", models.PositiveIntegerField()),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
            options={
                "db_table": "throttles",
            },
        ),
        migrations.CreateModel(
            name="Invitation",
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
                ("token_hash", models.BinaryField(max_length=32, unique=True)),
                ("expires_at", models.DateTimeField(editable=False)),
                ("accepted_at", models.DateTimeField(editable=False, null=True)),
                ("revoked_at", models.DateTimeField(editable=False, null=True)),
                (
                    "accepted_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "invited_by",
                    models.ForeignKey(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
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
                "db_table": "invitations",
                "ordering": ["-created_at"],
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [models.Index(fields=["tenant", "-created_at"], name="invitation_newest")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "auditor"])), name="invitation_role_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("accepted_at__isnull", True), ("revoked_at__isnull", True), _connector="OR"
                        ),
                        name="invitation_ended_once",
                    ),
                ],
            },
        ),
        tenant_policy("invitations"),
        door(
            "door_invitation_by_hash(p_token_hash bytea)",
            "TABLE (tenant_id uuid, invitation_id uuid, tenant_name text, role text)",
            "SELECT i.tenant_id, i.id, t.name, i.role FROM invitations i JOIN tenants t ON t.id = i.tenant_id"
            " WHERE i.token_hash = p_token_hash AND i.accepted_at IS NULL AND i.revoked_at IS NULL"
            " AND i.expires_at > now()"
            # Whoever made it must still be one who may: switched off, demoted or removed, they let nobody in.
            " AND EXISTS (SELECT FROM auth_user u WHERE u.id = i.invited_by_id AND u.is_active AND u.is_staff"
            " AND (u.is_superuser OR EXISTS (SELECT FROM memberships m WHERE m.tenant_id = i.tenant_id"
            " AND m.user_id = u.id AND m.role = 'owner')))",
        ),
    ]
