"""What was said: sessions with their history, the turns that made it, who looked at it, and how it was erased."""

import pghistory
import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from agents.models import Agent
from sessions.cleaning import ID_PATTERN
from tenants import recording
from tenants.foreign_keys import TenantForeignKey
from tenants.identifiers import OPERATOR_ID
from tenants.models import Change, Holdable, Tenant, TenantOwned, Website

ID_REGEX = f"^{ID_PATTERN}$"
MOST_REDACTION_VERSIONS = 63


class AgentSession(Holdable):
    """One browser's conversation with one agent on one website.

    The database's primary key is (tenant_id, id); ``id`` alone is Django's, for the admin.
    A session begun with a token is used with it alone, until the token is too old (``Tenant.token_idle_days``,
    ``token_lifetime_days``) or ``access_ended_at`` is set; the session itself stays to the end of its retention.
    ``history`` is read and written through ``sessions.history`` alone; the chat path's SQL is in ``sessions.store``.
    """

    website = TenantForeignKey(Website, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    agent_tenant_id = models.UUIDField(editable=False)
    agent = TenantForeignKey(Agent, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False)
    session_id = models.CharField(max_length=128)
    origin_host = models.CharField(max_length=253)
    history = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    context = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    message_count = models.PositiveIntegerField(default=0, db_default=0)
    user_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001  NULL: nobody said who it is
    user_verified = models.BooleanField(default=False, db_default=False)
    token_hash = models.BinaryField(null=True, editable=False)
    token_issued_at = models.DateTimeField(db_default=Now(), editable=False)
    access_ended_at = models.DateTimeField(null=True, editable=False)
    visitor_ip = models.CharField(max_length=49, blank=True, default="", db_default="", editable=False)
    """An address or a network, as the policy lets it be stored at the start; mostly nothing."""
    user_agent = models.CharField(max_length=300, blank=True, default="", db_default="", editable=False)
    redaction_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    """Of the redactor that has been over all of the session's text; 0 since something was said after it."""
    last_activity_at = models.DateTimeField(db_default=Now())

    class Meta(TenantOwned.Meta):
        db_table = "agent_sessions"
        ordering = ["-last_activity_at", "-id"]
        verbose_name = "session"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "website", "session_id"], name="agent_session_id_once"),
            models.CheckConstraint(condition=Q(session_id__regex=ID_REGEX), name="agent_session_id_plain"),
            models.CheckConstraint(
                condition=Q(agent_tenant_id=F("tenant_id")) | Q(agent_tenant_id=OPERATOR_ID),
                name="agent_session_own_or_operators_agent",
            ),
            models.CheckConstraint(
                condition=Q(user_verified=False) | Q(user_id__isnull=False), name="agent_session_verified_is_somebody"
            ),
            # The jobs look for each version of their own, see ``sessions.cleanup``.
            models.CheckConstraint(
                condition=Q(redaction_version__lte=MOST_REDACTION_VERSIONS), name="agent_session_redaction_version_sane"
            ),
            models.CheckConstraint(
                condition=Q(legal_hold_at__isnull=True, legal_hold_by="")
                | (Q(legal_hold_at__isnull=False) & ~Q(legal_hold_by="")),
                name="agent_session_legal_hold_is_somebodys",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "last_activity_at", "id"], name="agent_session_activity"),
            # Of few sessions it is known whose they are: the admin's filter must not walk past all others.
            models.Index(
                fields=["tenant", "last_activity_at", "id"],
                condition=Q(user_id__isnull=False),
                name="agent_session_known_visitor",
            ),
            # A person's own, wherever they were: what a subject asks for.
            models.Index(
                fields=["tenant", "user_id", "id"], condition=Q(user_id__isnull=False), name="agent_session_of_user"
            ),
            # What is due to be redacted or deleted, website by website: a job finds it without walking past the rest.
            models.Index(
                fields=["tenant", "website", "redaction_version", "last_activity_at"], name="agent_session_due"
            ),
        ]

    def __str__(self) -> str:
        """Its row's own id, which tells nothing of the visitor and so may stand where it outlives the session."""
        return f"session {self.pk}"


AgentSessionChange = recording.change_model(
    Change,
    AgentSession,
    ["website", "session_id", "legal_hold_at", "legal_hold_by"],
    only=[pghistory.UpdateEvent(recording.CHANGED, condition=pgtrigger.AnyChange("legal_hold_at", "legal_hold_by"))],
)
"""Of a session its legal holds alone: who set and lifted them."""


class HistorySegment(TenantOwned):
    """Older messages of a long session, in order; whole transcript = segments, then ``AgentSession.history``.

    Made in the transaction that takes them out of the history, and never written again but by redaction.
    """

    agent_session = TenantForeignKey(
        AgentSession, on_delete=models.DO_NOTHING, related_name="segments", db_constraint=False, db_index=False
    )
    first_position = models.PositiveIntegerField()
    message_count = models.PositiveIntegerField()
    messages = models.JSONField()
    redaction_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "history_segments"
        ordering = ["first_position"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "agent_session", "first_position"], name="history_segment_position_once"
            ),
            models.CheckConstraint(
                condition=Q(message_count__gt=0)
                & Q(
                    message_count=models.Func(
                        F("messages"), function="jsonb_array_length", output_field=models.IntegerField()
                    )
                ),
                name="history_segment_holds_its_count",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.first_position} to {self.first_position + self.message_count - 1}"


class Turn(TenantOwned):
    """One message of a visitor and what became of it.

    ``message`` holds the visitor's words until they are in the history, then it is emptied; ``partial_reply`` what an
    answer had come to that is not in the history. ``fence`` grows with every owner: only the owner whose fence still
    matches may finish the turn. A queued turn waits for those with lower numbers; its lease shows that somebody does.
    Once the policy's days are over, both texts and ``message_hmac`` are emptied.
    """

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        COMPLETED = "completed", "Completed"
        FAILED = "failed", "Failed"
        ABANDONED = "abandoned", "Abandoned"
        STOPPED = "stopped", "Stopped"

    agent_session = TenantForeignKey(
        AgentSession, on_delete=models.DO_NOTHING, related_name="turns", db_constraint=False
    )
    message_id = models.CharField(max_length=128)
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=16, choices=State)
    fence = models.PositiveIntegerField(default=1, db_default=1)
    lease_expires_at = models.DateTimeField(null=True)
    stop_requested_at = models.DateTimeField(null=True)
    message = models.TextField(blank=True, default="", db_default="")
    partial_reply = models.TextField(blank=True, default="", db_default="")
    message_hmac = models.BinaryField()
    reply_id = models.CharField(max_length=128, blank=True, default="", db_default="")
    message_count = models.PositiveIntegerField(null=True)
    error_code = models.CharField(max_length=64, blank=True, default="", db_default="")
    error_reason = models.CharField(max_length=64, blank=True, default="", db_default="")
    model = models.CharField(max_length=120, blank=True, default="", db_default="")
    demo = models.BooleanField(default=False, db_default=False)
    input_tokens = models.PositiveIntegerField(default=0, db_default=0)
    output_tokens = models.PositiveIntegerField(default=0, db_default=0)
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
    finished_at = models.DateTimeField(null=True)
    redaction_version = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "turns"
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "agent_session", "message_id"], name="turn_message_id_once"),
            models.UniqueConstraint(fields=["tenant", "agent_session", "number"], name="turn_number_once"),
            models.UniqueConstraint(
                fields=["tenant", "agent_session"], condition=Q(state="running"), name="turn_one_running"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "running", "completed", "failed", "abandoned", "stopped"]),
                name="turn_state_known",
            ),
            models.CheckConstraint(condition=Q(message_id__regex=ID_REGEX), name="turn_message_id_plain"),
            models.CheckConstraint(
                condition=~Q(state__in=["queued", "running"]) | Q(lease_expires_at__isnull=False),
                name="turn_live_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "lease_expires_at"], condition=Q(state__in=["queued", "running"]), name="turn_lease"
            ),
            models.Index(
                fields=["tenant", "agent_session", "number"],
                condition=Q(state__in=["queued", "running"]),
                name="turn_line",
            ),
            models.Index(
                fields=["tenant", "finished_at", "id"], condition=~Q(message_hmac=b""), name="turn_words_kept"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number}: {self.get_state_display()}"


class Look(TenantOwned):
    """A line of the record of looks: somebody saw, found, took or erased what was said.

    Append-only: the application's role may insert and select, nothing else (``tenants.grants``). All that is here is
    plain values, so that the record outlives what and whom it tells of. ``number``, ``created_at`` and ``hash`` are
    the database's own doing, whoever inserts: one trigger chains each tenant's lines (migration ``0006_looks``).
    """

    class Kind(models.TextChoices):
        VIEW = "view", "Opened a transcript"
        SEARCH = "search", "Searched conversations"
        EXPORT = "export", "Exported transcripts"
        ERASURE = "erasure", "Erased transcripts"
        PREVIEW = "preview", "Previewed redaction"
        ENTRY = "entry", "Entered a tenant"
        TENANT_ERASURE = "tenant_erasure", "Erased a tenant"
        REHEARSAL = "rehearsal", "Made to verify isolation"

    tenant = TenantForeignKey(Tenant, on_delete=models.DO_NOTHING, editable=False, related_name="+", db_index=False)
    created_at = models.DateTimeField("when", db_default=Now(), editable=False)
    number = models.PositiveBigIntegerField(db_default=0, editable=False)
    kind = models.CharField("what", max_length=32, choices=Kind)
    actor_id = models.CharField(max_length=64, blank=True)
    actor_name = models.CharField("who", max_length=150)
    actor_role = models.CharField("as", max_length=32)
    subject = models.CharField(max_length=128, blank=True)
    """A session's public id; of an entry or an erased tenant the tenant's id. Never a visitor's words or name."""
    website = models.CharField(max_length=253, blank=True)
    count = models.PositiveBigIntegerField(null=True)
    """How many sessions were listed, exported or erased; where it was one transcript, its messages."""
    reason = models.CharField("why", max_length=300, blank=True)
    address = models.CharField("from", max_length=45, blank=True)
    hash = models.BinaryField(max_length=32, db_default=b"", editable=False)

    class Meta(TenantOwned.Meta):
        db_table = "looks"
        ordering = ["-number"]
        verbose_name = "look"
        verbose_name_plural = "record of looks"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "number"], name="look_number_once"),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        "view",
                        "search",
                        "export",
                        "erasure",
                        "preview",
                        "entry",
                        "tenant_erasure",
                        "rehearsal",
                    ]
                ),
                name="look_kind_known",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at"], name="look_when"),
            models.Index(fields=["tenant", "kind", "number"], name="look_what"),
            models.Index(fields=["tenant", "actor_name", "number"], name="look_who"),
            models.Index(fields=["tenant", "subject", "number"], name="look_whose"),
        ]

    def __str__(self) -> str:
        return f"Look {self.number}"


class LookHead(TenantOwned):
    """The newest line of a tenant's record: its number and hash. Without it nobody would miss the last lines.

    Written by the trigger of ``Look`` alone; the application's role may select.
    """

    tenant = TenantForeignKey(Tenant, on_delete=models.DO_NOTHING, editable=False, related_name="+", db_index=False)
    number = models.PositiveBigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta(TenantOwned.Meta):
        db_table = "look_heads"
        constraints = [models.UniqueConstraint(fields=["tenant"], name="look_head_once")]

    def __str__(self) -> str:
        return f"Head {self.number}"


class Erasure(TenantOwned):
    """A deletion that was asked for: what it is about, how far it has come, and in the end its receipt.

    Whom and what it is about is known until it is done, and no longer; what then stays are counts and times. That of a
    visitor's own is found again by ``receipt_hmac``, a keyed hash of a session's id with its token.
    """

    class Kind(models.TextChoices):
        VISITOR = "visitor", "One conversation, by its visitor"
        SESSION = "session", "One conversation"
        USER = "user", "A visitor's conversations"
        CONVERSATIONS = "conversations", "A website's conversations"
        WEBSITE = "website", "A website with its conversations"
        TENANT = "tenant", "A tenant"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        RUNNING = "running", "Under way"
        DONE = "done", "Done"

    kind = models.CharField(max_length=16, choices=Kind)
    state = models.CharField(max_length=16, choices=State, default=State.WAITING, db_default=State.WAITING)
    session_pk = models.UUIDField(null=True, editable=False)
    website_pk = models.UUIDField(null=True, editable=False)
    user_id = models.CharField(max_length=255, blank=True, default="", db_default="", editable=False)
    receipt_hmac = models.BinaryField(null=True, editable=False)
    sessions_total = models.PositiveIntegerField(default=0, db_default=0)
    sessions_done = models.PositiveIntegerField(default=0, db_default=0)
    messages_done = models.PositiveBigIntegerField(default=0, db_default=0)
    turns_done = models.PositiveBigIntegerField(default=0, db_default=0)
    sessions_held = models.PositiveIntegerField(default=0, db_default=0)
    """Conversations that it was not allowed to erase."""
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TenantOwned.Meta):
        db_table = "erasures"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(state="running"), name="erasure_one_running_per_tenant"
            ),
            models.UniqueConstraint(
                fields=["tenant", "receipt_hmac"], condition=Q(receipt_hmac__isnull=False), name="erasure_receipt_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["visitor", "session", "user", "conversations", "website", "tenant"]),
                name="erasure_kind_known",
            ),
            models.CheckConstraint(condition=Q(state__in=["waiting", "running", "done"]), name="erasure_state_known"),
            models.CheckConstraint(
                condition=~Q(state="done")
                | Q(session_pk__isnull=True, website_pk__isnull=True, user_id="", finished_at__isnull=False),
                name="erasure_done_names_nobody",
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "-created_at", "-id"], name="erasure_newest"),
            models.Index(fields=["tenant"], condition=Q(state__in=["waiting", "running"]), name="erasure_due"),
        ]

    def __str__(self) -> str:
        return self.receipt_id

    @property
    def receipt_id(self) -> str:
        """What its asker is given of it."""
        return f"er_{self.pk.hex}"
