"""How long a provider asks to be left alone: `Retry-After`, as seconds or as a date."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after_seconds(headers: Sequence[tuple[bytes, bytes]]) -> float | None:
    """None where the provider says nothing that can be read; never less than 0.

    A date is measured from the response's own `Date`: this machine's clock may be wrong.
    """
    by_name = {name.lower(): value.decode("latin-1").strip() for name, value in headers}
    asked = by_name.get(b"retry-after", "")
    if asked.isascii() and asked.isdigit():
        return float(asked)
    until = _date(asked)
    if until is None:
        return None
    now = _date(by_name.get(b"date", "")) or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
