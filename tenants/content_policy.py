"""What a browser may load and do on our pages: what comes from here, and no scripts or styles written into a page."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

CONTENT_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ContentPolicyMiddleware:
    """Sets the policy of every page that has none of its own; the demo shops have."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self._get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response
