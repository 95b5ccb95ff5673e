"""The keys that a tenant has: of its servers, and of its placeholders."""

from datetime import UTC, datetime

from django.conf import settings
from django.db import models
from django.db.models import Q

from tenants.foreign_keys import TenantForeignKey
from tenants.models.owned import TenantOwned


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


class RedactionKey(TenantOwned):
    """What the placeholders of a tenant are made with; ``tenants.redaction_keys`` makes, opens and removes it.

    Once it is removed nobody can tell any more which words a placeholder stood for, by trying words; later ones are
    made with a new key, and match none from before.
    """

    key_sealed = models.BinaryField(editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "redaction_keys"
        verbose_name = "key of the placeholders"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="redaction_key_one")]

    def __str__(self) -> str:
        return f"of {self.created_at:%Y-%m-%d}"
