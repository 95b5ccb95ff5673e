"""Admin pages of conversations, to read, to take out and to erase; importing it registers those of erasures, too."""

from datetime import datetime
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_GET, require_POST

from agents.models import Agent
from sessions import erasure_admin, website_admin
from sessions.bounded_pages import BoundedPaginator
from sessions.ending_access import end_access
from sessions.erasure_pages import Asking, check_may_erase, erase_page, may_erase
from sessions.export_pages import as_file, check_may_export, chosen_form, may_export
from sessions.exporting import session_export
from sessions.looks import open_transcript
from sessions.looks_admin import LookAdmin
from sessions.models import AgentSession, Look, Turn
from sessions.noted_looks import note_export, note_search
from sessions.redaction.preview_page import preview_page
from sessions.targets import Target
from sessions.transcript_view import deleted_at, readable, redacted_at, transcript_page
from tenants.admin_scope import opens_own_scopes, role_in, tenant_of
from tenants.hold_pages import LegalHoldPages, may_hold
from tenants.privacy_policy import policy_of_website
from tenants.roles import Deed, Thing, may
from tenants.scoping import tenant_scope

__all__ = ["AgentSessionAdmin", "LookAdmin", "erasure_admin", "website_admin"]

_STATE_KINDS: Final = {"completed": "live", "failed": "off", "abandoned": "off"}


class AgentFilter(admin.SimpleListFilter):
    """The tenant's own agents and the operator's; Django's own filter would know the first alone."""

    title = "agent"
    parameter_name = "agent"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        agents = Agent.shared.order_by("name").values_list("id", "name", "key")
        return [(str(agent_id), f"{name} ({key})") for agent_id, name, key in agents]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AgentSession]) -> QuerySet[AgentSession]:
        chosen = self.value()
        known = {value for value, _ in self.lookup_choices}
        return queryset.filter(agent_id=chosen) if chosen and chosen in known else queryset


class VisitorFilter(admin.SimpleListFilter):
    title = "visitor"
    parameter_name = "visitor"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("verified", "Verified"), ("claimed", "Claimed"), ("anonymous", "Anonymous")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AgentSession]) -> QuerySet[AgentSession]:
        match self.value():
            case "verified" | "claimed" as kind:  # the index holds sessions with a user_id
                return queryset.filter(user_id__isnull=False, user_verified=kind == "verified")
            case "anonymous":
                return queryset.filter(user_id__isnull=True)
        return queryset


class LastMessageFilter(admin.DateFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.title = "last message"


@admin.register(AgentSession)
class AgentSessionAdmin(LegalHoldPages):
    """Conversations are made by visitors and end by the tenant's retention; staff read them, or delete one sooner.

    What staff may change is whether the visitor may come back to one.
    """

    thing = Thing.CONVERSATIONS
    purpose = "What visitors and agents said to each other."
    rank = 2
    empty_hint = "A conversation appears here with the first message a visitor sends."
    list_display = [
        "shown_id",
        "website",
        "agent_name",
        "visitor",
        "message_total",
        "started",
        "last_seen",
        "last_turn",
    ]
    list_display_links = ["shown_id"]
    list_filter = ["website", AgentFilter, VisitorFilter, ("last_activity_at", LastMessageFilter)]
    search_fields = ["session_id__startswith"]
    search_help_text = "A session id or its beginning"
    sortable_by = ()
    paginator = BoundedPaginator
    list_max_show_all = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentSession]:
        """Without the conversations themselves, which may be large; the transcript fetches its own."""
        last_state = Turn.objects.filter(agent_session_id=OuterRef("pk")).order_by("-number").values("state")[:1]
        sessions: QuerySet[AgentSession] = super().get_queryset(request)
        return (
            sessions.select_related("website", "agent")
            .defer("history", "context", "token_hash", "agent__instructions")
            .annotate(last_state=Subquery(last_state))
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """A search is recorded with each page of what it found; the list by itself shows nothing that was said."""
        response = super().changelist_view(request, extra_context)
        found = getattr(response, "context_data", None) or {}
        if "cl" in found and found["cl"].query:
            note_search(request, len(found["cl"].result_list))
        return response

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if Deed.VIEW not in self.rights(request):
            raise PermissionDenied
        session: AgentSession | None = self.get_object(request, object_id)
        if session is None:
            return self.unknown(request, object_id)
        if request.method != "GET":
            raise PermissionDenied
        # Before anything of it is read: what cannot be recorded is not shown.
        look = open_transcript(request, session, request.GET.get("look", ""))
        session.refresh_from_db(fields=["history", "message_count", "context", "token_hash"])
        return TemplateResponse(request, "admin/parlour/transcript.html", self._transcript(request, session, look))

    def get_urls(self) -> list[URLPattern]:
        end = self.admin_site.admin_view(require_POST(self.end_access_view))
        export = self.admin_site.admin_view(require_POST(self.export_view))
        preview = self.admin_site.admin_view(require_GET(self.redaction_preview_view))
        return [
            path("redaction-preview/", preview, name="agent_sessions_agentsession_redaction_preview"),
            path("<path:object_id>/end-access/", end, name="agent_sessions_agentsession_end_access"),
            path("<path:object_id>/export/", export, name="agent_sessions_agentsession_export"),
            *super().get_urls(),
        ]

    def end_access_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The visitor begins anew; staff keep the transcript."""
        if not _may_end_access(request):
            raise PermissionDenied
        session: AgentSession | None = self.get_object(request, object_id)
        if session is None:
            return self.unknown(request, object_id)
        if end_access(session):
            self.log_change(request, session, "Ended the visitor's access.")
            messages.success(request, "The visitor cannot come back to this conversation.")
        return HttpResponseRedirect(reverse("admin:agent_sessions_agentsession_change", args=[session.pk]))

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """In the place of Django's, which deletes at once, and would list every turn of the session."""
        check_may_erase(request)
        session: AgentSession | None = self.get_object(request, object_id)
        if session is None:
            return self.unknown(request, object_id)
        if not self.has_delete_permission(request, session):
            raise PermissionDenied
        return erase_page(request, _asking(session))

    @opens_own_scopes
    def export_view(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        """The conversation as a file; noted before its first byte."""
        tenant = tenant_of(request)
        assert tenant is not None  # nobody comes here without one
        check_may_export(request)
        form = chosen_form(request)
        with tenant_scope(tenant.pk):
            session: AgentSession | None = self.get_object(request, object_id)
            if session is not None:
                note_export(request, Target.session(session))
        if session is None:
            return self.unknown(request, object_id)
        return as_file(session_export(tenant.pk, session.pk, form), form, "conversation")

    def redaction_preview_view(self, request: HttpRequest) -> HttpResponse:
        """What redaction would do, in numbers; to whoever may read conversations."""
        return preview_page(self, request)

    def _transcript(self, request: HttpRequest, session: AgentSession, look: Look) -> dict[str, Any]:
        number = request.GET.get("page", "")
        policy = policy_of_website(session.website_id)
        return {
            **self.admin_site.each_context(request),
            "title": f"Conversation on {session.website}",
            "opts": self.opts,
            "session": session,
            "look": look,
            "may_read_looks": may(role_in(request), Deed.VIEW, Thing.LOOKS),
            "page": transcript_page(session, int(number) if number.isdecimal() else None),
            "context_rows": readable(session.context),
            "may_end_access": _may_end_access(request),
            "may_erase": may_erase(request) and self.has_delete_permission(request, session),
            "may_export": may_export(request),
            "may_hold": may_hold(request),
            "website_is_held": policy.is_held,
            "is_redacted": session.redaction_version > 0,
            "redacted_when": None if session.redaction_version else redacted_at(session, policy),
            "deleted_at": deleted_at(session, policy.retention_days),
        }

    @admin.display(description="Session")
    def shown_id(self, session: AgentSession) -> SafeString:
        return format_html('<code class="session-id" title="{0}">{0}</code>', session.session_id)

    @admin.display(description="Agent")
    def agent_name(self, session: AgentSession) -> str:
        return session.agent.name

    @admin.display(description="Visitor")
    def visitor(self, session: AgentSession) -> SafeString | str:
        if session.user_id is None:
            return "Anonymous"
        word = "verified" if session.user_verified else "claimed"
        return format_html('{} <span class="state state-{}">{}</span>', session.user_id, word, word)

    @admin.display(description="Messages")
    def message_total(self, session: AgentSession) -> int:
        return session.message_count

    @admin.display(description="Started")
    def started(self, session: AgentSession) -> str:
        return _moment(session.created_at)

    @admin.display(description="Last message")
    def last_seen(self, session: AgentSession) -> str:
        return _moment(session.last_activity_at)

    @admin.display(description="Last turn")
    def last_turn(self, session: Any) -> SafeString | str:
        if session.last_state is None:
            return "-"
        kind = _STATE_KINDS.get(session.last_state, "waiting")
        return format_html('<span class="state state-{}">{}</span>', kind, Turn.State(session.last_state).label)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        is_held = obj is not None and obj.website.legal_hold_at is not None
        return not is_held and super().has_delete_permission(request, obj)


def _asking(session: AgentSession) -> Asking:
    back = reverse("admin:agent_sessions_agentsession_change", args=[session.pk])
    sessions = reverse("admin:agent_sessions_agentsession_changelist")
    return Asking(
        Target.session(session),
        title="Erase this conversation",
        word="erase",
        back=back,
        trail=((sessions, "Sessions"), (back, session.session_id)),
    )


def _may_end_access(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.DELETE, Thing.CONVERSATIONS)


def _moment(at: datetime) -> str:
    """In the tenant's time zone; the year only where it is not this one."""
    local = timezone.localtime(at)
    return format_date(local, "j M, H:i" if local.year == timezone.localtime().year else "j M Y, H:i")
