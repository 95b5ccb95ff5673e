"""Forms remember the tenant they were made in, and are refused in any other.

Somebody who works in several tenants may change to another one in a second tab; the form in the first would be saved
there. It is no wall: who may write where, the seats decide. A POST without the field comes from no page of ours, for
the tag that adds it is the one without which no form works, and is answered in the login's tenant.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from tenants.admin_scope import tenant_of
from tenants.models import Tenant

MADE_IN: Final = "_made_in"
"""The hidden field with the tenant's id, which ``{% csrf_token %}`` adds."""

_ABOUT_THE_PERSON: Final = {"login", "logout", "password_change", "switch_tenant"}
"""Pages whose forms do the same in every tenant."""


class StaleFormMiddleware:
    """Answers 409 to a form that was made in another tenant than its request runs in; nothing is written."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        """Called after the check against forged requests."""
        tenant, match = tenant_of(request), request.resolver_match
        if request.method != "POST" or tenant is None or (match and match.url_name in _ABOUT_THE_PERSON):
            return None
        made_in = request.POST.get(MADE_IN, str(tenant.pk))
        return None if made_in == str(tenant.pk) else _refused(request, tenant, made_in)


def _refused(request: HttpRequest, tenant: Tenant, made_in: str) -> HttpResponse:
    seats = getattr(request, "seats", ())
    context = {
        **admin.site.each_context(request),
        "title": f"You have changed to {tenant}",
        "made_in": next((seat for seat in seats if str(seat.tenant_id) == made_in), None),
    }
    return TemplateResponse(request, "admin/parlour/stale_form.html", context, status=HTTPStatus.CONFLICT)
