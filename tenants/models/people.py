"""Who may do what in a tenant, and who was asked to."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.foreign_keys import TenantForeignKey
from tenants.models.owned import TenantOwned


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
