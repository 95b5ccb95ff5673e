"""Admin pages of tenants and of the people who log in; importing it registers the members' and keys' pages, too."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.views.decorators.http import require_POST

from tenants import members_admin
from tenants.admin_rows import RolePermissions, WritesWhatWasChanged
from tenants.admin_scope import is_operators_desk, role_in, tenant_of
from tenants.api_key_admin import ApiKeyAdmin
from tenants.models import Tenant
from tenants.policy_changed import tell_if_it_hides_otherwise
from tenants.privacy_choices import NEVER_WARNING
from tenants.privacy_form import TENANTS_FIELDS, TenantForm, kinds_column, kinds_in_words, warns
from tenants.redaction_keys import remove_redaction_key
from tenants.roles import NOTHING, Deed, Rights, Thing, may, rights_of

if TYPE_CHECKING:  # generic for the type checker alone
    _UserAdmin = UserAdmin[User]
else:
    _UserAdmin = UserAdmin


__all__ = ["ApiKeyAdmin", "PeopleAdmin", "TenantAdmin", "members_admin"]

_BASICS = ["name", "slug", "is_active", "time_zone"]
_LIMITS = [
    "session_turns_per_minute",
    "network_turns_per_minute",
    "turns_per_minute",
    "turns_per_day",
    "tokens_per_day",
]
_AS_READ = {"replaced_kinds": "kinds_replaced"}
"""What those read who may not change it."""
_TOKENS = ["token_idle_days", "token_lifetime_days"]
_TOKENS_EXPLAINED = "How long a visitor's browser may come back to its conversation."
_PRIVACY_EXPLAINED = (
    "Placeholders take the place of personal data in everything that is stored of a conversation. A website may"
    " depart from this on its own page."
)
_LIMITS_EXPLAINED = "A turn is a message with its answer. The operator sets these; a website may have less."


@admin.register(Tenant)
class TenantAdmin(RolePermissions, WritesWhatWasChanged):
    """The operator's list of tenants; for everybody else the settings of their own."""

    thing = Thing.SETTINGS
    purpose = "Name, time zone, how long conversations are kept, and how much visitors may ask."
    rank = 11
    actions = None
    form = TenantForm
    change_form_template = "admin/parlour/tenant_change_form.html"
    list_per_page = 50
    list_display = ["name", "slug", "state", "time_zone", "retention_days", "created_at", "enter"]
    search_fields = ["name", "slug"]
    search_help_text = "Name or slug"
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tenant]:
        tenants = super().get_queryset(request)
        active = tenant_of(request)
        return tenants if is_operators_desk(request) else tenants.filter(pk=active.pk if active else None)

    def rights(self, request: HttpRequest) -> Rights:
        return rights_of(role_in(request), Thing.TENANTS if is_operators_desk(request) else self.thing)

    def get_fieldsets(self, request: HttpRequest, obj: Tenant | None = None) -> Any:
        at_desk = is_operators_desk(request)
        basics = _BASICS if at_desk else [name for name in _BASICS if name not in {"slug", "is_active"}]
        if obj is None:  # a new one begins with the usual limits
            return [(None, {"fields": [*basics, "retention_days"]})]
        writes = Deed.CHANGE in self.rights(request)
        privacy = TENANTS_FIELDS if writes else [_AS_READ.get(name, name) for name in TENANTS_FIELDS]
        return [
            (None, {"fields": basics}),
            ("Privacy", {"fields": privacy, "description": _PRIVACY_EXPLAINED}),
            ("How long a conversation is the visitor's", {"fields": _TOKENS, "description": _TOKENS_EXPLAINED}),
            ("How much visitors may ask", {"fields": _LIMITS, "description": _LIMITS_EXPLAINED}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Tenant | None = None) -> list[str]:
        # Suspending the operator would close every tenant's way to its shared agents' owner.
        fixed = ["is_active"] if obj is not None and obj.is_operator else []
        if obj is not None and Deed.CHANGE not in self.rights(request):
            fixed = [*fixed, *_AS_READ.values()]
        return fixed if is_operators_desk(request) else [*fixed, *_LIMITS]

    def get_prepopulated_fields(self, request: HttpRequest, obj: Tenant | None = None) -> dict[str, Any]:
        return {"slug": ["name"]} if obj is None and is_operators_desk(request) else {}

    def columns_set_by_hand(self, form: Any) -> list[str]:
        return kinds_column(form)

    def save_model(self, request: HttpRequest, obj: Tenant, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            tell_if_it_hides_otherwise(form, obj.pk)
        if change and "redact_when" in form.changed_data and warns(obj.redact_when):
            messages.warning(request, NEVER_WARNING)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if isinstance(tenant := kwargs.get("obj"), Tenant):
            active = tenant_of(request)
            context["never_warning"] = NEVER_WARNING if warns(tenant.redact_when) else ""
            context["is_here"] = active is not None and active.pk == tenant.pk
            context["may_remove_key"] = _may_remove_key(request)
        return super().render_change_form(request, context, *args, **kwargs)

    def unknown(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """As ``TenantOwnedAdmin.unknown``."""
        response: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
            request, self.opts, object_id
        )
        return response

    def get_urls(self) -> list[URLPattern]:
        remove = self.admin_site.admin_view(require_POST(self.remove_key_view))
        address = "<path:object_id>/remove-redaction-key/"
        return [path(address, remove, name="tenants_tenant_remove_redaction_key"), *super().get_urls()]

    def remove_key_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Of the tenant that the request runs in, and no other."""
        if not _may_remove_key(request):
            raise PermissionDenied
        tenant, active = self.get_object(request, object_id), tenant_of(request)
        if tenant is None or active is None or tenant.pk != active.pk:
            return self.unknown(request, object_id)
        if remove_redaction_key():
            self.log_change(request, tenant, "Removed the key of the placeholders.")
        messages.success(request, "The key is removed. Placeholders from now on match none of those before.")
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        tenant = tenant_of(request)
        if tenant is None or is_operators_desk(request):
            return super().changelist_view(request, extra_context)
        return HttpResponseRedirect(reverse("admin:tenants_tenant_change", args=[tenant.pk]))

    @admin.display(description="What is replaced")
    def kinds_replaced(self, tenant: Tenant) -> str:
        return kinds_in_words(tenant.kinds_kept)

    @admin.display(description="State")
    def state(self, tenant: Tenant) -> str:
        return "Active" if tenant.is_active else "Suspended"

    @admin.display(description="")
    def enter(self, tenant: Tenant) -> str:
        return format_html(
            '<button form="enter-tenant" name="tenant" value="{}" class="quiet-button">Enter</button>', tenant.pk
        )


def _may_remove_key(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.CHANGE, Thing.PRIVACY)


admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PeopleAdmin(RolePermissions, WritesWhatWasChanged, _UserAdmin):
    """The people who log in: known to the operator alone. What they may do, their memberships say."""

    thing = Thing.PEOPLE
    purpose = "The people who log in."
    rank = 12
    actions = None
    list_display = ["username", "email", "is_active", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_superuser"]
    search_help_text = "Name or email address"
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("May log in", {"fields": ("is_active", "is_staff", "is_superuser")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "usable_password", "password1", "password2", "is_staff")}),)

    def rights(self, request: HttpRequest) -> Rights:
        # People are switched off, not deleted: their memberships lie in tenants that this page cannot see.
        return super().rights(request) if is_operators_desk(request) else NOTHING
