"""Setting and lifting a legal hold from a row's page in the admin."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_POST

from tenants.admin_rows import TenantOwnedAdmin
from tenants.admin_scope import role_in
from tenants.legal_holds import lift_hold, set_hold
from tenants.roles import Deed, Thing, may


class LegalHoldPages(TenantOwnedAdmin):
    """Pages of rows that may be held. Their templates show ``may_hold`` the button, which posts ``held``."""

    def get_urls(self) -> list[URLPattern]:
        hold = self.admin_site.admin_view(require_POST(self.legal_hold_view))
        return [path("<path:object_id>/legal-hold/", hold, name=f"{self._address}_legal_hold"), *super().get_urls()]

    def legal_hold_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not may_hold(request):
            raise PermissionDenied
        row = self.get_object(request, object_id)
        if row is None:
            return self.unknown(request, object_id)
        if request.POST.get("held") == "yes":
            self._conclude(request, row, set_hold(row, by=_name_of(request)), "Under a legal hold from now on.")
        elif request.POST.get("held") == "no":
            self._conclude(request, row, lift_hold(row), "The legal hold is lifted.")
        return HttpResponseRedirect(reverse(f"admin:{self._address}_change", args=[row.pk]))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_held = obj is not None and obj.legal_hold_at is not None
        return not is_held and super().has_delete_permission(request, obj)

    @property
    def _address(self) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}"

    def _conclude(self, request: HttpRequest, row: Any, is_done: bool, sentence: str) -> None:
        if is_done:
            self.log_change(request, row, sentence)
            messages.success(request, sentence)


def may_hold(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.CHANGE, Thing.PRIVACY)


def _name_of(request: HttpRequest) -> str:
    return str(getattr(request.user, "get_username", str)())
