"""The detectors in the order in which they may claim what they find: the surer and the longer first."""

from collections.abc import Callable, Iterator
from typing import Final

from sessions.privacy.detectors.address import find_addresses
from sessions.privacy.detectors.birth_date import find_birth_dates
from sessions.privacy.detectors.card import find_cards
from sessions.privacy.detectors.email import find_emails
from sessions.privacy.detectors.iban import find_ibans
from sessions.privacy.detectors.national_id import find_national_ids
from sessions.privacy.detectors.network import find_ips, find_macs
from sessions.privacy.detectors.phone import find_phones
from sessions.privacy.detectors.secret import find_secrets
from sessions.privacy.reading import Reading, Span

Detector = Callable[[Reading], Iterator[Span]]

_WITH_DIGITS: Final[tuple[Detector, ...]] = (
    find_ibans,
    find_cards,
    find_birth_dates,
    find_ips,
    find_national_ids,
    find_addresses,
    find_phones,
)
_LEAST_LENGTH = 3


def find_structured(reading: Reading) -> None:
    """Claim all that has a form. Linear in the text's length."""
    if len(reading.text) < _LEAST_LENGTH:
        return
    _claim(find_secrets, reading)
    _claim(find_emails, reading)
    if ":" in reading.text or "-" in reading.text or "." in reading.text:
        _claim(find_macs, reading)
    if reading.has_digit:
        for detector in _WITH_DIGITS:
            _claim(detector, reading)
    elif not reading.text.isascii():
        _claim(find_ips, reading)


def _claim(detector: Detector, reading: Reading) -> None:
    for span in detector(reading):
        reading.claim(span)
