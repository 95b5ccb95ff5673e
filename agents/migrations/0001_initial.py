import django.core.validators
import django.db.models.deletion
import django.db.models.functions.datetime
import django.db.models.manager
import tenants.identifiers
import uuid
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("tenants", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="ModelConnection",
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
                ("name", models.CharField(max_length=120)),
                ("base_url", models.CharField(max_length=300, verbose_name="base URL")),
                ("api_key_sealed", models.BinaryField(default=b"")),
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
                "db_table": "model_connections",
                "ordering": ["name"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.CreateModel(
            name="Agent",
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
                    "connection",
                    models.ForeignKey(
                        blank=True,
                        db_constraint=False,
                        help_text="Without one, the built-in demo model answers.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agents",
                        to="agents.modelconnection",
                    ),
                ),
            ],
            options={
                "db_table": "agents",
                "ordering": ["key"],
                "base_manager_name": "shared",
            },
            managers=[
                ("shared", django.db.models.manager.Manager()),
            ],
        ),
        migrations.CreateModel(
            name="WebsiteAgent",
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
                (
                    "agent",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="website_agents",
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
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="website_agents",
                        to="tenants.website",
                    ),
                ),
            ],
            options={
                "db_table": "website_agents",
                "ordering": ["-is_default", "created_at"],
                "abstract": False,
                "base_manager_name": "objects",
            },
        ),
        migrations.AddConstraint(
            model_name="modelconnection",
            constraint=models.UniqueConstraint(fields=("tenant", "name"), name="model_connection_name_once"),
        ),
        migrations.AddConstraint(
            model_name="modelconnection",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="model_connection_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.UniqueConstraint(fields=("tenant", "key"), name="agent_key_once"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.UniqueConstraint(fields=("tenant", "id"), name="agent_tenant_id"),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(("key__regex", "^[a-z0-9][a-z0-9_-]{1,63}$")), name="agent_key_plain"
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_context_messages__lte", 50)), name="agent_context_messages_bounded"
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("connection__isnull", True), models.Q(("model", ""), _negated=True), _connector="OR"
                ),
                name="agent_connection_needs_a_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="websiteagent",
            constraint=models.UniqueConstraint(fields=("website", "agent"), name="website_agent_once"),
        ),
        migrations.AddConstraint(
            model_name="websiteagent",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_default", True)), fields=("website",), name="website_agent_one_default"
            ),
        ),
        migrations.AddConstraint(
            model_name="websiteagent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("agent_tenant_id", models.F("tenant_id")),
                    ("agent_tenant_id", uuid.UUID("00000000-0000-7000-8000-000000000001")),
                    _connector="OR",
                ),
                name="website_agent_own_or_operators",
            ),
        ),
    ]
