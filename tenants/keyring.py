"""Credentials at rest: AES-256-GCM, each value bound to the one place it was sealed for.

A sealed value is `version (1 byte) | length of key id (1) | key id | nonce (12) | ciphertext and tag`. Tenant, model,
field and row are its associated data, together with the header: copied to another tenant or row, it does not open.

The ring is `settings.ENCRYPTION_KEYS`, key id to 32 bytes; the first seals, all open. To rotate: put a new key first,
run `manage.py rotate_encryption`, and remove the old one.
"""

import os
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from tenants.errors import SealBrokenError, UnknownEncryptionKeyError

VERSION = 1
NONCE_BYTES = 12
TAG_BYTES = 16

SealedBytes = bytes | bytearray | memoryview
"""What drivers return for a binary column."""


@dataclass(frozen=True, slots=True)
class SealedPlace:
    """Where a value lives, and the only place where it opens."""

    tenant_id: UUID
    model: str
    field: str
    row_id: UUID

    def associated_data(self, header: bytes) -> bytes:
        """Each part with its length before it: no two places give the same bytes."""
        model, field = self.model.encode(), self.field.encode()
        parts = (header, self.tenant_id.bytes, model, field, self.row_id.bytes)
        return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def seal(plaintext: str, *, place: SealedPlace) -> bytes:
    """Encrypt with the first key of the ring."""
    key_id = _primary()
    header = _header(key_id)
    nonce = os.urandom(NONCE_BYTES)
    cipher = AESGCM(settings.ENCRYPTION_KEYS[key_id])
    return header + nonce + cipher.encrypt(nonce, plaintext.encode(), place.associated_data(header))


def open_sealed(sealed: SealedBytes, *, place: SealedPlace) -> str:
    """The plaintext; raises `UnknownEncryptionKeyError` or `SealBrokenError`."""
    key_id, header, body = _take_apart(bytes(sealed))
    key = settings.ENCRYPTION_KEYS.get(key_id)
    if key is None:
        raise UnknownEncryptionKeyError(f"The encryption keys hold none called {key_id!r}.")
    try:
        opened = AESGCM(key).decrypt(body[:NONCE_BYTES], body[NONCE_BYTES:], place.associated_data(header))
    except InvalidTag:
        raise SealBrokenError(f"A sealed {place.field} does not open as row {place.row_id}.") from None
    return opened.decode()


def needs_rotation(sealed: SealedBytes) -> bool:
    """True where the value was sealed with another key than the first."""
    key_id, _, _ = _take_apart(bytes(sealed))
    return key_id != _primary()


def _primary() -> str:
    return str(next(iter(settings.ENCRYPTION_KEYS)))


def _header(key_id: str) -> bytes:
    name = key_id.encode()
    return bytes([VERSION, len(name)]) + name


def _take_apart(sealed: bytes) -> tuple[str, bytes, bytes]:
    """Key id, header, and nonce with ciphertext."""
    if sealed[:1] != bytes([VERSION]):
        raise SealBrokenError("A sealed value has no known version.")
    end = 2 + int.from_bytes(sealed[1:2], "big")
    if len(sealed) < end + NONCE_BYTES + TAG_BYTES:
        raise SealBrokenError("A sealed value is too short.")
    return sealed[2:end].decode(errors="replace"), sealed[:end], sealed[end:]
