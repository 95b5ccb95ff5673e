import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
import tenants.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Tenant",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("name", models.CharField(max_length=120)),
                ("slug", models.SlugField(unique=True)),
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
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
            ],
            options={
                "db_table": "tenants",
                "ordering": ["name"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("retention_days__range", (1, 3650))), name="tenant_retention_days_sane"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Website",
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
                ("domain", models.CharField(max_length=253)),
                ("title", models.CharField(blank=True, max_length=120)),
                (
                    "site_key",
                    models.CharField(
                        default=tenants.identifiers.new_site_key, editable=False, max_length=64, unique=True
                    ),
                ),
                ("is_active", models.BooleanField(default=True)),
                (
                    "require_session_token",
                    models.BooleanField(
                        default=True,
                        help_text="Only sessions started with a token may chat; the widget always does so.",
                    ),
                ),
                ("proved_at", models.DateTimeField(editable=False, null=True)),
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
                "db_table": "websites",
                "ordering": ["domain"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="WebsiteOrigin",
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
                ("origin", models.CharField(max_length=300)),
                ("host", models.CharField(max_length=253)),
                ("proved_at", models.DateTimeField(editable=False, null=True)),
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
                        related_name="origins",
                        to="tenants.website",
                    ),
                ),
            ],
            options={
                "db_table": "website_origins",
                "ordering": ["origin"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Membership",
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
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
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
                "db_table": "memberships",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "user"), name="membership_once_per_user"),
                    models.CheckConstraint(
                        condition=models.Q(("role__in", ["owner", "admin", "auditor"])), name="membership_role_known"
                    ),
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.UniqueConstraint(fields=("tenant", "domain"), name="website_domain_once_per_tenant"),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.UniqueConstraint(
                condition=models.Q(("proved_at__isnull", False)), fields=("domain",), name="website_domain_proved_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="website_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="website",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("domain__regex", "^[a-z0-9.-]+$"),
                    models.Q(("domain__startswith", "."), _negated=True),
                    models.Q(("domain__endswith", "."), _negated=True),
                ),
                name="website_domain_normalised",
            ),
        ),
        migrations.AddConstraint(
            model_name="websiteorigin",
            constraint=models.UniqueConstraint(fields=("website", "origin"), name="website_origin_listed_once"),
        ),
        migrations.AddConstraint(
            model_name="websiteorigin",
            constraint=models.UniqueConstraint(
                condition=models.Q(("proved_at__isnull", False)), fields=("origin",), name="website_origin_proved_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="websiteorigin",
            constraint=models.CheckConstraint(
                condition=models.Q(("origin__regex", "^https?://[a-z0-9.-]+(:[0-9]{1,5})?$")),
                name="website_origin_normalised",
            ),
        ),
    ]
