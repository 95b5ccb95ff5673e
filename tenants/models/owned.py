"""What every row of a tenant is, what a row that may be held is, and a line of the record of changes."""

from typing import Any, ClassVar

import pghistory.models
import pghistory.utils
from django.db import models
from django.db.models.functions import Now

from tenants.errors import LegalHoldError
from tenants.foreign_keys import TenantForeignKey
from tenants.identifiers import new_id
from tenants.models.tenant import Tenant
from tenants.scoping import TenantManager, check_own


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

    is_whole: ClassVar[bool]
    """Whether all that happens to a row is recorded, or some events alone."""

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_context = pghistory.utils.JSONField(null=True)
    # As the recorded tenant may be gone before its record is.
    tenant = TenantForeignKey(
        Tenant, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, editable=False, related_name="+"
    )

    class Meta:
        abstract = True
