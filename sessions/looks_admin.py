"""Admin pages of the record of looks, to read and nothing else."""

from datetime import datetime
from typing import Any, Final

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString

from sessions.bounded_pages import BoundedPaginator
from sessions.looks import people_who_looked
from sessions.models import Look
from tenants.admin_rows import TenantOwnedAdmin
from tenants.admin_scope import tenant_of
from tenants.roles import Thing

_LONGEST_NAME: Final = 150
_EVERYBODYS: Final = (Look.Kind.VIEW, Look.Kind.SEARCH, Look.Kind.EXPORT, Look.Kind.ERASURE, Look.Kind.PREVIEW)
_OPERATORS: Final = (*_EVERYBODYS, Look.Kind.ENTRY, Look.Kind.TENANT_ERASURE)


class WhoFilter(admin.SimpleListFilter):
    title = "who"
    parameter_name = "who"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in people_who_looked()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Look]) -> QuerySet[Look]:
        chosen = self.value()
        if chosen and "\x00" in chosen:  # PostgreSQL has no such text
            return queryset.none()
        return queryset.filter(actor_name=chosen[:_LONGEST_NAME]) if chosen else queryset


class WhatFilter(admin.SimpleListFilter):
    title = "what"
    parameter_name = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        tenant = tenant_of(request)
        return [
            (kind.value, str(kind.label)) for kind in (_OPERATORS if tenant and tenant.is_operator else _EVERYBODYS)
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Look]) -> QuerySet[Look]:
        chosen = self.value()
        return queryset.filter(kind=chosen) if chosen in Look.Kind.values else queryset


class WhenFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "when"


@admin.register(Look)
class LookAdmin(TenantOwnedAdmin):
    """The tenant's own record, newest first. No row of it points at anything, so a page asks for its rows alone."""

    thing = Thing.LOOKS
    purpose = "Who opened, searched, took or erased conversations, and when."
    rank = 8
    empty_hint = "A line appears here when somebody opens a conversation."
    list_display = ["shown_at", "who", "what", "whose", "how_many", "shown_address", "number"]
    list_filter = [WhoFilter, WhatFilter, ("created_at", WhenFilter)]
    search_fields = ["subject__exact"]
    search_help_text = "A session id"
    sortable_by = ()
    paginator = BoundedPaginator
    list_max_show_all = 0
    fields = readonly_fields = (
        "number",
        "shown_at_in_full",
        "who",
        "what",
        "whose",
        "website",
        "how_many",
        "shown_reason",
        "shown_address",
        "fingerprint",
    )

    @admin.display(description="When")
    def shown_at(self, look: Look) -> str:
        local = timezone.localtime(look.created_at)
        return format_date(local, "j M, H:i:s" if local.year == timezone.localtime().year else "j M Y, H:i:s")

    @admin.display(description="When")
    def shown_at_in_full(self, look: Look) -> str:
        return _in_full(look.created_at)

    @admin.display(description="Who")
    def who(self, look: Look) -> SafeString:
        role = look.actor_role
        return format_html('{} <span class="role role-{}">{}</span>', look.actor_name, role, role.capitalize())

    @admin.display(description="What")
    def what(self, look: Look) -> str:
        return Look.Kind(look.kind).label

    @admin.display(description="Session or tenant")
    def whose(self, look: Look) -> SafeString | str:
        if not look.subject:
            return "-"
        return format_html('<code class="session-id" title="{0}">{0}</code>', look.subject)

    @admin.display(description="How many")
    def how_many(self, look: Look) -> str:
        if look.count is None:
            return "-"
        return f"{look.count} {_counted(look)}{'' if look.count == 1 else 's'}"

    @admin.display(description="Why")
    def shown_reason(self, look: Look) -> str:
        return look.reason or "Nobody asked."

    @admin.display(description="From")
    def shown_address(self, look: Look) -> str:
        return look.address or "-"

    @admin.display(description="Hash")
    def fingerprint(self, look: Look) -> SafeString:
        return format_html("<code>{}</code>", bytes(look.hash).hex())


def _counted(look: Look) -> str:
    if look.kind == Look.Kind.TENANT_ERASURE:
        return "look"
    return "message" if look.subject else "session"


def _in_full(at: datetime) -> str:
    return format_date(timezone.localtime(at), "j F Y, H:i:s e")
