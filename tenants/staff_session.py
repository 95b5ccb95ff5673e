"""Login sessions, on the pages of staff and nowhere else.

The start page, the demo shops and the widget's script neither read a cookie nor set one, and so vary by none.
"""

from time import time
from typing import Final

from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

_WRITTEN: Final = "written_at"
_SECONDS_BETWEEN_WRITES: Final = 300
"""A session ends after SESSION_COOKIE_AGE without a request; to write it down at every request would cost more."""


class StaffSessionMiddleware(SessionMiddleware):
    """Django's, but for the pages it serves, and for renewing a session that is in use."""

    def process_request(self, request: HttpRequest) -> None:
        if is_for_staff(request):
            super().process_request(request)
        else:
            request.session = self.SessionStore()

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        if not is_for_staff(request):
            return response
        _renew(request)
        return super().process_response(request, response)


def is_for_staff(request: HttpRequest) -> bool:
    """Whether the page knows logins: the admin, and the invitation to it."""
    return request.path.startswith((reverse("admin:index"), reverse("invitation")))


def _renew(request: HttpRequest) -> None:
    session = request.session
    if not session.accessed or session.is_empty():  # an empty one is about to be deleted
        return
    now = time()
    if session.modified or now - session.get(_WRITTEN, 0) > _SECONDS_BETWEEN_WRITES:
        session[_WRITTEN] = now
