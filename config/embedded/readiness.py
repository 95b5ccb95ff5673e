"""Waiting until the whole system serves."""

import http.client
import json
import time
from collections.abc import Callable
from typing import Final

from config.embedded.ports import LOOPBACK

_POLL_SECONDS: Final = 0.1
_REMINDER_SECONDS: Final = 20.0


def wait_until_ready(port: int, remind: Callable[[str], None]) -> None:
    """Returns once ``/readyz`` says ok; until then tells ``remind`` every 20 seconds why not yet."""
    began = time.monotonic()
    reminded = began
    while (obstacle := _obstacle(port)) is not None:
        if time.monotonic() - reminded > _REMINDER_SECONDS:
            remind(f"Not ready after {time.monotonic() - began:.0f} s: {obstacle}")
            reminded = time.monotonic()
        time.sleep(_POLL_SECONDS)


def _obstacle(port: int) -> str | None:
    """None where the system is ready."""
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        text = answer.read().decode(errors="replace")
    except (OSError, http.client.HTTPException) as error:
        return f"no answer from the web server ({error})"
    finally:
        connection.close()
    return None if answer.status == http.client.OK and _status(text) == "ok" else f"/readyz says {text[:500]}"


def _status(text: str) -> object:
    try:
        answer = json.loads(text)
    except ValueError:
        return None
    return answer.get("status") if isinstance(answer, dict) else None
