"""The admin page of API keys: make one, which is shown once, see when it was used, revoke it."""

from datetime import datetime
from typing import Any, Final

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from tenants.admin_rows import TenantOwnedAdmin
from tenants.api_key_form import ApiKeyForm
from tenants.api_keys import create_api_key, revoke_api_key
from tenants.models import ApiKey, Website
from tenants.roles import Deed, Rights, Thing

_CREATED: Final = "admin/parlour/api_key_created.html"
_REVOKE: Final = "admin/parlour/api_key_revoke.html"


@admin.register(ApiKey)
class ApiKeyAdmin(TenantOwnedAdmin):
    """A key is made and revoked, and neither changed nor deleted: who had one stays to be seen."""

    form = ApiKeyForm
    thing = Thing.API_KEYS
    purpose = "Let your own servers chat and read conversations through the API."
    rank = 5
    empty_hint = (
        "With one, your own server talks to your agents without a browser: a mobile app's backend, a help desk, a test."
    )
    change_list_template = "admin/parlour/api_key_change_list.html"
    change_form_template = "admin/parlour/api_key_change_form.html"
    list_display = ["name", "beginning", "state", "may", "last_used", "expires", "made_by"]
    list_select_related = ["created_by"]
    readonly_fields = ["beginning", "state", "may", "last_used", "expires", "revoked_at", "made_by", "created_at"]

    # -- who may do what

    def rights(self, request: HttpRequest) -> Rights:
        return super().rights(request) - {Deed.CHANGE, Deed.DELETE}

    def may_revoke(self, request: HttpRequest) -> bool:
        return Deed.CHANGE in super().rights(request)

    # -- making one

    def get_fieldsets(self, request: HttpRequest, obj: ApiKey | None = None) -> Any:
        if obj is None:
            return [(None, {"fields": ["name", "scopes", "expires_at"]})]
        end = "revoked_at" if obj.revoked_at else "expires"
        made = ["created_at", "made_by"]
        return [(None, {"fields": ["name", "beginning", "may", "state", "last_used", end, *made]})]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        wanted = form.cleaned_data
        made, obj.shown_once = create_api_key(
            wanted["name"], wanted["scopes"], expires_at=wanted["expires_at"], created_by_id=request.user.pk
        )
        obj.pk = made.pk
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> Any:
        """Shows the key in the very answer to the form: kept for another page, it would lie in the database."""
        context = {"title": "Copy the key now", "api_key": obj.shown_once, "original": obj}
        return TemplateResponse(request, _CREATED, self._context(request, **context))

    # -- revoking one

    def get_urls(self) -> list[URLPattern]:
        revoke = self.admin_site.admin_view(self.revoke)
        return [path("<path:object_id>/revoke/", revoke, name="tenants_apikey_revoke"), *super().get_urls()]

    def revoke(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Asks first; a POST is the answer."""
        if not self.may_revoke(request):
            raise PermissionDenied
        key: ApiKey | None = self.get_object(request, object_id)
        if key is None:
            return self.unknown(request, object_id)
        if request.method != "POST":
            context = self._context(request, title=f"Revoke {key}?", original=key)
            return TemplateResponse(request, _REVOKE, context)
        revoke_api_key(key)
        self.log_change(request, key, "Revoked.")
        messages.success(request, f"{key} is revoked: within seconds it opens nothing any more.")
        return HttpResponseRedirect(reverse("admin:tenants_apikey_changelist"))

    # -- what is shown

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {**_example(), **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> Any:
        may_revoke = {"may_revoke": self.may_revoke(request)}
        return super().change_view(request, object_id, form_url, {**may_revoke, **(extra_context or {})})

    def _context(self, request: HttpRequest, **more: Any) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts, **_example(), **more}

    @admin.display(description="Key")
    def beginning(self, key: ApiKey) -> SafeString:
        return format_html("<code>sk_{}_…</code>", key.prefix)

    @admin.display(description="State")
    def state(self, key: ApiKey) -> SafeString:
        kind, words = _state(key)
        return format_html('<span class="state state-{}">{}</span>', kind, words)

    @admin.display(description="It may")
    def may(self, key: ApiKey) -> str:
        return ", ".join(_scope_in_words(scope) for scope in key.scopes)

    @admin.display(description="Last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> str:
        return _moment(key.last_used_at)

    @admin.display(description="Expires", ordering="expires_at")
    def expires(self, key: ApiKey) -> str:
        return _moment(key.expires_at)

    @admin.display(description="Made by")
    def made_by(self, key: ApiKey) -> str:
        """A name, not a link: the people's pages are the operator's."""
        return str(key.created_by or "-")


def _state(key: ApiKey) -> tuple[str, str]:
    if key.revoked_at is not None:
        return "off", "Revoked"
    return ("waiting", "Expired") if key.is_expired else ("live", "Active")


def _moment(at: datetime | None) -> str:
    """In the tenant's time zone."""
    return "Never" if at is None else date_format(localtime(at), "DATETIME_FORMAT")


def _scope_in_words(scope: str) -> str:
    return ApiKey.Scope(scope).label.partition(":")[0].lower()


def _example() -> dict[str, Any]:
    """For the call that a page shows: where to, and a website of the tenant's where it must be named."""
    domains = list(Website.objects.filter(proved_at__isnull=False).values_list("domain", flat=True)[:2])
    return {"example_url": settings.PUBLIC_URL, "example_domain": domains[0] if len(domains) > 1 else None}
