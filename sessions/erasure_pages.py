"""The page on which staff see what an erasure would take along, and confirm it by typing a word."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from sessions.erasing import ask_for_erasure
from sessions.models import Erasure
from sessions.noted_looks import note_erasure
from sessions.targets import Target, preview_of
from tenants.admin_scope import role_in
from tenants.roles import Deed, Thing, may


@dataclass(frozen=True, slots=True)
class Asking:
    """What is asked for: the target, how it is called on the page, the word to type, and where "Keep it" leads."""

    target: Target
    title: str
    word: str
    back: str
    trail: tuple[tuple[str, str], ...] = ()
    """Breadcrumbs between home and this page: addresses and names."""
    choices: tuple[tuple[str, str], ...] = ()
    """Values and labels of ``scope``, where there is something to choose."""


def may_erase(request: HttpRequest) -> bool:
    return may(role_in(request), Deed.DELETE, Thing.CONVERSATIONS)


def check_may_erase(request: HttpRequest) -> None:
    """Raises ``PermissionDenied``."""
    if not may_erase(request):
        raise PermissionDenied


def erase_page(request: HttpRequest, asking: Asking) -> HttpResponse:
    """What would go; once the word was typed, on to the erasure's own page."""
    typed = request.POST.get("word")
    if typed is not None and typed.strip() == asking.word:
        return begin_erasure(request, asking.target)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": asking.title,
        "asking": asking,
        "preview": preview_of(asking.target),
        "scope": request.POST.get("scope", ""),
        "error": typed is not None,
    }
    return TemplateResponse(request, "admin/parlour/erase.html", context)


def begin_erasure(request: HttpRequest, target: Target) -> HttpResponse:
    erasure = ask_for_erasure(target)
    note_erasure(request, erasure)
    messages.success(request, "The erasure was put in line.")
    return HttpResponseRedirect(reverse("admin:agent_sessions_erasure_change", args=[erasure.pk]))


def progress_of(erasure: Erasure) -> dict[str, Any]:
    """For the erasure's page: figures, and whether it should look again."""
    return {
        "erasure": erasure,
        "is_done": erasure.state == Erasure.State.DONE,
        "is_waiting": erasure.state == Erasure.State.WAITING,
        "most": max(erasure.sessions_total, erasure.sessions_done, 1),
    }
