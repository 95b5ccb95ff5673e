"""What answers: agents, the connections to their models, and which website uses which agent."""

from decimal import Decimal
from typing import Any

import pgtrigger
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q

from tenants import recording
from tenants.foreign_keys import TenantForeignKey
from tenants.identifiers import OPERATOR_ID
from tenants.models import Change, TenantOwned, Website
from tenants.scoping import SharedManager

KEY_PATTERN = r"^[a-z0-9][a-z0-9_-]{1,63}$"


class ModelConnection(TenantOwned):
    """Where a model is: an OpenAI-compatible base URL and the key to it, sealed to this row."""

    name = models.CharField(max_length=120)
    base_url = models.CharField("base URL", max_length=300)
    api_key_sealed = models.BinaryField(editable=False, default=b"")
    connect_timeout_seconds = models.PositiveSmallIntegerField(
        default=5, validators=[MinValueValidator(1), MaxValueValidator(60)]
    )
    first_token_timeout_seconds = models.PositiveSmallIntegerField(
        default=30, validators=[MinValueValidator(1), MaxValueValidator(300)]
    )
    idle_timeout_seconds = models.PositiveSmallIntegerField(
        default=15, validators=[MinValueValidator(1), MaxValueValidator(300)]
    )

    class Meta(TenantOwned.Meta):
        db_table = "model_connections"
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="model_connection_name_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="model_connection_tenant_id"),
        ]

    def __str__(self) -> str:
        return self.name


class Agent(TenantOwned):
    """What a visitor talks with. The operator's agents may serve every tenant's websites."""

    key = models.CharField(
        max_length=64,
        validators=[RegexValidator(KEY_PATTERN, "Small letters, digits, _ and -, such as agent_001.")],
        help_text="The public agent_id.",
    )
    name = models.CharField(max_length=120)
    instructions = models.TextField(blank=True, max_length=20_000)
    connection = TenantForeignKey(
        ModelConnection,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="agents",
        db_constraint=False,
        help_text="Without one, the built-in demo model answers.",
    )
    model = models.CharField(max_length=120, blank=True, help_text="The model's name at the connection.")
    fallback_connection = TenantForeignKey(
        ModelConnection,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="agents_falling_back",
        db_constraint=False,
        help_text="Asked where the first cannot answer. It may be the first again, with another model.",
    )
    fallback_model = models.CharField(max_length=120, blank=True, default="", db_default="")
    temperature = models.DecimalField(
        max_digits=3,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(2))],
    )
    max_output_tokens = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    max_context_messages = models.PositiveSmallIntegerField(
        default=50, validators=[MaxValueValidator(50)], help_text="Past messages the model is shown, at most."
    )
    max_context_tokens = models.PositiveIntegerField(
        default=8_000, validators=[MinValueValidator(100)], help_text="Tokens of past messages, at most."
    )
    context_keys = models.JSONField(
        default=list, blank=True, help_text="Keys of the session's context that the model may see."
    )
    total_timeout_seconds = models.PositiveSmallIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(600)]
    )
    is_active = models.BooleanField(default=True)

    shared = SharedManager()

    class Meta:
        db_table = "agents"
        ordering = ["key"]
        # Rows that point at the operator's agents must be able to follow their own foreign key.
        base_manager_name = "shared"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "key"], name="agent_key_once"),
            models.UniqueConstraint(fields=["tenant", "id"], name="agent_tenant_id"),
            models.CheckConstraint(condition=Q(key__regex=KEY_PATTERN), name="agent_key_plain"),
            models.CheckConstraint(condition=Q(max_context_messages__lte=50), name="agent_context_messages_bounded"),
            models.CheckConstraint(
                condition=Q(connection__isnull=True) | ~Q(model=""), name="agent_connection_needs_a_model"
            ),
            models.CheckConstraint(
                condition=Q(fallback_connection__isnull=True) | Q(connection__isnull=False) & ~Q(fallback_model=""),
                name="agent_fallback_needs_a_first_and_a_model",
            ),
            models.CheckConstraint(
                condition=Q(fallback_connection__isnull=True)
                | ~Q(fallback_connection=F("connection"))
                | ~Q(fallback_model=F("model")),
                name="agent_fallback_is_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.key})"


class WebsiteAgent(TenantOwned):
    """That a website uses an agent, and what the agent is told and looks like there."""

    website = TenantForeignKey(Website, on_delete=models.CASCADE, related_name="website_agents", db_constraint=False)
    agent_tenant_id = models.UUIDField(editable=False)
    agent = TenantForeignKey(Agent, on_delete=models.PROTECT, related_name="website_agents", db_constraint=False)
    is_default = models.BooleanField(default=True)
    instructions = models.TextField(
        blank=True, max_length=20_000, help_text="Facts of this website: opening hours, address, delivery."
    )
    welcome = models.CharField(max_length=500, blank=True, default="Hello! How can we help?")
    starters = models.JSONField(default=list, blank=True, help_text="Questions a visitor may click on.")
    accent = models.CharField(
        max_length=7, blank=True, default="#4f46e5", validators=[RegexValidator(r"^#[0-9a-f]{6}$", "Such as #4f46e5.")]
    )
    position = models.CharField(max_length=5, choices=[("right", "Right"), ("left", "Left")], default="right")

    class Meta(TenantOwned.Meta):
        db_table = "website_agents"
        ordering = ["-is_default", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "website", "agent"], name="website_agent_once"),
            models.UniqueConstraint(
                fields=["tenant", "website"], condition=Q(is_default=True), name="website_agent_one_default"
            ),
            models.CheckConstraint(
                condition=Q(agent_tenant_id=F("tenant_id")) | Q(agent_tenant_id=OPERATOR_ID),
                name="website_agent_own_or_operators",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} on {self.website}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.agent_tenant_id = self.agent.tenant_id
        super().save(*args, **kwargs)


# The record of changes. An agent's instructions are the tenant's own text, and are kept in it; keys are not.

ModelConnectionChange = recording.change_model(
    Change,
    ModelConnection,
    [
        "name",
        "base_url",
        "connect_timeout_seconds",
        "first_token_timeout_seconds",
        "idle_timeout_seconds",
    ],
    sealed=pgtrigger.AnyChange("api_key_sealed"),
)
AgentChange = recording.change_model(
    Change,
    Agent,
    [
        "key",
        "name",
        "instructions",
        "connection",
        "model",
        "fallback_connection",
        "fallback_model",
        "temperature",
        "max_output_tokens",
        "max_context_messages",
        "max_context_tokens",
        "context_keys",
        "total_timeout_seconds",
        "is_active",
    ],
)
WebsiteAgentChange = recording.change_model(
    Change,
    WebsiteAgent,
    [
        "website",
        "agent",
        "is_default",
        "instructions",
        "welcome",
        "starters",
        "accent",
        "position",
    ],
)
