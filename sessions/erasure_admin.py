"""Admin pages of erasures: what was asked for and how far it is, and what there is of a person who asks."""

from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import BadRequest, PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from sessions.erasure_pages import begin_erasure, check_may_erase, may_erase, progress_of
from sessions.export_pages import as_file, check_may_export, chosen_form, may_export
from sessions.exporting import user_export
from sessions.models import Erasure
from sessions.noted_looks import note_export, note_search
from sessions.stored_ids import stored_ids
from sessions.targets import Preview, Target, preview_of
from tenants.admin_rows import TenantOwnedAdmin
from tenants.admin_scope import opens_own_scopes, tenant_of
from tenants.roles import Deed, Thing
from tenants.scoping import tenant_scope

_STATE_KINDS: Final = {Erasure.State.DONE: "live", Erasure.State.RUNNING: "waiting", Erasure.State.WAITING: "waiting"}
_RECEIPT_PREFIX: Final = "er_"


class PersonForm(forms.Form):
    """By the id that the websites gave; in the body of the request alone, for it may be an address."""

    user_id = forms.CharField(
        label="User id",
        max_length=255,
        help_text="The person's id as your websites tell it to the chat, on all of them.",
        widget=forms.TextInput(attrs={"size": 40, "autocomplete": "off"}),
    )


class WhatFilter(admin.SimpleListFilter):
    title = "what"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(kind.value, str(kind.label)) for kind in Erasure.Kind]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Erasure]) -> QuerySet[Erasure]:
        chosen = self.value()
        return queryset.filter(kind=chosen) if chosen in Erasure.Kind.values else queryset


@admin.register(Erasure)
class ErasureAdmin(TenantOwnedAdmin):
    """Erasures are asked for where their subject is; a person is looked up here."""

    thing = Thing.ERASURES
    purpose = "What was erased, and how far it is. Answer a person who asks for their data or its deletion."
    rank = 10
    empty_hint = "What visitors and staff have erased is listed here, in figures."
    list_display = ["shown_id", "kind_in_words", "shown_state", "conversations", "messages", "asked_for"]
    list_display_links = ["shown_id"]
    list_filter = [WhatFilter]
    search_fields = ["pk"]
    search_help_text = "A receipt's id"
    sortable_by = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Erasure], search_term: str
    ) -> tuple[QuerySet[Erasure], bool]:
        if not search_term:
            return queryset, False
        try:
            wanted = UUID(search_term.strip().removeprefix(_RECEIPT_PREFIX))
        except ValueError:
            return queryset.none(), False
        return queryset.filter(pk=wanted), False

    def get_urls(self) -> list[URLPattern]:
        export = self.admin_site.admin_view(require_POST(self.export_view))
        return [path("export/", export, name="agent_sessions_erasure_export"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"add_label": "Look up a person", **(extra_context or {})})

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        erasure: Erasure | None = self.get_object(request, object_id)
        if erasure is None:
            return self.unknown(request, object_id)
        if request.method != "GET" or Deed.VIEW not in self.rights(request):
            raise PermissionDenied
        context = {**self._context(request), "title": f"Erasure {erasure}", **progress_of(erasure)}
        return TemplateResponse(request, "admin/parlour/erasure.html", context)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Who asks: look them up, then take their conversations out, or erase them, once their id was typed again."""
        if Deed.ADD not in self.rights(request):
            raise PermissionDenied
        form = PersonForm(request.POST or None)
        if not form.is_valid():
            return self._person_page(request, form)
        target = Target.user(form.cleaned_data["user_id"])
        typed = request.POST.get("word")
        if typed is not None and typed.strip() == target.user_id:
            check_may_erase(request)
            return begin_erasure(request, target)
        return self._person_page(request, form, target, error=typed is not None)

    @opens_own_scopes
    def export_view(self, request: HttpRequest) -> HttpResponse:
        """All of a person's conversations as a file; noted before its first byte."""
        tenant = tenant_of(request)
        assert tenant is not None  # nobody comes here without one
        check_may_export(request)
        form, person = chosen_form(request), PersonForm(request.POST)
        if not person.is_valid():
            raise BadRequest("Whose conversations are meant?")
        target = Target.user(person.cleaned_data["user_id"])
        verified_only = request.POST.get("verified_only") == "on"
        with tenant_scope(tenant.pk):
            note_export(request, target, verified_only=verified_only)
            user_ids = stored_ids(target.user_id)
        pieces = user_export(tenant.pk, user_ids, form, verified_only=verified_only)
        return as_file(pieces, form, "conversations")  # type: ignore[return-value]  # a stream is a response, too

    def _person_page(
        self, request: HttpRequest, form: PersonForm, target: Target | None = None, *, error: bool = False
    ) -> HttpResponse:
        context = {
            **self._context(request),
            "title": "Data of a person",
            "form": form,
            "target": target,
            "preview": _noted_preview(request, target) if target else None,
            "may_export": may_export(request),
            "may_erase": may_erase(request),
            "error": error,
        }
        return TemplateResponse(request, "admin/parlour/person.html", context)

    def _context(self, request: HttpRequest) -> dict[str, Any]:
        return {**self.admin_site.each_context(request), "opts": self.opts}

    @admin.display(description="Receipt")
    def shown_id(self, erasure: Erasure) -> SafeString:
        return format_html('<code class="session-id" title="{0}">{0}</code>', erasure.receipt_id)

    @admin.display(description="What")
    def kind_in_words(self, erasure: Erasure) -> str:
        return erasure.get_kind_display()

    @admin.display(description="State")
    def shown_state(self, erasure: Erasure) -> SafeString:
        state = Erasure.State(erasure.state)
        return format_html('<span class="state state-{}">{}</span>', _STATE_KINDS[state], state.label)

    @admin.display(description="Conversations")
    def conversations(self, erasure: Erasure) -> str:
        return f"{erasure.sessions_done} of {max(erasure.sessions_total, erasure.sessions_done)}"

    @admin.display(description="Messages")
    def messages(self, erasure: Erasure) -> int:
        return erasure.messages_done

    @admin.display(description="Asked for")
    def asked_for(self, erasure: Erasure) -> str:
        return format_date(timezone.localtime(erasure.created_at), "j M Y, H:i")


def _noted_preview(request: HttpRequest, target: Target) -> Preview:
    """That a person was here, and when, is a look at what they said."""
    preview = preview_of(target)
    note_search(request, preview.sessions)
    return preview
