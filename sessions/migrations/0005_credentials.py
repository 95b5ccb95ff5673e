"""Tokens have an age, and access can be ended."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0004_segments"),
        ("tenants", "0005_credentials"),
    ]

    operations = [
        # One moment for all rows that there are, which PostgreSQL keeps beside the table: no row is written. Tokens of
        # before begin to age with this migration.
        migrations.AddField(
            model_name="agentsession",
            name="token_issued_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
        ),
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
