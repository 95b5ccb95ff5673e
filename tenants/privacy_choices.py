"""What a privacy policy may say, in words that the admin shows.

``PersonalData`` names the kinds that the redactor (``sessions.privacy.Kind``) knows; a test holds the two together.
"""

from enum import StrEnum
from typing import Final


class Redact(StrEnum):
    """When personal data is replaced by placeholders."""

    AFTER_SILENCE = "after_silence"
    AT_TURN_END = "at_turn_end"
    BEFORE_MODEL = "before_model"
    NEVER = "never"


class StoreIp(StrEnum):
    NOT = "not"
    TRUNCATED = "truncated"
    WHOLE = "whole"


class PersonalData(StrEnum):
    EMAIL = "email"
    PHONE = "phone"
    CARD = "card"
    IBAN = "iban"
    NATIONAL_ID = "national_id"
    IP = "ip"
    MAC = "mac"
    SECRET = "secret"  # noqa: S105  the kind's name
    BIRTH_DATE = "birth_date"
    ADDRESS = "address"
    NAME = "name"


REDACTION_TIMINGS: Final = [
    (Redact.AFTER_SILENCE.value, "Once the conversation has been silent for some hours"),
    (Redact.AT_TURN_END.value, "As soon as an answer is finished"),
    (Redact.BEFORE_MODEL.value, "Before the model is asked: it sees placeholders, too"),
    (Redact.NEVER.value, "Never: what visitors write stays readable until it is deleted"),
]

IP_STORAGES: Final = [
    (StoreIp.NOT.value, "Not stored"),
    (StoreIp.TRUNCATED.value, "The network alone: the first 24 bits of IPv4, 48 of IPv6"),
    (StoreIp.WHOLE.value, "The whole address"),
]

PERSONAL_DATA: Final = [
    (PersonalData.NAME.value, "Names"),
    (PersonalData.EMAIL.value, "E-mail addresses"),
    (PersonalData.PHONE.value, "Phone numbers"),
    (PersonalData.ADDRESS.value, "Street addresses"),
    (PersonalData.BIRTH_DATE.value, "Dates of birth"),
    (PersonalData.NATIONAL_ID.value, "National and tax numbers"),
    (PersonalData.CARD.value, "Payment cards"),
    (PersonalData.IBAN.value, "Bank accounts"),
    (PersonalData.SECRET.value, "Passwords, keys and tokens"),
    (PersonalData.IP.value, "IP addresses"),
    (PersonalData.MAC.value, "Addresses of network cards"),
]

NEVER_WARNING: Final = (
    "Personal data in conversations is not replaced. Everybody who may read conversations reads it, and so does whoever"
    " gets hold of a copy of the database."
)
