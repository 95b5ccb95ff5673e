"""The keys that placeholders are made with, one a tenant: made when it is first needed, opened, removed."""

import secrets
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from tenants.database import Statement, in_tenant
from tenants.keyring import SealedPlace, open_sealed, seal
from tenants.models import RedactionKey
from tenants.scoping import active_tenant_id

_KEY_BYTES: Final = 32

# Two that make one at once agree on the first.
_MAKE: Final = """
INSERT INTO redaction_keys (tenant_id, id, key_sealed) VALUES (%(tenant_id)s, %(id)s, %(key_sealed)s)
ON CONFLICT (tenant_id) DO NOTHING
"""
_FIND: Final = "SELECT id, key_sealed FROM redaction_keys WHERE tenant_id = %(tenant_id)s"


def redaction_key() -> bytes:
    """The active tenant's. Raises ``KeyringError`` where it does not open any more."""
    row = RedactionKey.objects.first() or _make()
    return bytes.fromhex(open_sealed(row.key_sealed, place=redaction_key_place(row)))


async def redaction_key_of(tenant_id: UUID) -> bytes:
    """As ``redaction_key``, for the chat path. Raises psycopg's errors, too."""
    find: Statement = (_FIND, {"tenant_id": tenant_id})
    [rows] = await in_tenant(tenant_id, [find])
    if not rows:
        row = _new(tenant_id)
        values = {"tenant_id": tenant_id, "id": row.id, "key_sealed": row.key_sealed}
        _, rows = await in_tenant(tenant_id, [(_MAKE, values), find])
    return bytes.fromhex(open_sealed(rows[0]["key_sealed"], place=_place(tenant_id, rows[0]["id"])))


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
    return _place(row.tenant_id, row.id)


def _place(tenant_id: UUID, row_id: UUID) -> SealedPlace:
    return SealedPlace(tenant_id, "RedactionKey", "key_sealed", row_id)


def _new(tenant_id: UUID) -> RedactionKey:
    row = RedactionKey(tenant_id=tenant_id)
    row.key_sealed = seal(secrets.token_bytes(_KEY_BYTES).hex(), place=redaction_key_place(row))
    return row


def _make() -> RedactionKey:
    """Two that make one at once agree on the first."""
    row = _new(active_tenant_id())
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        return RedactionKey.objects.get()
    return row
