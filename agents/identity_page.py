"""The admin page of a website's identity secret: whether there is one, and a new one, shown this once."""

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone

from tenants.admin_rows import TenantOwnedAdmin
from tenants.identity_secrets import FORMER_VALID, make_identity_secret
from tenants.models import Website
from tenants.roles import Deed


def identity_page(pages: TenantOwnedAdmin, request: HttpRequest, object_id: str) -> HttpResponse:
    """GET tells and offers; POST makes a secret. It is in that answer alone, not in a message: those are cookies."""
    rights = pages.rights(request)
    if (Deed.CHANGE if request.method == "POST" else Deed.VIEW) not in rights:
        raise PermissionDenied
    website: Website | None = pages.get_object(request, object_id)
    if website is None:
        return pages.unknown(request, object_id)
    secret = _made(pages, request, website) if request.method == "POST" else None
    context = {
        **pages.admin_site.each_context(request),
        "title": f"Identity secret of {website}",
        "opts": pages.opts,
        "website": website,
        "secret": secret,
        "may_make": Deed.CHANGE in rights,
        "former_until": former_until(website),
    }
    return TemplateResponse(request, "admin/parlour/identity_secret.html", context)


def former_until(website: Website) -> datetime | None:
    """When the secret before the current one ends; None where there is none, or it has ended."""
    if not website.former_identity_secret_sealed or website.identity_secret_made_at is None:
        return None
    until = website.identity_secret_made_at + FORMER_VALID
    return until if until > timezone.now() else None


def _made(pages: Any, request: HttpRequest, website: Website) -> str:
    ends_at_once = "former_ends" in request.POST
    secret = make_identity_secret(website, keep_former=not ends_at_once)
    ending = " The one before it ended at once." if ends_at_once else ""
    pages.log_change(request, website, f"Made a new identity secret.{ending}")
    website.refresh_from_db()
    return secret
