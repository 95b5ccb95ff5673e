"""Tokens have an age, and access can be ended."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0004_segments"),
        ("tenants", "0005_credentials"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentsession",
            name="token_issued_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
        # Until now every token was issued with its session.
        migrations.RunSQL("UPDATE agent_sessions SET token_issued_at = created_at;", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="agentsession",
            name="access_ended_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddConstraint(
            model_name="agentsession",
            constraint=models.CheckConstraint(
                condition=models.Q(("user_verified", False), ("user_id__isnull", False), _connector="OR"),
                name="agent_session_verified_is_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="agentsession",
            index=models.Index(
                condition=models.Q(("user_id__isnull", False)),
                fields=["tenant", "last_activity_at", "id"],
                name="agent_session_known_visitor",
            ),
        ),
    ]
