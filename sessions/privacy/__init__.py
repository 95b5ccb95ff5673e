"""Finds personal data in text and JSON and puts placeholders in its stead. Pure: no Django, no database, no network."""

from sessions.privacy.kinds import ALL_KINDS, REDACTION_VERSION, Kind
from sessions.privacy.redacting import redact_history, redact_text
from sessions.privacy.session import SessionRedactor

__all__ = ["ALL_KINDS", "REDACTION_VERSION", "Kind", "SessionRedactor", "redact_history", "redact_text"]
