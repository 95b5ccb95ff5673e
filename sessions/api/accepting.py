"""Which forms of an answer a request takes."""

from typing import Final

from rest_framework.request import Request

JSON_TYPES: Final = frozenset({"", "*/*", "application/*", "application/json"})


def accepted_types(request: Request) -> set[str]:
    """The media types that ``Accept`` names and does not rule out; any, where there is none."""
    entries = [entry.replace(" ", "").lower() for entry in request.headers.get("Accept", "*/*").split(",")]
    return {entry.partition(";")[0] for entry in entries if not entry.endswith((";q=0", ";q=0.0"))}
