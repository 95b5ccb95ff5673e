"""The body of a request: bounded, JSON, and nothing that breaks what comes after."""

from typing import IO, Any

from rest_framework.parsers import BaseParser

from sessions.cleaning import MAX_BODY_BYTES, UncleanError, parse_json
from sessions.errors import InvalidRequestError, TooLargeError


class BoundedJSONParser(BaseParser):
    """``application/json`` of at most 64 KB. The handler in ``config.asgi`` reads one byte more and no further."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,  # noqa: ARG002  DRF's form
        parser_context: Any = None,  # noqa: ARG002  DRF's form
    ) -> Any:
        body = stream.read(MAX_BODY_BYTES + 1)
        if len(body) > MAX_BODY_BYTES:
            raise TooLargeError
        try:
            return parse_json(body)
        except UncleanError as error:
            raise InvalidRequestError(error.sentence) from None
