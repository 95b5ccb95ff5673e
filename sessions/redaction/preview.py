"""What the redaction would do to the newest conversations, told without a word of theirs; nothing is written."""

import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import structlog
from django.db import OperationalError

from sessions.models import AgentSession
from sessions.privacy import Kind, SessionRedactor
from sessions.redaction.read import StoredSession, read_sessions
from sessions.redaction.replace import Replacing
from tenants.privacy_policy import PrivacyPolicy, policies_of_websites
from tenants.redaction_keys import redaction_key_if_any
from tenants.scoping import tenant_scope

log = structlog.get_logger(__name__)

_SAMPLES_A_KIND: Final = 3
_SESSIONS_AT_ONCE: Final = 20
_EVERY_VERSION: Final = 1_000


@dataclass(slots=True)
class Preview:
    """``samples`` are placeholders of each kind, which stay the same while the tenant keeps its key."""

    sessions: int = 0
    sessions_changed: int = 0
    messages: int = 0
    messages_changed: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    samples: dict[Kind, list[str]] = field(default_factory=dict)
    skipped: int = 0
    """Sessions that the redactor fails at; the log names them by their rows' ids."""
    is_cut: bool = False
    """The time was over before all that was asked for had been looked at; of a session perhaps a part was."""


def preview_redaction(tenant_id: UUID, *, website_id: UUID | None = None, newest: int, seconds: float) -> Preview:
    """Goes over the tenant's ``newest`` sessions, or those of one website, as their policies say.

    A policy that says never is taken for one that does, with its kinds: this tells what it would do. Bounded by
    ``seconds`` and the time for one stretch of a session. Opens scopes of its own: outside of any, each is short.
    """
    preview, end = Preview(), time.monotonic() + seconds
    with tenant_scope(tenant_id):
        session_ids = _newest(website_id, newest)
        policies, key = policies_of_websites(), redaction_key_if_any() or secrets.token_bytes(32)
    for start in range(0, len(session_ids), _SESSIONS_AT_ONCE):
        with tenant_scope(tenant_id):
            sessions = read_sessions(session_ids[start : start + _SESSIONS_AT_ONCE], _EVERY_VERSION)
        for session in sessions:
            if preview.is_cut or time.monotonic() > end:
                preview.is_cut = True
                return preview
            _look_at(session, policies[session.website_id], key, preview, end)
    return preview


def _newest(website_id: UUID | None, newest: int) -> list[UUID]:
    sessions = AgentSession.objects.order_by("-last_activity_at", "-id")
    if website_id is not None:
        sessions = sessions.filter(website_id=website_id)
    return list(sessions.values_list("id", flat=True)[:newest])


def _look_at(session: StoredSession, policy: PrivacyPolicy, key: bytes, preview: Preview, end: float) -> None:
    """One session that breaks the redactor must not keep the others' figures from being told."""
    replacing = Replacing(session, policy, key)
    try:
        is_cut = _is_cut(replacing, end)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  counted, and named in the log
        log.warning("a session could not be previewed", session_pk=session.id, error=error)
        preview.skipped += 1
        return
    done = replacing.done
    preview.is_cut = is_cut
    preview.sessions += 1
    preview.sessions_changed += bool(done.messages_changed) or done.context is not None or done.user_id is not None
    preview.messages += done.messages_seen
    preview.messages_changed += done.messages_changed
    preview.found += replacing.redactor.found
    _keep_samples(replacing.redactor, preview)


def _is_cut(replacing: Replacing, end: float) -> bool:
    """Goes over the session until the time is over. What is found is counted on the way."""
    for _ in replacing.ahead():
        if time.monotonic() > end:
            return True
    replacing.rest()
    return False


def _keep_samples(redactor: SessionRedactor, preview: Preview) -> None:
    for placeholder in redactor.placeholders:
        kind = next((kind for kind in Kind if placeholder.startswith(f"[{kind.name}_")), None)
        samples = preview.samples.setdefault(kind, []) if kind is not None else []
        if len(samples) < _SAMPLES_A_KIND and placeholder not in samples:
            samples.append(placeholder)
