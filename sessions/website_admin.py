"""What the admin's page of a website gets from here: erasing its conversations, or all of it."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.views.decorators.http import require_http_methods

from agents.website_admin import WebsiteAdmin
from sessions.erasure_pages import Asking, check_may_erase, erase_page, may_erase
from sessions.targets import Target
from tenants.models import Website
from tenants.roles import Deed

admin.site.unregister(Website)

CONVERSATIONS, WHOLE = "conversations", "website"


@admin.register(Website)
class ErasableWebsiteAdmin(WebsiteAdmin):
    def get_urls(self) -> list[URLPattern]:
        erase = self.admin_site.admin_view(require_http_methods(["GET", "POST"])(self.erase_view))
        return [path("<path:object_id>/erase/", erase, name="tenants_website_erase"), *super().get_urls()]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        website = context.get("original")
        context["may_erase"] = may_erase(request) and not (website and website.legal_hold_at)
        return super().render_change_form(request, context, *args, **kwargs)

    def erase_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        check_may_erase(request)
        website: Website | None = self.get_object(request, object_id)
        if website is None:
            return self.unknown(request, object_id)
        if website.legal_hold_at is not None:
            raise PermissionDenied
        is_whole = request.POST.get("scope") == WHOLE
        if is_whole and Deed.DELETE not in self.rights(request):
            raise PermissionDenied
        return erase_page(request, _asking(website, is_whole=is_whole))


def _asking(website: Website, *, is_whole: bool) -> Asking:
    back = reverse("admin:tenants_website_change", args=[website.pk])
    return Asking(
        Target.website(website, whole=is_whole),
        title=f"Erase {website}",
        word=str(website),
        back=back,
        trail=((reverse("admin:tenants_website_changelist"), "Websites"), (back, str(website))),
        choices=(
            (CONVERSATIONS, "Its conversations until now. Visitors go on chatting there."),
            (WHOLE, "The website with everything: its conversations, its settings, its agents' instructions there."),
        ),
    )
