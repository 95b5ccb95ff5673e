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

# With the least number of digits that such a thing has.
_WITH_DIGITS: Final[tuple[tuple[int, Detector], ...]] = (
    (9, find_ibans),
    (12, find_cards),
    (2, find_birth_dates),
    (4, find_ips),
    (4, find_national_ids),
    (1, find_addresses),
    (5, find_phones),
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
    if not reading.digits:
        if "::" in reading.text:
            _claim(find_ips, reading)
        return
    for least, detector in _WITH_DIGITS:
        if reading.digits >= least or (detector is find_ips and ":" in reading.text):
            _claim(detector, reading)


def _claim(detector: Detector, reading: Reading) -> None:
    for span in detector(reading):
        reading.claim(span)
