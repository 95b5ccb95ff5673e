"""The pages of the record of changes: a tenant's whole, and that of one row."""

from http import HTTPStatus
from typing import Any, Final

from django import forms
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.text import capfirst

from tenants.admin_scope import role_in
from tenants.change_words import in_words
from tenants.changes import MOST_PAGES, OPERATOR, SYSTEM, Line, Wanted, changes, changes_of, kinds, people, recorded
from tenants.roles import Deed, Role, Thing, may

PURPOSE: Final = "What was changed here, by whom and when: websites, agents, members, keys and settings."
RANK: Final = 9
_TEMPLATE: Final = "admin/parlour/changes.html"


class WantedForm(forms.Form):
    """Which changes to show; everything may be left empty."""

    kind = forms.ChoiceField(required=False, label="What")
    who = forms.ChoiceField(required=False, label="Who")
    since = forms.DateField(required=False, label="From", widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(required=False, label="To", widget=forms.DateInput(attrs={"type": "date"}))
    page = forms.IntegerField(required=False, min_value=1, max_value=MOST_PAGES, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kind"].choices = [("", "Everything"), *_kind_choices()]  # type: ignore[attr-defined]
        self.fields["who"].choices = [("", "Everybody"), *_who_choices()]  # type: ignore[attr-defined]

    @property
    def page_number(self) -> int:
        return self.cleaned_data["page"] or 1

    @property
    def wanted(self) -> Wanted:
        asked = self.cleaned_data
        return Wanted(kind=asked["kind"], who=asked["who"], since=asked["since"], until=asked["until"])


def show_changes(request: HttpRequest, site: AdminSite) -> HttpResponse:
    """The active tenant's, the newest first. A filter that makes no sense is named, and nothing is shown."""
    if not may(role_in(request), Deed.VIEW, Thing.CHANGES):
        raise PermissionDenied
    form = WantedForm(request.GET)
    context: dict[str, Any] = {"title": "Changes", "form": form, "explained": PURPOSE}
    if not form.is_valid():
        return _page(request, site, [], 1, context, status=HTTPStatus.BAD_REQUEST)
    lines, context["has_older"] = changes(form.wanted, page=form.page_number)
    return _page(request, site, lines, form.page_number, context)


def show_changes_of(request: HttpRequest, site: AdminSite, row: Model) -> HttpResponse:
    """One row's; whoever calls has found it, and may show it."""
    page = forms.IntegerField(min_value=1, max_value=MOST_PAGES)
    try:
        number = page.clean(request.GET.get("page", "1"))
    except forms.ValidationError:
        number = 1
    lines, has_older = changes_of(row, page=number)
    context = {"title": f"Changes of {row}", "object": row, "opts": row._meta, "has_older": has_older}  # noqa: SLF001
    return _page(request, site, lines, number, context)


def _page(
    request: HttpRequest, site: AdminSite, lines: list[Line], number: int, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    shown = in_words(lines, for_operator=role_in(request) is Role.OPERATOR)
    pages = {"newer": number - 1, "older": number + 1 if context.get("has_older") and number < MOST_PAGES else 0}
    return TemplateResponse(
        request, _TEMPLATE, {**site.each_context(request), **context, **pages, "changes": shown}, status=status
    )


def _kind_choices() -> list[tuple[str, str]]:
    names = [(name, capfirst(str(recorded(model)._meta.verbose_name_plural))) for name, model in kinds().items()]  # noqa: SLF001
    return sorted(names, key=lambda choice: choice[1])


def _who_choices() -> list[tuple[str, str]]:
    members = User.objects.filter(pk__in=people(), is_superuser=False).order_by("username")
    return [
        *((str(pk), name) for pk, name in members.values_list("pk", "username")),
        (OPERATOR, "The operator"),
        (SYSTEM, "The system"),
    ]
