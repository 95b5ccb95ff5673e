"""What the redactor looks for."""

from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """The kinds of personal data. A value is also what stands in a placeholder: ``[EMAIL_3f9a1c]``."""

    EMAIL = "EMAIL"
    PHONE = "PHONE"
    CARD = "CARD"
    IBAN = "IBAN"
    NATIONAL_ID = "NATIONAL_ID"
    IP = "IP"
    MAC = "MAC"
    SECRET = "SECRET"  # noqa: S105 (the name of a kind)
    BIRTH_DATE = "BIRTH_DATE"
    ADDRESS = "ADDRESS"
    NAME = "NAME"


ALL_KINDS: Final[frozenset[Kind]] = frozenset(Kind)
REDACTION_VERSION: Final = 2
"""Counts up when the detectors catch more, so that text redacted by older ones is redacted again."""
