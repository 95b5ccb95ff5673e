"""A domain and its origins, those that may use its key and those that were refused."""

from django.db import models
from django.db.models import Q

from tenants.domains import display_domain
from tenants.foreign_keys import TenantForeignKey
from tenants.identifiers import new_proof_token, new_site_key
from tenants.models.bounded import (
    MOST_RETENTION_DAYS,
    MOST_SILENCE_HOURS,
    MOST_TOKENS_PER_DAY,
    MOST_TURNS_PER_DAY,
    budget,
    days_kept,
    one_of,
    silence_hours,
    some_of,
    within,
)
from tenants.models.owned import Holdable, TenantOwned
from tenants.privacy_choices import IP_STORAGES, PERSONAL_DATA, REDACTION_TIMINGS


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
    turns_per_day = budget(
        MOST_TURNS_PER_DAY,
        "turns per day",
        "How many messages are answered from midnight to midnight in the tenant's time zone. Empty: no limit.",
    )
    tokens_per_day = budget(
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
    retention_days = days_kept("days a conversation is kept", "", null=True, blank=True)
    turn_retention_days = days_kept("days a turn's own words are kept", "", null=True, blank=True)
    redact_when = models.CharField(  # noqa: DJ001  NULL: as the tenant
        "personal data is replaced", max_length=16, choices=REDACTION_TIMINGS, null=True, blank=True
    )
    redact_after_hours = silence_hours(null=True, blank=True)
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
            within("website_turns_per_day_sane", "turns_per_day", MOST_TURNS_PER_DAY),
            within("website_tokens_per_day_sane", "tokens_per_day", MOST_TOKENS_PER_DAY),
            within("website_retention_days_sane", "retention_days", MOST_RETENTION_DAYS),
            within("website_turn_retention_sane", "turn_retention_days", MOST_RETENTION_DAYS),
            within("website_redact_after_sane", "redact_after_hours", MOST_SILENCE_HOURS),
            one_of("website_redact_when_known", "redact_when", REDACTION_TIMINGS),
            one_of("website_ip_storage_known", "ip_storage", IP_STORAGES),
            some_of("website_kinds_kept_known", "kinds_kept", PERSONAL_DATA),
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
