"""Redaction and its mark, legal holds, and the doors that tell the jobs which tenants have work due."""

from django.db import migrations, models

from tenants.policies import changed_door, door, kept_while_held

# A websites' sessions that have been silent since a moment, however they are redacted: a look at each version's end of
# the index, never a walk along it.
_SILENT = (
    "SELECT FROM agent_sessions s WHERE s.tenant_id = p.tenant_id AND s.website_id = p.website_id"
    " AND s.redaction_version = v.version AND s.legal_hold_at IS NULL AND s.last_activity_at < now() - "
)
_EXPIRED_BEFORE = (
    "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM agent_sessions s WHERE s.tenant_id = t.id"
    " AND s.last_activity_at < now() - make_interval(days => t.retention_days))"
)
_EXPIRED = (
    "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM privacy_policies p CROSS JOIN generate_series(0, 63) v(version)"
    f" WHERE p.tenant_id = t.id AND NOT p.is_held AND EXISTS ({_SILENT}make_interval(days => p.retention_days)))"
)
_UNREDACTED = (
    "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM privacy_policies p"
    " CROSS JOIN generate_series(0, p_version - 1) v(version)"
    " WHERE p.tenant_id = t.id AND NOT p.is_held AND p.redact_when <> 'never'"
    f" AND EXISTS ({_SILENT}make_interval(hours => p.redact_after_hours)))"
)
_WORDS = (
    "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM turns r WHERE r.tenant_id = t.id AND r.message_hmac <> ''"
    " AND r.finished_at < now() - make_interval(days => (SELECT min(p.turn_retention_days) FROM privacy_policies p"
    " WHERE p.tenant_id = t.id)))"
)


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0007_erasures"),
        ("agents", "0004_website_agents_in_tenant"),
        ("tenants", "0011_privacy_policy"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentsession",
            name="legal_hold_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name="agentsession",
            name="legal_hold_by",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=150),
        ),
        migrations.AddField(
            model_name="agentsession",
            name="redaction_version",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name="agentsession",
            name="user_agent",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=300),
        ),
        migrations.AddField(
            model_name="agentsession",
            name="visitor_ip",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=49),
        ),
        migrations.AddField(
            model_name="historysegment",
            name="redaction_version",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddIndex(
            model_name="agentsession",
            index=models.Index(
                fields=["tenant", "website", "redaction_version", "last_activity_at"], name="agent_session_due"
            ),
        ),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(
                condition=models.Q(("message_hmac", b""), _negated=True),
                fields=["tenant", "finished_at", "id"],
                name="turn_words_kept",
            ),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.CheckConstraint(
                condition=models.Q(("redaction_version__lte", 63)), name="agent_session_redaction_version_sane"
            ),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("legal_hold_at__isnull", True), ("legal_hold_by", "")),
                    models.Q(("legal_hold_at__isnull", False), models.Q(("legal_hold_by", ""), _negated=True)),
                    _connector="OR",
                ),
                name="agent_session_legal_hold_is_somebodys",
            ),
        ),
        kept_while_held(
            "agent_sessions",
            "legal_hold_at IS NULL AND NOT EXISTS (SELECT FROM websites w WHERE w.tenant_id = agent_sessions.tenant_id"
            " AND w.id = agent_sessions.website_id AND w.legal_hold_at IS NOT NULL)",
        ),
        changed_door(
            "door_tenants_with_expired_sessions()",
            before=("SETOF uuid", _EXPIRED_BEFORE),
            after=("SETOF uuid", _EXPIRED),
        ),
        door("door_tenants_with_unredacted_sessions(p_version integer)", "SETOF uuid", _UNREDACTED),
        door("door_tenants_with_old_turns()", "SETOF uuid", _WORDS),
    ]
