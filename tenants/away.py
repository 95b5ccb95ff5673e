"""Pages that need the database say at once that it is away, rather than wait for it in a thread each."""

from collections.abc import Callable
from typing import Final

from django.http import HttpRequest, HttpResponse

from tenants.database import database_is_away
from tenants.staff_session import is_for_staff

_PAGE: Final = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Not available</title>
<h1>Not available right now</h1>
<p>We cannot reach our records. This page works again as soon as we can; please try again in a moment.</p>
</html>
"""


class DatabaseAwayMiddleware:
    """503 for staff while this process's chat pool finds the database away. Stands before what reads sessions."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if database_is_away() and is_for_staff(request):
            return HttpResponse(_PAGE, status=503, headers={"Retry-After": "3", "Cache-Control": "no-store"})
        return self._get_response(request)
