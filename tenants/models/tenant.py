"""A customer of the operator, with its policies."""

from zoneinfo import available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from tenants.identifiers import OPERATOR_ID, new_id
from tenants.models.bounded import (
    MOST_RETENTION_DAYS,
    MOST_SILENCE_HOURS,
    MOST_TOKEN_IDLE_DAYS,
    MOST_TOKEN_LIFETIME_DAYS,
    MOST_TOKENS_PER_DAY,
    MOST_TURNS_PER_DAY,
    MOST_TURNS_PER_MINUTE,
    budget,
    days_kept,
    limit,
    one_of,
    silence_hours,
    some_of,
    within,
)
from tenants.privacy_choices import IP_STORAGES, PERSONAL_DATA, REDACTION_TIMINGS, Redact, StoreIp


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is no time zone; write one such as Europe/Berlin.")


class Tenant(models.Model):
    """A customer of the operator; the operator itself is one with a fixed id.

    No tenant manager: the row policy shows a tenant its own row, and all rows inside the operator's scope alone.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    is_active = models.BooleanField(
        default=True, help_text="Switch off to suspend the tenant: all of its websites are refused at once."
    )
    time_zone = models.CharField(max_length=64, default="UTC", validators=[check_time_zone])
    retention_days = days_kept(
        "days a conversation is kept",
        "Conversations without a message for this many days are deleted.",
        default=30,
    )
    # The privacy policy. A website may have another; ``tenants.privacy_policy`` tells what holds.
    turn_retention_days = days_kept(
        "days a turn's own words are kept",
        "Of messages that got no answer, and of answers broken off: for longer than this even a conversation that goes"
        " on does not keep them.",
        default=30,
        db_default=30,
    )
    redact_when = models.CharField(
        "personal data is replaced",
        max_length=16,
        choices=REDACTION_TIMINGS,
        default=Redact.AFTER_SILENCE.value,
        db_default=Redact.AFTER_SILENCE.value,
    )
    redact_after_hours = silence_hours(
        default=24,
        db_default=24,
        help_text="How long a conversation must have been silent before its personal data is replaced.",
    )
    kinds_kept = models.JSONField(
        "kinds left as they are",
        default=list,
        db_default=models.Value([], models.JSONField()),
        blank=True,
        help_text="Everything else is replaced, also kinds that are learnt later.",
    )
    ip_storage = models.CharField(
        "visitors' IP addresses",
        max_length=16,
        choices=IP_STORAGES,
        default=StoreIp.NOT.value,
        db_default=StoreIp.NOT.value,
    )
    stores_user_agent = models.BooleanField(
        "store which browser a visitor uses",
        default=False,
        db_default=False,
        help_text="What the browser says of itself, with each conversation.",
    )
    token_idle_days = models.PositiveIntegerField(
        "days without a message",
        default=30,
        db_default=30,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TOKEN_IDLE_DAYS)],
        help_text="A browser that was silent for longer begins a new conversation; the old one stays until it is"
        " deleted.",
    )
    token_lifetime_days = models.PositiveIntegerField(
        "days in all",
        default=180,
        db_default=180,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TOKEN_LIFETIME_DAYS)],
        help_text="After so many days a browser begins a new conversation, however much is said in the old one.",
    )
    session_turns_per_minute = limit(60, "turns per minute of one conversation", "Of one browser with one agent.")
    network_turns_per_minute = limit(
        600,
        "turns per minute of one network",
        "Of all visitors who come to one website from one address: an office, a school or a mobile network may have"
        " hundreds behind it.",
    )
    turns_per_minute = limit(6_000, "turns per minute in all", "Of all visitors of all websites of the tenant.")
    turns_per_day = budget(
        MOST_TURNS_PER_DAY,
        "turns per day",
        "Of all websites together, counted from midnight to midnight in the tenant's time zone. Empty: no limit.",
    )
    tokens_per_day = budget(
        MOST_TOKENS_PER_DAY,
        "tokens per day",
        "What models read and write for all websites together. The turn that passes it is still finished."
        " Empty: no limit.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "tenants"
        ordering = ["name"]
        constraints = [
            within("tenant_retention_days_sane", "retention_days", MOST_RETENTION_DAYS),
            within("tenant_turn_retention_sane", "turn_retention_days", MOST_RETENTION_DAYS),
            within("tenant_redact_after_sane", "redact_after_hours", MOST_SILENCE_HOURS),
            one_of("tenant_redact_when_known", "redact_when", REDACTION_TIMINGS),
            one_of("tenant_ip_storage_known", "ip_storage", IP_STORAGES),
            some_of("tenant_kinds_kept_known", "kinds_kept", PERSONAL_DATA),
            within("tenant_token_idle_days_sane", "token_idle_days", MOST_TOKEN_IDLE_DAYS),
            within("tenant_token_lifetime_days_sane", "token_lifetime_days", MOST_TOKEN_LIFETIME_DAYS),
            within("tenant_session_turns_sane", "session_turns_per_minute", MOST_TURNS_PER_MINUTE),
            within("tenant_network_turns_sane", "network_turns_per_minute", MOST_TURNS_PER_MINUTE),
            within("tenant_turns_per_minute_sane", "turns_per_minute", MOST_TURNS_PER_MINUTE),
            within("tenant_turns_per_day_sane", "turns_per_day", MOST_TURNS_PER_DAY),
            within("tenant_tokens_per_day_sane", "tokens_per_day", MOST_TOKENS_PER_DAY),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR_ID
