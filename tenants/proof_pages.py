"""What the admin's page of a website does about its proof: check it now, take a domain over, vouch for it."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_GET, require_POST

from tenants.admin_rows import TenantOwnedAdmin
from tenants.admin_scope import opens_own_scopes, role_in, tenant_of
from tenants.errors import CheckedJustNowError, DomainTakenError
from tenants.models import Website
from tenants.proof_words import proof_in_words
from tenants.proving import Verdict, check_domain, may_be_taken_over, take_over_domain
from tenants.registration import prove_website
from tenants.roles import Deed, Thing, may
from tenants.scoping import tenant_scope

_Deed = Callable[[UUID, UUID], Verdict]

_SAID: Final = {
    Verdict.PROVED: "{} is proved.",
    Verdict.NOT_FOUND: "No proof was found on {}. What was looked for, and where, stands below.",
    Verdict.TAKEN: "{} or a host among its extra origins is in use by another website already.",
    Verdict.MAY_BE_TAKEN_OVER: "Your proof was found on {}. Another website holds the domain, but its own proof has "
    "lapsed: you may take it over.",
    Verdict.GONE: "The website was deleted meanwhile.",
}


class DomainProofPages(TenantOwnedAdmin):
    """For the admin of ``Website``."""

    def get_urls(self) -> list[URLPattern]:
        pages = [
            ("check-domain", require_POST(self.check_domain)),
            ("take-over", require_GET(self.ask_to_take_over)),
            ("take-over/confirmed", require_POST(self.take_over)),
            ("confirm-domain", require_POST(self.confirm_domain)),
        ]
        return [
            *(
                path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=_page_name(name))
                for name, view in pages
            ),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        website = kwargs.get("obj")
        if isinstance(website, Website):
            writes = Deed.CHANGE in self.rights(request)
            context |= {
                "proof": proof_in_words(website),
                "may_check": writes and not (website.is_proved and not website.is_checked_again),
                "may_take_over": writes and may_be_taken_over(website),
                "may_confirm": _may_confirm(request),
            }
        return super().render_change_form(request, context, *args, **kwargs)

    @opens_own_scopes
    def check_domain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Looks for the proof now. Waits for the network, so no scope is open around it."""
        return self._ask(request, object_id, check_domain, "Proved the domain.")

    @opens_own_scopes
    def take_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Takes the domain from a website whose own proof lapsed, as was asked for and confirmed."""
        return self._ask(request, object_id, take_over_domain, "Took the domain over.")

    def ask_to_take_over(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What it means, and the button that does it."""
        website = self._own(request, object_id)
        if website is None:
            return self.unknown(request, object_id)
        if not may_be_taken_over(website):
            messages.error(request, "This domain cannot be taken over now. Check it first.")
            return _back_to(website.pk)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Take over {website}",
            "opts": self.opts,
            "original": website,
        }
        return TemplateResponse(request, "admin/parlour/take_over.html", context)

    def confirm_domain(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The operator vouches that the domain is the tenant's."""
        if not _may_confirm(request):
            raise PermissionDenied
        website: Website | None = self.get_object(request, object_id)
        if website is None:
            return self.unknown(request, object_id)
        try:
            prove_website(website, Website.ProofMethod.OPERATOR)
        except DomainTakenError as error:
            messages.error(request, str(error))
        else:
            self.log_change(request, website, "Confirmed the domain.")
            messages.success(request, f"{website} is confirmed: its visitors may chat.")
        return _back_to(website.pk)

    def _own(self, request: HttpRequest, object_id: str) -> Website | None:
        """The active tenant's website, for whoever may change it."""
        if Deed.CHANGE not in self.rights(request):
            raise PermissionDenied
        website: Website | None = self.get_object(request, object_id)
        return website

    def _ask(self, request: HttpRequest, object_id: str, deed: _Deed, done: str) -> HttpResponse:
        tenant = tenant_of(request)
        assert tenant is not None  # nobody comes here without one
        with tenant_scope(tenant.pk):
            website = self._own(request, object_id)
        if website is None:
            return self.unknown(request, object_id)
        try:
            verdict = deed(tenant.pk, website.pk)
        except (CheckedJustNowError, DomainTakenError) as error:
            messages.error(request, str(error))
        except Website.DoesNotExist:
            return self.unknown(request, object_id)
        else:
            self._tell(request, website, verdict, done)
        return _back_to(website.pk)

    def _tell(self, request: HttpRequest, website: Website, verdict: Verdict, done: str) -> None:
        sentence = _SAID[verdict].format(website)
        if verdict is Verdict.PROVED:
            self.log_change(request, website, done)
            messages.success(request, sentence)
        else:
            messages.error(request, sentence)


def _may_confirm(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.CHANGE, Thing.DOMAIN_PROOFS)


def _page_name(page: str) -> str:
    return f"tenants_website_{page.replace('-', '_').replace('/', '_')}"


def _back_to(website_id: UUID) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:tenants_website_change", args=[website_id]))
