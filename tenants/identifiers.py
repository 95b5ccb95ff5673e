"""Identifiers: time-ordered UUIDs for rows, opaque prefixed texts for the public."""

import secrets
from typing import Final
from uuid import UUID

import uuid_utils.compat

OPERATOR_ID: Final = UUID("00000000-0000-7000-8000-000000000001")
"""The operator is a tenant with a fixed id, so that no row ever needs a NULL tenant."""

REPLY_PREFIX: Final = "reply_"
"""Of answers' ids: no visitor's message may have one that begins so, or a history could hold one id twice."""

_SECRET_BYTES: Final = 32
_KEY_BYTES: Final = 18
_PREFIX_BYTES: Final = 6


def new_id() -> UUID:
    """A UUIDv7: new rows land side by side in their indexes."""
    return uuid_utils.compat.uuid7()


def new_site_key() -> str:
    """``pk_`` and 144 random bits; public, it stands in the website's page."""
    return f"pk_{secrets.token_urlsafe(_KEY_BYTES)}"


def new_proof_token() -> str:
    """128 random bits as hex, which no editor and no name server changes; public, it stands where it proves."""
    return secrets.token_hex(16)


def new_session_token() -> str:
    """``st_`` and 256 random bits; secret, only its SHA-256 is stored."""
    return f"st_{secrets.token_urlsafe(_SECRET_BYTES)}"


def new_api_key() -> tuple[str, str]:
    """The prefix by which an API key is found, and the whole key: ``sk_<prefix>_<256 random bits>``, secret."""
    prefix = secrets.token_hex(_PREFIX_BYTES)
    return prefix, f"sk_{prefix}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def new_identity_secret() -> str:
    """``is_`` and 256 random bits; secret, shared with the website's own server, which signs with it."""
    return f"is_{secrets.token_urlsafe(_SECRET_BYTES)}"


def new_invitation_token() -> str:
    """``it_`` and 256 random bits; secret, only its SHA-256 is stored."""
    return f"it_{secrets.token_urlsafe(_SECRET_BYTES)}"


def new_message_id() -> str:
    """For a visitor's message that came without one."""
    return f"msg_{uuid_utils.compat.uuid7().hex}"


def new_reply_id() -> str:
    return f"{REPLY_PREFIX}{uuid_utils.compat.uuid7().hex}"
