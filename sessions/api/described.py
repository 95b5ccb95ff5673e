"""What the schema says of many calls: their errors, what opens them, which website they are about."""

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter

from sessions.api.serializers import ErrorSerializer

ERRORS: Final[dict[Any, Any]] = {"4XX": ErrorSerializer, "5XX": ErrorSerializer}

# What opens a call; drf-spectacular's type names it too narrowly.
KEY: Any = {"apiKey": []}
TOKEN: Any = {"sessionToken": []}
ORIGIN_ALONE: Any = {}

WEBSITE_DOMAIN: Final = OpenApiParameter(
    "website_domain", str, description="With a key: which website; not needed where the tenant has one."
)
