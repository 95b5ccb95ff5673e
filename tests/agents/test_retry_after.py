"""What a provider's headers say about when to come back."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from agents.retry_after import retry_after_seconds

NOON = b"Mon, 02 Mar 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ([], None),
        ([(b"Retry-After", b"7")], 7.0),
        ([(b"retry-after", b" 0 ")], 0.0),
        ([(b"retry-after", b"soon")], None),
        ([(b"retry-after", b"-3")], None),
        ([(b"retry-after", "²".encode("latin-1"))], None),
        ([(b"date", NOON), (b"retry-after", b"Mon, 02 Mar 2026 12:00:08 GMT")], 8.0),
        ([(b"date", NOON), (b"retry-after", b"Mon, 02 Mar 2026 11:00:00 GMT")], 0.0),
        ([(b"date", NOON), (b"retry-after", b"Mon, 99 Mar 2026 12:00:08 GMT")], None),
        ([(b"date", NOON), (b"retry-after", b"Mon, 02 Mar 99999999999999999999 12:00:08 GMT")], None),
    ],
)
def test_retry_after_is_read(headers: list[tuple[bytes, bytes]], seconds: float | None) -> None:
    assert retry_after_seconds(headers) == seconds


def test_date_without_the_providers_clock_is_measured_by_ours() -> None:
    until = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    seconds = retry_after_seconds([(b"retry-after", until.encode())])
    assert seconds is not None
    assert 28 < seconds <= 30
