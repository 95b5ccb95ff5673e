"""Origins that tried a website's key and were refused, and the door from that key to its website."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import composite_foreign_key, door, tenant_policy


class Migration(migrations.Migration):
    dependencies = [("tenants", "0006_domain_proof")]

    operations = [
        migrations.CreateModel(
            name="RefusedOrigin",
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
                ("day", models.DateField()),
                ("origin", models.CharField(blank=True, max_length=300)),
                ("first_at", models.DateTimeField()),
                ("last_at", models.DateTimeField()),
                ("times", models.PositiveBigIntegerField()),
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.website",
                    ),
                ),
            ],
            options={
                "db_table": "refused_origins",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("tenant", "website", "day", "origin"), name="refused_origin_once_a_day"
                    )
                ],
            },
        ),
        composite_foreign_key("refused_origins", "tenant_id, website_id", "websites", "tenant_id, id", "CASCADE"),
        tenant_policy("refused_origins"),
        door(
            "door_website_by_site_key(p_site_key text)",
            "TABLE (tenant_id uuid, website_id uuid)",
            "SELECT w.tenant_id, w.id FROM websites w WHERE w.site_key = p_site_key",
        ),
        door(
            "door_tenants_with_old_refusals()",
            "SETOF uuid",
            "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM refused_origins r WHERE r.tenant_id = t.id"
            " AND r.day < current_date - 30)",
        ),
    ]
