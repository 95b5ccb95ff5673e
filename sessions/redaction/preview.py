"""What the redaction would do to the newest conversations, told without a word of theirs; nothing is written."""

import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from sessions.models import AgentSession
from sessions.privacy import Kind, SessionRedactor
from sessions.redaction.read import StoredSession, read_sessions
from sessions.redaction.replace import Replacing
from tenants.privacy_policy import PrivacyPolicy, policies_of_websites
from tenants.redaction_keys import redaction_key_if_any

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
    is_cut: bool = False
    """The time was over before all sessions that were asked for had been looked at."""


def preview_redaction(*, website_id: UUID | None = None, newest: int, seconds: float) -> Preview:
    """Goes over the active tenant's ``newest`` sessions, or those of one website, as their policies say.

    A policy that says never is taken for one that does, with its kinds: this tells what it would do. Bounded by
    ``seconds``.
    """
    sessions = AgentSession.objects.order_by("-last_activity_at", "-id")
    if website_id is not None:
        sessions = sessions.filter(website_id=website_id)
    session_ids = list(sessions.values_list("id", flat=True)[:newest])
    policies, key = policies_of_websites(), redaction_key_if_any() or secrets.token_bytes(32)
    preview, end = Preview(), time.monotonic() + seconds
    for start in range(0, len(session_ids), _SESSIONS_AT_ONCE):
        for session in read_sessions(session_ids[start : start + _SESSIONS_AT_ONCE], _EVERY_VERSION):
            if time.monotonic() > end:
                preview.is_cut = True
                return preview
            _look_at(session, policies[session.website_id], key, preview)
    return preview


def _look_at(session: StoredSession, policy: PrivacyPolicy, key: bytes, preview: Preview) -> None:
    replacing = Replacing(session, policy, key)
    for _ in replacing.ahead():
        pass  # all of them: what is found is counted on the way
    done = replacing.rest()
    is_changed = bool(done.messages_changed) or done.context is not None or done.user_id is not None
    preview.sessions += 1
    preview.sessions_changed += is_changed
    preview.messages += done.messages_seen
    preview.messages_changed += done.messages_changed
    preview.found += replacing.redactor.found
    _keep_samples(replacing.redactor, preview)


def _keep_samples(redactor: SessionRedactor, preview: Preview) -> None:
    for placeholder in redactor.placeholders:
        kind = next((kind for kind in Kind if placeholder.startswith(f"[{kind.name}_")), None)
        samples = preview.samples.setdefault(kind, []) if kind is not None else []
        if len(samples) < _SAMPLES_A_KIND and placeholder not in samples:
            samples.append(placeholder)
