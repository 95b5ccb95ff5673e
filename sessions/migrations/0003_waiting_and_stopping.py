"""Queued turns have a lease too, a turn can be asked to stop, and what it said until then is kept."""

from django.db import migrations, models

from tenants.policies import changed_door

_LAPSED = (
    "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM turns r WHERE r.tenant_id = t.id"
    " AND r.state {states} AND r.lease_expires_at < now())"
)


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0002_isolation"),
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="turn",
            name="turn_running_has_lease",
        ),
        migrations.RemoveIndex(
            model_name="turn",
            name="turn_lease",
        ),
        migrations.AddField(
            model_name="turn",
            name="partial_reply",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
        migrations.AddField(
            model_name="turn",
            name="stop_requested_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["tenant", "lease_expires_at"],
                name="turn_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="turn",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["queued", "running"]), _negated=True),
                    ("lease_expires_at__isnull", False),
                    _connector="OR",
                ),
                name="turn_live_has_lease",
            ),
        ),
        migrations.AddIndex(
            model_name="turn",
            index=models.Index(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=["tenant", "agent_session", "number"],
                name="turn_line",
            ),
        ),
        changed_door(
            "door_tenants_with_lapsed_turns()",
            before=("SETOF uuid", _LAPSED.format(states="= 'running'")),
            after=("SETOF uuid", _LAPSED.format(states="IN ('queued', 'running')")),
        ),
    ]
