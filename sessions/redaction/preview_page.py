"""The admin page that tells what redaction would do, before a policy is switched on."""

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from sessions.looks import record_look
from sessions.models import Look
from sessions.privacy import Kind
from sessions.redaction.preview import Preview, preview_redaction
from tenants.models import Website
from tenants.privacy_choices import PERSONAL_DATA
from tenants.scoping import active_tenant_id

NEWEST: Final = 200
_SECONDS: Final = 3.0
_WORDS: Final = dict(PERSONAL_DATA)


@dataclass(frozen=True, slots=True)
class FoundKind:
    words: str
    times: int
    samples: list[str]


def preview_page(pages: Any, request: HttpRequest) -> HttpResponse:
    """Of all of the tenant's websites, or of the one that ``website`` names; a foreign id is an unknown one.

    What was looked at is recorded; what cannot be recorded is not told.
    """
    named = request.GET.get("website")
    website = _website(named) if named else None
    preview = Preview() if named and website is None else _recorded(request, website)
    context = {
        **pages.admin_site.each_context(request),
        "title": "What redaction would do",
        "opts": pages.opts,
        "website": website,
        "is_unknown": bool(named) and website is None,
        "preview": preview,
        "kinds": [_found(kind, times, preview) for kind, times in preview.found.most_common()],
        "newest": NEWEST,
    }
    return TemplateResponse(request, "admin/parlour/redaction_preview.html", context)


def _recorded(request: HttpRequest, website: Website | None) -> Preview:
    """Recorded last: other looks wait from then on."""
    preview = _preview(website)
    record_look(request, Look.Kind.PREVIEW, website=website.domain if website else "", count=preview.sessions)
    return preview


def _website(named: str) -> Website | None:
    try:
        return Website.objects.filter(pk=UUID(named)).first()
    except ValueError:
        return None


def _preview(website: Website | None) -> Preview:
    website_id = website.pk if website else None
    return preview_redaction(active_tenant_id(), website_id=website_id, newest=NEWEST, seconds=_SECONDS)


def _found(kind: Kind, times: int, preview: Preview) -> FoundKind:
    return FoundKind(_WORDS.get(kind.name.lower(), kind.name), times, preview.samples.get(kind, []))
