"""The redactor's mark on a turn whose words it has been over: a long session is gone over in stretches."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0010_more_changes")]

    operations = [
        migrations.AddField(
            model_name="turn",
            name="redaction_version",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, editable=False),
        ),
    ]
