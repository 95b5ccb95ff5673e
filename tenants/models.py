"""Who uses Parlour: tenants, their members, their websites and the keys of their servers."""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import available_timezones

import pghistory.models
import pghistory.utils
import pgtrigger
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants import recording
from tenants.domains import display_domain
from tenants.errors import LegalHoldError
from tenants.foreign_keys import TenantForeignKey
from tenants.identifiers import OPERATOR_ID, new_id, new_proof_token, new_site_key
from tenants.privacy_choices import IP_STORAGES, PERSONAL_DATA, REDACTION_TIMINGS, Redact, StoreIp
from tenants.scoping import TenantManager, check_own

MOST_TURNS_PER_MINUTE: Final = 1_000_000
MOST_TURNS_PER_DAY: Final = 1_000_000_000
MOST_TOKENS_PER_DAY: Final = 1_000_000_000_000
MOST_TOKEN_IDLE_DAYS: Final = 365
MOST_TOKEN_LIFETIME_DAYS: Final = 730
MOST_RETENTION_DAYS: Final = 3650
MOST_SILENCE_HOURS: Final = 8760
_REDACT_WHEN: Final = [when for when, _ in REDACTION_TIMINGS]
_IP_STORAGES: Final = [storage for storage, _ in IP_STORAGES]
_KINDS: Final = [kind for kind, _ in PERSONAL_DATA]


def check_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name} is no time zone; write one such as Europe/Berlin.")


def _limit(default: int, verbose_name: str, help_text: str) -> "models.PositiveIntegerField[int, int]":
    """Turns a minute."""
    return models.PositiveIntegerField(
        verbose_name,
        default=default,
        db_default=default,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_TURNS_PER_MINUTE)],
        help_text=help_text,
    )


def _budget(most: int, verbose_name: str, help_text: str) -> "models.PositiveBigIntegerField[int | None, int | None]":
    """So many a day; NULL is as many as there are."""
    return models.PositiveBigIntegerField(
        verbose_name,
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(most)],
        help_text=help_text,
    )


def _within(name: str, field: str, most: int) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__range": (1, most)}), name=name)


def _days_kept(verbose_name: str, help_text: str, **more: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(
        verbose_name,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_RETENTION_DAYS)],
        help_text=help_text,
        **more,
    )


def _silence_hours(**more: Any) -> "models.PositiveIntegerField[Any, Any]":
    return models.PositiveIntegerField(
        "hours of silence",
        validators=[MinValueValidator(1), MaxValueValidator(MOST_SILENCE_HOURS)],
        **more,
    )


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
    retention_days = _days_kept(
        "days a conversation is kept",
        "Conversations without a message for this many days are deleted.",
        default=30,
    )
    # The privacy policy. A website may have another; ``tenants.privacy_policy`` tells what holds.
    turn_retention_days = _days_kept(
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
    redact_after_hours = _silence_hours(
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
    session_turns_per_minute = _limit(60, "turns per minute of one conversation", "Of one browser with one agent.")
    network_turns_per_minute = _limit(
        600,
        "turns per minute of one network",
        "Of all visitors who come to one website from one address: an office, a school or a mobile network may have"
        " hundreds behind it.",
    )
    turns_per_minute = _limit(6_000, "turns per minute in all", "Of all visitors of all websites of the tenant.")
    turns_per_day = _budget(
        MOST_TURNS_PER_DAY,
        "turns per day",
        "Of all websites together, counted from midnight to midnight in the tenant's time zone. Empty: no limit.",
    )
    tokens_per_day = _budget(
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
            _within("tenant_retention_days_sane", "retention_days", MOST_RETENTION_DAYS),
            _within("tenant_turn_retention_sane", "turn_retention_days", MOST_RETENTION_DAYS),
            _within("tenant_redact_after_sane", "redact_after_hours", MOST_SILENCE_HOURS),
            models.CheckConstraint(condition=Q(redact_when__in=_REDACT_WHEN), name="tenant_redact_when_known"),
            models.CheckConstraint(condition=Q(ip_storage__in=_IP_STORAGES), name="tenant_ip_storage_known"),
            models.CheckConstraint(condition=Q(kinds_kept__contained_by=_KINDS), name="tenant_kinds_kept_known"),
            _within("tenant_token_idle_days_sane", "token_idle_days", MOST_TOKEN_IDLE_DAYS),
            _within("tenant_token_lifetime_days_sane", "token_lifetime_days", MOST_TOKEN_LIFETIME_DAYS),
            _within("tenant_session_turns_sane", "session_turns_per_minute", MOST_TURNS_PER_MINUTE),
            _within("tenant_network_turns_sane", "network_turns_per_minute", MOST_TURNS_PER_MINUTE),
            _within("tenant_turns_per_minute_sane", "turns_per_minute", MOST_TURNS_PER_MINUTE),
            _within("tenant_turns_per_day_sane", "turns_per_day", MOST_TURNS_PER_DAY),
            _within("tenant_tokens_per_day_sane", "tokens_per_day", MOST_TOKENS_PER_DAY),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR_ID


class TenantOwned(models.Model):
    """A row of exactly one tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = TenantForeignKey(Tenant, on_delete=models.CASCADE, editable=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"

    def save_base(self, *args: Any, **kwargs: Any) -> None:
        """Every way to save one row, fixtures included, passes here."""
        check_own([self])
        super().save_base(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Django deletes one row by its id alone, past all managers."""
        check_own([self])
        return super().delete(*args, **kwargs)


class Holdable(TenantOwned):
    """A row that may be under a legal hold (``tenants.legal_holds``): then nothing of it is deleted or redacted.

    The database refuses, too, whatever statement tries (``tenants.policies.kept_while_held``), but it says nothing.
    """

    legal_hold_at = models.DateTimeField(null=True, editable=False)
    legal_hold_by = models.CharField(max_length=150, blank=True, default="", db_default="", editable=False)

    class Meta(TenantOwned.Meta):
        abstract = True

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ``LegalHoldError`` where the row is held."""
        if type(self).objects.filter(pk=self.pk, legal_hold_at__isnull=False).exists():
            raise LegalHoldError
        return super().delete(*args, **kwargs)


class Change(TenantOwned, pghistory.models.Event):  # type: ignore[misc]  # the former's manager counts
    """A line of the record of changes: a row as it became, or as it was last. Triggers write it, and nobody changes it.

    ``id`` is the recorded row's, ``pgh_context`` a ``tenants.authors.Author``.
    """

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_context = pghistory.utils.JSONField(null=True)
    # As the recorded tenant may be gone before its record is.
    tenant = TenantForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, editable=False, related_name="+"
    )

    class Meta:
        abstract = True


class Membership(TenantOwned):
    """What a user may do in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        AUDITOR = "auditor", "Auditor: reads, never writes"

    user = TenantForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role)

    class Meta(TenantOwned.Meta):
        db_table = "memberships"
        verbose_name = "member"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_user"),
            models.CheckConstraint(condition=Q(role__in=["owner", "admin", "auditor"]), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.role})"


class Invitation(TenantOwned):
    """An offer to become a member, made to whoever brings its token. It works once, until it expires or is revoked.

    The token itself is in the link that was shown once, and nowhere here.
    """

    role = models.CharField(max_length=16, choices=Membership.Role)
    note = models.CharField(
        "for whom", max_length=120, blank=True, help_text="A name, so that you can tell invitations apart."
    )
    token_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    invited_by = TenantForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_by = TenantForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "invitations"
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["tenant", "-created_at"], name="invitation_newest")]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=["owner", "admin", "auditor"]), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(revoked_at__isnull=True), name="invitation_ended_once"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation as {self.role}"


class RedactionKey(TenantOwned):
    """What the placeholders of a tenant are made with; ``tenants.redaction_keys`` makes, opens and removes it.

    Once it is removed nobody can tell any more which words a placeholder stood for, by trying words; later ones are
    made with a new key, and match none from before.
    """

    key_sealed = models.BinaryField(editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "redaction_keys"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="redaction_key_one")]

    def __str__(self) -> str:
        return f"of {self.created_at:%Y-%m-%d}"


class JobHeartbeat(models.Model):
    """When one of beat's jobs last began and ended, and how. No tenant's row: a job is everybody's.

    ``registered_at`` is when beat first knew of it: a job that has never run is late by that.
    """

    name = models.CharField(primary_key=True, max_length=64)
    period_seconds = models.FloatField()
    registered_at = models.DateTimeField(db_default=Now())
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_duration_ms = models.PositiveIntegerField(null=True)
    last_outcome = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    """Counts alone."""
    last_error_code = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        db_table = "job_heartbeats"

    def __str__(self) -> str:
        return self.name


class Throttle(models.Model):
    """How often something was tried: a login, an invitation. No tenant's row: who tries is not known yet.

    The key is a keyed hash, so that the table tells neither names nor addresses.
    """

    key = models.BinaryField(primary_key=True, max_length=32, editable=False)
    tries = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "throttles"


class Website(Holdable):
    """A domain whose visitors may chat. It works once its domain is proved."""

    class DoubleSend(models.TextChoices):
        ENQUEUE = "enqueue", "Answer one after the other"
        REJECT = "reject", "Refuse until the answer is there"

    class ProofMethod(models.TextChoices):
        META = "meta", "its page"
        FILE = "file", "its file"
        DNS = "dns", "its DNS record"
        OPERATOR = "operator", "the operator"
        LOCAL = "local", "being a local host"

    domain = models.CharField(max_length=253)
    title = models.CharField(max_length=120, blank=True)
    site_key = models.CharField(max_length=64, unique=True, default=new_site_key, editable=False)
    is_active = models.BooleanField(default=True)
    require_session_token = models.BooleanField(
        default=True,
        help_text="Only sessions started with a token may chat; the widget always does so.",
    )
    double_send = models.CharField(
        "messages sent during an answer",
        max_length=16,
        choices=DoubleSend,
        default=DoubleSend.ENQUEUE,
        db_default=DoubleSend.ENQUEUE,
        help_text="What happens to a message that is sent while the one before it is still being answered.",
    )
    turns_per_day = _budget(
        MOST_TURNS_PER_DAY,
        "turns per day",
        "How many messages are answered from midnight to midnight in the tenant's time zone. Empty: no limit.",
    )
    tokens_per_day = _budget(
        MOST_TOKENS_PER_DAY,
        "tokens per day",
        "What models may read and write for this website. The turn that passes it is still finished. Empty: no limit.",
    )
    quota_message = models.CharField(
        "message when a day's budget is spent",
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="What visitors read then, for example whom to call. Empty: a polite sentence of ours.",
    )
    # The website's own privacy policy; NULL is as the tenant's.
    retention_days = _days_kept("days a conversation is kept", "", null=True, blank=True)
    turn_retention_days = _days_kept("days a turn's own words are kept", "", null=True, blank=True)
    redact_when = models.CharField(  # noqa: DJ001  NULL: as the tenant
        "personal data is replaced", max_length=16, choices=REDACTION_TIMINGS, null=True, blank=True
    )
    redact_after_hours = _silence_hours(null=True, blank=True)
    kinds_kept = models.JSONField("kinds left as they are", null=True, blank=True)
    ip_storage = models.CharField(  # noqa: DJ001  NULL: as the tenant
        "visitors' IP addresses", max_length=16, choices=IP_STORAGES, null=True, blank=True
    )
    stores_user_agent = models.BooleanField("store which browser a visitor uses", null=True, blank=True)
    # Both are written and opened by ``tenants.identity_secrets`` alone.
    identity_secret_sealed = models.BinaryField(default=b"", db_default=b"", editable=False)
    former_identity_secret_sealed = models.BinaryField(default=b"", db_default=b"", editable=False)
    identity_secret_made_at = models.DateTimeField(null=True, editable=False)
    proof_token = models.CharField(max_length=64, default=new_proof_token, editable=False)
    proved_at = models.DateTimeField(null=True, editable=False)
    proof_method = models.CharField(
        max_length=16, blank=True, default="", db_default="", choices=ProofMethod, editable=False
    )
    """What proves it now; empty where nothing does."""
    proof_checked_at = models.DateTimeField(null=True, editable=False)
    proof_passed_at = models.DateTimeField(null=True, editable=False)
    proof_failures = models.PositiveIntegerField(default=0, db_default=0, editable=False)
    """Checks in a row that found nothing, the first of them at ``proof_failing_since``."""
    proof_failing_since = models.DateTimeField(null=True, editable=False)
    proof_lapsed_at = models.DateTimeField(null=True, editable=False)
    """Since then the proof is taken for gone. It still counts for a time of grace, and stays set when that is over."""
    proof_report = models.JSONField(null=True, editable=False)
    """The last look, as ``tenants.proof.report.ProofReport``."""

    class Meta(TenantOwned.Meta):
        db_table = "websites"
        ordering = ["domain"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "domain"], name="website_domain_once_per_tenant"),
            models.UniqueConstraint(
                fields=["domain"], condition=Q(proved_at__isnull=False), name="website_domain_proved_once"
            ),
            models.UniqueConstraint(fields=["tenant", "id"], name="website_tenant_id"),
            models.CheckConstraint(
                condition=Q(domain__regex=r"^[a-z0-9.-]+$") & ~Q(domain__startswith=".") & ~Q(domain__endswith="."),
                name="website_domain_normalised",
            ),
            models.CheckConstraint(
                condition=Q(proved_at__isnull=True, proof_method="")
                | Q(proved_at__isnull=False, proof_method__in=["meta", "file", "dns", "operator", "local"]),
                name="website_proof_method_known",
            ),
            models.CheckConstraint(
                condition=Q(double_send__in=["enqueue", "reject"]), name="website_double_send_known"
            ),
            _within("website_turns_per_day_sane", "turns_per_day", MOST_TURNS_PER_DAY),
            _within("website_tokens_per_day_sane", "tokens_per_day", MOST_TOKENS_PER_DAY),
            _within("website_retention_days_sane", "retention_days", MOST_RETENTION_DAYS),
            _within("website_turn_retention_sane", "turn_retention_days", MOST_RETENTION_DAYS),
            _within("website_redact_after_sane", "redact_after_hours", MOST_SILENCE_HOURS),
            models.CheckConstraint(condition=Q(redact_when__in=_REDACT_WHEN), name="website_redact_when_known"),
            models.CheckConstraint(condition=Q(ip_storage__in=_IP_STORAGES), name="website_ip_storage_known"),
            models.CheckConstraint(condition=Q(kinds_kept__contained_by=_KINDS), name="website_kinds_kept_known"),
            models.CheckConstraint(
                condition=Q(legal_hold_at__isnull=True, legal_hold_by="")
                | (Q(legal_hold_at__isnull=False) & ~Q(legal_hold_by="")),
                name="website_legal_hold_is_somebodys",
            ),
        ]

    def __str__(self) -> str:
        return display_domain(self.domain)

    @property
    def is_proved(self) -> bool:
        return self.proved_at is not None

    @property
    def is_checked_again(self) -> bool:
        """Whether its proof is one that can be looked for."""
        return self.proof_method in {self.ProofMethod.META, self.ProofMethod.FILE, self.ProofMethod.DNS}


class WebsiteOrigin(TenantOwned):
    """An origin from which a website's visitors come: its domain over https, and any listed extras.

    Unproved rows may repeat between tenants; of the proved ones each origin exists once, and each host in one tenant
    (``website_host_proved_once``, by SQL in a migration).
    """

    website = TenantForeignKey(Website, on_delete=models.CASCADE, related_name="origins", db_constraint=False)
    origin = models.CharField(max_length=300)
    host = models.CharField(max_length=253)
    proved_at = models.DateTimeField(null=True, editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "website_origins"
        ordering = ["origin"]
        constraints = [
            models.UniqueConstraint(fields=["website", "origin"], name="website_origin_listed_once"),
            models.UniqueConstraint(
                fields=["origin"], condition=Q(proved_at__isnull=False), name="website_origin_proved_once"
            ),
            models.CheckConstraint(
                condition=Q(origin__regex=r"^https?://[a-z0-9.-]+(:[0-9]{1,5})?$"), name="website_origin_normalised"
            ),
        ]

    def __str__(self) -> str:
        return self.origin


class ApiKey(TenantOwned):
    """With it a website's own server calls the API. What is secret of it was shown once and is stored nowhere.

    Made and revoked through ``tenants.api_keys``; a revoked one stays listed.
    """

    class Scope(models.TextChoices):
        CHAT = "chat", "Chat: send messages, start sessions, follow and stop answers"
        READ_SESSIONS = "sessions:read", "Read and export conversations"
        ERASE_SESSIONS = "sessions:erase", "Erase conversations"

    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    secret_hmac = models.BinaryField(editable=False)
    hmac_key_id = models.CharField(max_length=255, editable=False)
    scopes = models.JSONField(default=list)
    expires_at = models.DateTimeField("expires", null=True, blank=True)
    last_used_at = models.DateTimeField("last used", null=True, editable=False)
    revoked_at = models.DateTimeField("revoked", null=True, editable=False)
    created_by = TenantForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, editable=False, related_name="+"
    )

    class Meta(TenantOwned.Meta):
        db_table = "api_keys"
        ordering = ["-created_at"]
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(condition=Q(prefix__regex=r"^[0-9a-f]{12}$"), name="api_key_prefix_plain"),
            models.CheckConstraint(
                condition=Q(scopes__contained_by=["chat", "sessions:read", "sessions:erase"]) & ~Q(scopes=[]),
                name="api_key_scopes_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)

    @property
    def is_usable(self) -> bool:
        """Not revoked and not expired; a suspended tenant's is refused all the same."""
        return self.revoked_at is None and not self.is_expired


class RefusedOrigin(TenantOwned):
    """How often an origin tried a website's key and was refused on one day. Nothing else of its requests is kept.

    An empty ``origin`` stands for all those that were too many to name.
    """

    website = TenantForeignKey(Website, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    day = models.DateField()
    origin = models.CharField(max_length=300, blank=True)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveBigIntegerField()

    class Meta(TenantOwned.Meta):
        db_table = "refused_origins"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "website", "day", "origin"], name="refused_origin_once_a_day"),
        ]

    def __str__(self) -> str:
        return self.origin or "others"


# The record of changes. Neither what is sealed, hashed or secret is in it, nor what jobs count.

_TENANT_ITSELF: Final = pgtrigger.Trigger(
    name="of_itself",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert,
    func="NEW.tenant_id := NEW.id; RETURN NEW;",
)
TenantChange = recording.change_model(
    Change,
    Tenant,
    [
        "name",
        "slug",
        "is_active",
        "time_zone",
        "retention_days",
        "turn_retention_days",
        "redact_when",
        "redact_after_hours",
        "kinds_kept",
        "ip_storage",
        "stores_user_agent",
        "token_idle_days",
        "token_lifetime_days",
        "session_turns_per_minute",
        "network_turns_per_minute",
        "turns_per_minute",
        "turns_per_day",
        "tokens_per_day",
    ],
    triggers=[_TENANT_ITSELF],
)
MembershipChange = recording.change_model(Change, Membership, ["user", "role"])
InvitationChange = recording.change_model(
    Change,
    Invitation,
    ["role", "note", "invited_by", "expires_at", "accepted_at", "accepted_by", "revoked_at"],
)
WebsiteChange = recording.change_model(
    Change,
    Website,
    [
        "domain",
        "title",
        "is_active",
        "require_session_token",
        "double_send",
        "turns_per_day",
        "tokens_per_day",
        "quota_message",
        "retention_days",
        "turn_retention_days",
        "redact_when",
        "redact_after_hours",
        "kinds_kept",
        "ip_storage",
        "stores_user_agent",
        "legal_hold_at",
        "legal_hold_by",
        "identity_secret_made_at",
        "proved_at",
        "proof_method",
        "proof_lapsed_at",
    ],
)
WebsiteOriginChange = recording.change_model(Change, WebsiteOrigin, ["website", "origin", "proved_at"])
ApiKeyChange = recording.change_model(
    Change, ApiKey, ["name", "prefix", "scopes", "expires_at", "revoked_at", "created_by"]
)
