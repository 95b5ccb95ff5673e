"""Keys of websites' servers, and the door from the part of a key that is no secret to what checks the rest."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.conf import settings
from django.db import migrations, models

from tenants.policies import door, tenant_policy


class Migration(migrations.Migration):
    dependencies = [
        ("tenants", "0003_limits"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiKey",
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
                ("name", models.CharField(max_length=80)),
                ("prefix", models.CharField(editable=False, max_length=16, unique=True)),
                ("secret_hmac", models.BinaryField()),
                ("hmac_key_id", models.CharField(editable=False, max_length=255)),
                ("scopes", models.JSONField(default=list)),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires")),
                ("last_used_at", models.DateTimeField(editable=False, null=True, verbose_name="last used")),
                ("revoked_at", models.DateTimeField(editable=False, null=True, verbose_name="revoked")),
                (
                    "created_by",
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
                "verbose_name": "API key",
                "db_table": "api_keys",
                "ordering": ["-created_at"],
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("prefix__regex", "^[0-9a-f]{12}$")), name="api_key_prefix_plain"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("scopes__contained_by", ["chat", "sessions:read"]), models.Q(("scopes", []), _negated=True)
                        ),
                        name="api_key_scopes_known",
                    ),
                ],
            },
        ),
        tenant_policy("api_keys"),
        door(
            "door_api_key(p_prefix text)",
            "TABLE (api_key_id uuid, tenant_id uuid, secret_hmac bytea, hmac_key_id text, scopes jsonb, is_active boolean)",
            "SELECT k.id, k.tenant_id, k.secret_hmac, k.hmac_key_id, k.scopes,"
            " t.is_active AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())"
            " FROM api_keys k JOIN tenants t ON t.id = k.tenant_id WHERE k.prefix = p_prefix",
        ),
    ]
