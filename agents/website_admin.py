"""The admin page of websites: register one, prove it, choose its agents, copy its snippet."""

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_http_methods

from agents.identity_page import identity_page
from agents.models import Agent, WebsiteAgent
from agents.website_agents import save_website_agents
from agents.website_form import WebsiteAgentForm, WebsiteForm, WebsiteFormWithPrivacy
from tenants.admin_rows import RolePermissions
from tenants.admin_scope import role_in
from tenants.domains import DomainError, normalise_domain
from tenants.hold_pages import LegalHoldPages, may_hold
from tenants.models import Website
from tenants.policy_changed import tell_if_it_hides_otherwise
from tenants.privacy_choices import NEVER_WARNING
from tenants.privacy_form import WEBSITES_FIELDS, in_words, kinds_column, warns
from tenants.privacy_policy import policy_of_website
from tenants.proof_pages import DomainProofPages
from tenants.proof_words import STATES, state_of
from tenants.refused_origins import refusals_of
from tenants.registration import is_local, register_website, set_origins
from tenants.roles import Deed, Thing, may

_PRIVACY_AS_READ = ["policy_in_words"]
_PRIVACY_EXPLAINED = "Where this website departs from the tenant's settings."
SNIPPET = '<script async src="{}/widget.js" data-site-key="{}"></script>'


class WebsiteAgentInline(RolePermissions, admin.StackedInline):  # type: ignore[type-arg]
    thing = Thing.WEBSITES
    model = WebsiteAgent
    form = WebsiteAgentForm
    verbose_name = "agent of this website"
    verbose_name_plural = "Agents"

    def get_extra(self, request: HttpRequest, obj: Website | None = None, **_: Any) -> int:
        return 1 if obj is None else 0

    def get_fields(self, request: HttpRequest, obj: Website | None = None) -> Any:
        writes = Deed.CHANGE in self.rights(request)
        starters = "starters" if writes else "starters_in_lines"
        return ["agent", "is_default", "instructions", "welcome", starters, "accent", "position"]

    def get_readonly_fields(self, request: HttpRequest, obj: Website | None = None) -> list[str]:
        return [] if Deed.CHANGE in self.rights(request) else ["starters_in_lines"]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "agent":
            kwargs["queryset"] = Agent.shared.order_by("name", "key")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description="Starters")
    def starters_in_lines(self, row: WebsiteAgent) -> str:
        return "\n".join(row.starters)


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(STATES.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Website]) -> QuerySet[Website]:
        match self.value():
            case "off":
                return queryset.filter(is_active=False)
            case "waiting":
                return queryset.filter(is_active=True, proved_at__isnull=True)
            case "live" | "lapsed" as kind:
                return queryset.filter(is_active=True, proved_at__isnull=False, proof_lapsed_at__isnull=kind == "live")
        return queryset


@admin.register(Website)
class WebsiteAdmin(LegalHoldPages, DomainProofPages):
    thing = Thing.WEBSITES
    form = WebsiteForm
    inlines = [WebsiteAgentInline]
    purpose = "Where your visitors chat: domains, the agents they use, and the snippet to paste."
    rank = 1
    empty_hint = "Add the first one: type its domain, choose an agent, and paste the snippet into its pages."
    in_use_message = (
        "This website has conversations, so it cannot be deleted alone: Erase, on its page, takes them along. Or "
        "switch it off: its visitors are then refused, and its conversations go when their time is over."
    )
    change_form_template = "admin/parlour/website_change_form.html"
    list_display = ["shown_domain", "title", "state", "default_agent", "created_at"]
    list_display_links = ["shown_domain"]
    list_filter = [StateFilter]
    search_fields = ["domain", "title"]
    search_help_text = "Domain or title"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Website]:
        defaults = (
            WebsiteAgent.objects.filter(is_default=True)
            .select_related("agent")
            .only("tenant_id", "website_id", "agent__name", "agent__key")
        )
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("website_agents", queryset=defaults, to_attr="default_uses"))
        )

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Finds ``münchen.de``, too, which is kept as ``xn--...``."""
        if not search_term.isascii():
            try:
                return queryset.filter(domain=normalise_domain(search_term)), False
            except DomainError:
                pass
        return super().get_search_results(request, queryset, search_term)

    # -- the form

    def get_fieldsets(self, request: HttpRequest, obj: Website | None = None) -> Any:
        writes = Deed.CHANGE in self.rights(request)
        switches = ["is_active", "require_session_token"]
        if obj is None:
            return [
                (None, {"fields": ["domain", "title"]}),
                ("More", {"fields": ["extra_origins", *switches], "classes": ["collapse"]}),
            ]
        origins = ["extra_origins"] if writes else []
        privacy = WEBSITES_FIELDS if self._writes_privacy(request) else _PRIVACY_AS_READ
        return [
            (None, {"fields": ["shown_domain", "advised_state", "title", "is_active"]}),
            ("Put it on your pages", {"fields": ["snippet", "origins_in_words"]}),
            ("More", {"fields": [*origins, "require_session_token", "double_send"]}),
            ("Signed visitors", {"fields": ["identity_secret"]}),
            ("A day's budget", {"fields": ["turns_per_day", "tokens_per_day", "quota_message"]}),
            ("Privacy", {"fields": privacy, "description": _PRIVACY_EXPLAINED, "classes": ["collapse"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: Website | None = None) -> list[str]:
        shown = ["shown_domain", "advised_state", "snippet", "origins_in_words", "identity_secret"]
        if obj is not None and not self._writes_privacy(request):
            shown = [*shown, *_PRIVACY_AS_READ]
        return [] if obj is None else shown

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if obj is not None and self._writes_privacy(request):
            kwargs["form"] = WebsiteFormWithPrivacy
        return super().get_form(request, obj, change, **kwargs)

    def _writes_privacy(self, request: HttpRequest) -> bool:
        return Deed.CHANGE in self.rights(request) and may(role_in(request), Deed.CHANGE, Thing.PRIVACY)

    def columns_set_by_hand(self, form: Any) -> list[str]:
        return kinds_column(form)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        extras = form.cleaned_data["extra_origins"]
        if change:
            super().save_model(request, obj, form, change)
            set_origins(obj, extras)
            tell_if_it_hides_otherwise(form, obj.tenant_id, obj.pk)
            if "redact_when" in form.changed_data and warns(obj.redact_when):
                messages.warning(request, NEVER_WARNING)
            return
        columns = {name: getattr(obj, name) for name in ("title", "is_active", "require_session_token")}
        obj.pk = register_website(obj.domain, extra_origins=extras, **columns).pk
        obj.refresh_from_db()

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        saved = formset.save(commit=False)
        wanted = [one for one in formset.forms if one.cleaned_data.get("is_default") and one.instance in saved]
        save_website_agents(
            form.instance,
            saved=saved,
            removed=formset.deleted_objects,
            chosen=wanted[-1].instance if wanted else None,
        )

    def response_add(self, request: HttpRequest, obj: Website, post_url_continue: str | None = None) -> Any:
        """The next steps are on the website's own page: its proof, its snippet."""
        if "_addanother" in request.POST or "_popup" in request.POST:
            return super().response_add(request, obj, post_url_continue)
        messages.success(request, _what_is_next(obj))
        return HttpResponseRedirect(reverse("admin:tenants_website_change", args=[obj.pk]))

    # -- the secret that signs visitors

    def get_urls(self) -> list[URLPattern]:
        identity = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.identity_secret_view))
        address = "<path:object_id>/identity-secret/"
        return [path(address, identity, name="tenants_website_identity_secret"), *super().get_urls()]

    def identity_secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return identity_page(self, request, object_id)

    # -- what is shown

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        if isinstance(website := kwargs.get("obj"), Website):
            context["refused_origins"] = refusals_of(website)
            context["may_hold"] = may_hold(request)
            policy = policy_of_website(website.pk)
            context["never_warning"] = NEVER_WARNING if warns(policy.redact_when) else ""
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="Domain", ordering="domain")
    def shown_domain(self, website: Website) -> str:
        return str(website)

    @admin.display(description="State")
    def state(self, website: Website) -> SafeString:
        kind, words = state_of(website)
        return format_html('<span class="state state-{}">{}</span>', kind, words)

    @admin.display(description="Agent")
    def default_agent(self, website: Any) -> SafeString | str:
        if website.default_uses:
            return str(website.default_uses[0].agent.name)
        return format_html('<span class="state state-waiting">{}</span>', "None yet")

    @admin.display(description="State")
    def advised_state(self, website: Any) -> SafeString:
        kind, words = state_of(website)
        return format_html(
            '<span class="state state-{}">{}</span> <span class="explained">{}</span>', kind, words, _advice(website)
        )

    @admin.display(description="Snippet")
    def snippet(self, website: Website) -> SafeString:
        code = SNIPPET.format(settings.PUBLIC_URL, website.site_key)
        return format_html(
            '<div class="snippet"><code id="snippet">{}</code>'
            '<button type="button" class="quiet-button" data-copies="snippet">Copy</button></div>'
            '<span class="explained">Paste it into every page that should have the chat, before &lt;/body&gt;.</span>',
            code,
        )

    @admin.display(description="What holds here")
    def policy_in_words(self, website: Website) -> str:
        return in_words(policy_of_website(website.pk))

    @admin.display(description="Identity secret")
    def identity_secret(self, website: Website) -> SafeString:
        is_set = bool(website.identity_secret_sealed)
        return format_html(
            '<span class="state{}">{}</span> <span class="explained">Your own server signs with it who a visitor is.'
            '</span> <a href="{}">{}</a>',
            " state-live" if is_set else "",
            "Set" if is_set else "None yet",
            reverse("admin:tenants_website_identity_secret", args=[website.pk]),
            "Replace it" if is_set else "Make one",
        )

    @admin.display(description="Works on")
    def origins_in_words(self, website: Website) -> SafeString:
        origins = [(_as_browsers_say(origin.host, origin.origin),) for origin in website.origins.all()]
        return format_html_join(mark_safe("<br>"), "<code>{}</code>", origins)


def _advice(website: Any) -> str:
    if not website.is_active:
        return "Visitors are refused. Switch it on to let them chat."
    if not website.is_proved:
        return "Visitors are refused until the domain is proved, as said above."
    if not website.default_uses:
        return "Choose an agent below: until then nobody answers."
    if website.proof_lapsed_at is not None:
        return "Visitors may chat for a few more days. Put the proof back, as said above."
    return "Visitors may chat."


def _what_is_next(website: Website) -> str:
    if website.is_proved:
        return f"{website} is registered. Paste the snippet below into its pages."
    return f"{website} is registered. Next: prove that the domain is yours, and paste the snippet into its pages."


def _as_browsers_say(host: str, origin: str) -> str:
    """In development a local host's https origin stands for its page on the development server."""
    return f"http://{host}:{settings.LOCAL_ORIGIN_PORT}" if is_local(host) else origin
