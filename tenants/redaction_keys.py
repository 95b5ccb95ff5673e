"""The keys that placeholders are made with, one a tenant: made when it is first needed, opened, removed."""

import secrets

from django.db import IntegrityError, transaction

from tenants.keyring import SealedPlace, open_sealed, seal
from tenants.models import RedactionKey
from tenants.scoping import active_tenant_id

_KEY_BYTES = 32


def redaction_key() -> bytes:
    """The active tenant's. Raises ``KeyringError`` where it does not open any more."""
    row = RedactionKey.objects.first() or _make()
    return bytes.fromhex(open_sealed(row.key_sealed, place=redaction_key_place(row)))


def redaction_key_if_any() -> bytes | None:
    """As ``redaction_key``; None where there is none yet, and none is made."""
    return redaction_key() if RedactionKey.objects.exists() else None


def remove_redaction_key() -> bool:
    """From now on nobody can find out what a placeholder stood for by trying words, nor tell that a later one stands
    for the same. False where there is no key.
    """
    removed, _ = RedactionKey.objects.all().delete()
    return removed > 0


def redaction_key_place(row: RedactionKey) -> SealedPlace:
    return SealedPlace(row.tenant_id, "RedactionKey", "key_sealed", row.id)


def _make() -> RedactionKey:
    """Two that make one at once agree on the first."""
    row = RedactionKey(tenant_id=active_tenant_id())
    row.key_sealed = seal(secrets.token_bytes(_KEY_BYTES).hex(), place=redaction_key_place(row))
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return RedactionKey.objects.get()
    return row
