"""Where staff's searches, exports and erasures of conversations become lines of the record of looks.

A line says which session or website it was about; of a person's it says only how many: their id is a name.
"""

from typing import Any

from django.http import HttpRequest

from sessions.looks import record_look
from sessions.models import AgentSession, Erasure, Look
from sessions.targets import Target, preview_of
from tenants.models import Website


def note_export(request: HttpRequest, target: Target, *, verified_only: bool = False) -> None:
    """Called in the transaction before the file's first byte: what cannot be noted is not exported."""
    preview = preview_of(target)
    sessions = preview.verified if verified_only else preview.sessions
    record_look(request, Look.Kind.EXPORT, **_plain(target, sessions))


def note_search(request: HttpRequest, sessions: int) -> None:
    """Of a list of hits, or of what a person's id led to: how many sessions, never what was looked for."""
    record_look(request, Look.Kind.SEARCH, count=sessions)


def note_erasure(request: HttpRequest, erasure: Erasure) -> None:
    """Called in the transaction that asks for the erasure: one line, whenever and by whomever it is then worked off."""
    record_look(request, Look.Kind.ERASURE, **_plain(Target.of(erasure), erasure.sessions_total))


def _plain(target: Target, sessions: int) -> dict[str, Any]:
    """What is known of the target, while it is there."""
    if target.session_pk is not None:
        session = AgentSession.objects.select_related("website").get(pk=target.session_pk)
        return {"subject": session.session_id, "website": session.website.domain, "count": session.message_count}
    if target.website_pk is not None:
        return {"website": Website.objects.get(pk=target.website_pk).domain, "count": sessions}
    return {"count": sessions}
