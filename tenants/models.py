"""Who uses Parlour: tenants, their members, their websites."""

from zoneinfo import available_timezones

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.domains import display_domain
from tenants.identifiers import OPERATOR_ID, new_id, new_site_key
from tenants.scoping import TenantManager


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
    retention_days = models.PositiveIntegerField(
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text="Conversations without a message for this many days are deleted.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "tenants"
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(condition=Q(retention_days__range=(1, 3650)), name="tenant_retention_days_sane")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_operator(self) -> bool:
        return self.id == OPERATOR_ID


class TenantOwned(models.Model):
    """A row of exactly one tenant."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, editable=False, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


class Membership(TenantOwned):
    """What a user may do in a tenant."""

    class Role(models.TextChoices):
        OWNER = "owner", "Owner"
        ADMIN = "admin", "Admin"
        AUDITOR = "auditor", "Auditor: reads, never writes"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    role = models.CharField(max_length=16, choices=Role)

    class Meta(TenantOwned.Meta):
        db_table = "memberships"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "user"], name="membership_once_per_user"),
            models.CheckConstraint(condition=Q(role__in=["owner", "admin", "auditor"]), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Website(TenantOwned):
    """A domain whose visitors may chat. It works once its domain is proved."""

    domain = models.CharField(max_length=253)
    title = models.CharField(max_length=120, blank=True)
    site_key = models.CharField(max_length=64, unique=True, default=new_site_key, editable=False)
    is_active = models.BooleanField(default=True)
    require_session_token = models.BooleanField(
        default=True,
        help_text="Only sessions started with a token may chat; the widget always does so.",
    )
    proved_at = models.DateTimeField(null=True, editable=False)

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
        ]

    def __str__(self) -> str:
        return display_domain(self.domain)

    @property
    def is_proved(self) -> bool:
        return self.proved_at is not None


class WebsiteOrigin(TenantOwned):
    """An origin from which a website's visitors come: its domain over https, and any listed extras.

    Unproved rows may repeat between tenants; of the proved ones each origin exists once.
    """

    website = models.ForeignKey(Website, on_delete=models.CASCADE, related_name="origins", db_constraint=False)
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
