"""The plain door to the redactor."""

from collections.abc import Sequence
from typing import Any

from sessions.privacy.session import SessionRedactor


def redact_text(text: str, *, known: Sequence[str] = (), key: bytes = b"") -> str:
    """The text with typed placeholders for personal data. See ``SessionRedactor``."""
    return SessionRedactor(known=known, key=key).text(text)


def redact_history(
    messages: Sequence[dict[str, Any]], *, known: Sequence[str] = (), key: bytes = b""
) -> list[dict[str, Any]]:
    """Copies of a session's messages, oldest first, each redacted with those around it in mind."""
    return SessionRedactor(known=known, key=key).history(messages)
