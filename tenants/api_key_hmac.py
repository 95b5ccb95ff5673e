"""What is stored of an API key: an HMAC, keyed from the environment, so that a copy of the database opens nothing.

The keys come from the ring in ``settings.ENCRYPTION_KEYS``, each through a derivation of its own, for one key must not
serve two purposes. A row says which of them was used. A new first key of the ring takes an API key over when it is next
used: nobody but its holder knows what the HMAC is made of.
"""

import hashlib
import hmac
import re
from typing import Final

from django.conf import settings

_FORM: Final = re.compile(r"sk_(?P<prefix>[0-9a-f]{12})_[A-Za-z0-9_-]{43}")
_PURPOSE: Final = b"parlour.api-key"


def prefix_of(api_key: str) -> str | None:
    """The part by which the key is looked up; None for what cannot be a key."""
    found = _FORM.fullmatch(api_key)
    return found["prefix"] if found else None


def first_key_id() -> str:
    """The id of the key that new HMACs are made with."""
    return str(next(iter(settings.ENCRYPTION_KEYS)))


def hmac_of(api_key: str, key_id: str) -> bytes:
    """32 bytes. A key id that has left the ring gives an HMAC that fits nothing, in the same time."""
    ring_key: bytes = settings.ENCRYPTION_KEYS.get(key_id, b"")
    derived = hmac.digest(ring_key, _PURPOSE, hashlib.sha256)
    return hmac.digest(derived, api_key.encode(), hashlib.sha256)


def fits(api_key: str, key_id: str, stored: bytes) -> bool:
    """Compares in constant time."""
    is_same = hmac.compare_digest(hmac_of(api_key, key_id), stored)
    return is_same and key_id in settings.ENCRYPTION_KEYS
