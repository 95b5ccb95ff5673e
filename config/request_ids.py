"""The id of a request: 32 hexadecimal digits, as nginx and tracing have them, or a UUID."""

import re
from typing import Final

from structlog.contextvars import get_contextvars

_FORM: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def accepted_id(text: object) -> str | None:
    """``text``, where it has the form: nothing else can hide in a log under its name."""
    return text if isinstance(text, str) and _FORM.fullmatch(text) else None


def current_request_id() -> str | None:
    """Of the request that is being answered here, or that queued the task that runs here."""
    return get_contextvars().get("request_id")
