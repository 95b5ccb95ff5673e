"""The admin's site: who may enter, which tenant they are in, and the page they land on."""

from http import HTTPStatus
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver, path, reverse
from django.views.decorators.http import require_POST

from tenants.admin_scope import CHOSEN_TENANT, is_operators_desk, opens_own_scopes, role_in, tenant_of
from tenants.changes_page import PURPOSE, RANK, show_changes
from tenants.identifiers import OPERATOR_ID
from tenants.login_form import LoginForm, seconds_locked
from tenants.models import Tenant, Website
from tenants.roles import Deed, Role, Thing, may
from tenants.scoping import tenant_scope


class ParlourAdminSite(admin.AdminSite):
    site_header = "Parlour"
    site_title = "Parlour"
    index_title = "Home"
    site_url = None
    login_form = LoginForm
    enable_nav_sidebar = False

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and tenant_of(request) is not None

    def get_urls(self) -> list[URLResolver | URLPattern]:
        view = opens_own_scopes(self.admin_view(require_POST(self.switch_tenant)))
        switch = path("switch-tenant/", view, name="switch_tenant")
        changes = path("changes/", self.admin_view(self.changes), name="changes")
        # Django's shortcut to an object's own page: none has one, and it looks rows up without asking who asks.
        others = [url for url in super().get_urls() if getattr(url, "name", None) != "view_on_site"]
        return [switch, changes, *others]

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Django's, which says by its status, too, that there were too many tries."""
        response = super().login(request, extra_context)
        if (seconds := seconds_locked(request)) is not None:
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response["Retry-After"] = str(seconds)
        return response

    def switch_tenant(self, request: HttpRequest) -> HttpResponseBase:
        """Goes to another tenant. A tenant that is somebody else's is refused as one that does not exist."""
        chosen = request.POST.get("tenant", "")
        seat = next((seat for seat in getattr(request, "seats", ()) if str(seat.tenant_id) == chosen), None)
        if seat is None:
            messages.error(request, "There is no such tenant among yours.")
        else:
            if seat.role is Role.OPERATOR:
                with tenant_scope(OPERATOR_ID):
                    self.record_entry(request, Tenant(id=seat.tenant_id, name=seat.tenant_name))
            request.session[CHOSEN_TENANT] = chosen  # only once that is written down
        return HttpResponseRedirect(reverse("admin:index"))

    def record_entry(self, request: HttpRequest, tenant: Tenant) -> None:
        """Writes down, in the operator's own scope, that the operator goes to ``tenant``."""
        LogEntry.objects.log_actions(
            int(str(request.user.pk)), [tenant], CHANGE, change_message="Entered this tenant.", single_object=True
        )

    def changes(self, request: HttpRequest) -> HttpResponse:
        return show_changes(request, self)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        entries = [entry for app in self.get_app_list(request) for entry in app["models"]]
        if may(role_in(request), Deed.VIEW, Thing.CHANGES):
            entries.append({"name": "Changes", "admin_url": reverse("admin:changes"), "purpose": PURPOSE, "rank": RANK})
        context = {
            "cards": sorted(entries, key=lambda entry: int(entry["rank"])),
            "first_steps": role_in(request) is not Role.AUDITOR and not Website.objects.exists(),
        }
        return super().index(request, {**context, **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Django's list, each model with the ``purpose`` and ``rank`` that its admin states."""
        apps = super().get_app_list(request, app_label)
        for entry in (entry for app in apps for entry in app["models"]):
            pages = self.get_model_admin(entry["model"])
            entry.update(purpose=getattr(pages, "purpose", ""), rank=getattr(pages, "rank", 0))
            if entry["model"] is Tenant and not is_operators_desk(request):
                entry["name"] = "Settings"
        return apps
