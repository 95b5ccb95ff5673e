"""What the admin pages of all tenants' rows share: who may do what, whose a new row is, and refusals in sentences."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from tenants.admin_list import OfferedFiltersList
from tenants.admin_scope import role_in
from tenants.changes import is_recorded
from tenants.changes_page import show_changes_of
from tenants.errors import ParlourError
from tenants.roles import Deed, Rights, Thing, rights_of
from tenants.scoping import active_tenant_id

if TYPE_CHECKING:  # generic for the type checker alone
    _ModelAdmin = admin.ModelAdmin[Any]
    _ModelForm = forms.ModelForm[Any]
    _Permissions = admin.ModelAdmin[Any]
else:
    _ModelAdmin = admin.ModelAdmin
    _ModelForm = forms.ModelForm
    _Permissions = object


class RolePermissions(_Permissions):
    """A role in the active tenant decides, not Django's permission table. For pages and their inlines alike."""

    thing: Thing
    """What the page is about, as the policy in ``tenants.roles`` calls it."""

    def rights(self, request: HttpRequest) -> Rights:
        """What the person may do here; pages with narrower rules of their own override this."""
        return rights_of(role_in(request), self.thing)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return Deed.VIEW in self.rights(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Deed.VIEW in self.rights(request)

    def has_add_permission(self, request: HttpRequest, *_: Any) -> bool:
        return Deed.ADD in self.rights(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Deed.CHANGE in self.rights(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return Deed.DELETE in self.rights(request)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django looks the row up before it asks who asks, and so tells everybody which ids there are."""
        if Deed.VIEW not in self.rights(request):
            raise PermissionDenied
        if not is_recorded(self.model):
            return super().history_view(request, object_id, extra_context)
        row = self.get_object(request, object_id)
        return self.unknown(request, object_id) if row is None else show_changes_of(request, self.admin_site, row)

    def unknown(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Django's answer to an id that does not exist, which a foreign one gets, too."""
        response: HttpResponse = self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined]
            request, self.opts, object_id
        )
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[OfferedFiltersList]:
        return OfferedFiltersList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if ERROR_FLAG in request.GET and len(request.GET) > 1:  # Django would speak of a broken database
            return HttpResponseRedirect(f"{request.path}?{ERROR_FLAG}=1")
        return super().changelist_view(request, extra_context)

    def formfield_for_dbfield(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        """Choices are made from what there is: no pencils, crosses and eyes beside them."""
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if field is not None and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


class WritesWhatWasChanged(_ModelAdmin):
    """A form writes the columns that somebody changed in it, and no other.

    Django writes them all, as they were when the row was read: a secret that was replaced meanwhile, or a proof that
    was withdrawn, would come back.
    """

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if change:
            columns = {field.name for field in self.opts.concrete_fields}
            obj.save(update_fields=columns.intersection([*form.changed_data, *self.columns_set_by_hand(form)]))
        else:
            super().save_model(request, obj, form, change)

    def columns_set_by_hand(self, form: Any) -> list[str]:
        """Columns beside the form's fields that a page fills from them."""
        return []


class TenantOwnedAdmin(RolePermissions, WritesWhatWasChanged):
    """Pages of a model whose rows belong to tenants. The managers see to it that only the active tenant's appear."""

    purpose = ""
    """One sentence for the home page, where ``rank`` is its place."""
    rank = 0
    empty_hint = ""
    """What to do where there is none yet."""
    in_use_message = "This cannot be deleted while other things use it."
    actions = None
    list_per_page = 50
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.tenant_id = active_tenant_id()
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for row in formset.save(commit=False):
            row.tenant_id = active_tenant_id()
            row.save()
        for row in formset.deleted_objects:
            row.delete()
        formset.save_m2m()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"empty_hint": self.empty_hint, **(extra_context or {})})

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        """Django's, with the database's last word (two people at once, a domain taken) as a sentence on the page."""
        try:
            with transaction.atomic():
                return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:
            return _refused(request, "Somebody saved something of the same name just now. Please look again.")
        except ParlourError as error:
            return _refused(request, str(error))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            with transaction.atomic():
                return super().delete_view(request, object_id, extra_context)
        except IntegrityError:
            messages.error(request, self.in_use_message)
        except ParlourError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect("../change/")


def _refused(request: HttpRequest, sentence: str) -> HttpResponseRedirect:
    messages.error(request, sentence)
    return HttpResponseRedirect(request.get_full_path())


class TenantOwnedForm(_ModelForm):
    """A form whose texts are unique within the tenant: ``once`` maps such a field to the sentence that says so."""

    once: dict[str, str] = {}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        rows: models.Manager[Any] = self._meta.model.objects
        for field, sentence in self.once.items():
            value = cleaned.get(field)
            if value and rows.exclude(pk=self.instance.pk).filter(**{field: value}).exists():
                self.add_error(field, sentence)
        return cleaned


class LinesField(forms.CharField):
    """A list of short texts, typed one per line."""

    def __init__(self, *, max_lines: int, max_line_chars: int, **kwargs: Any) -> None:
        self.max_lines, self.max_line_chars = max_lines, max_line_chars
        kwargs.setdefault("widget", forms.Textarea(attrs={"rows": 3, "cols": 60}))
        super().__init__(required=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        lines = [line.strip() for line in super().clean(value).splitlines()]
        lines = list(dict.fromkeys(line for line in lines if line))
        if len(lines) > self.max_lines:
            raise forms.ValidationError(f"At most {self.max_lines} lines, please.")
        if any(len(line) > self.max_line_chars for line in lines):
            raise forms.ValidationError(f"A line has at most {self.max_line_chars} characters.")
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)
