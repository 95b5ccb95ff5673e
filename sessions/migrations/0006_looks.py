"""The record of looks: append-only lines, which the database itself numbers, dates and chains."""

import django.db.models.deletion
import django.db.models.functions.datetime
import tenants.identifiers
from django.db import migrations, models

from tenants.policies import ACTIVE_TENANT_SQL, tenant_policy, tenant_primary_key, writing_door

# The head's row is the lock: two lines of one tenant at once wait for each other, and never follow the same one.
# Each statement of the function sees what was committed before it. ``sessions.look_verification`` reads the same form.
_CHAIN = """
DECLARE v_previous bytea;
BEGIN
    INSERT INTO look_heads AS head (id, tenant_id, number, hash) VALUES (gen_random_uuid(), NEW.tenant_id, 1, '')
        ON CONFLICT (tenant_id) DO UPDATE SET number = head.number + 1
        RETURNING head.number, head.hash INTO NEW.number, v_previous;
    NEW.created_at := clock_timestamp();
    NEW.hash := sha256(convert_to(jsonb_build_array(
        1, encode(v_previous, 'hex'), NEW.tenant_id, NEW.number,
        to_char(NEW.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
        NEW.id, NEW.kind, NEW.actor_id, NEW.actor_name, NEW.actor_role, NEW.subject, NEW.website, NEW.count,
        NEW.reason, NEW.address)::text, 'UTF8'));
    UPDATE look_heads SET hash = NEW.hash WHERE tenant_id = NEW.tenant_id;
    RETURN NEW;
END
"""

# A tenant that was made to verify isolation is taken away again, and its record with it. Its first line says that it
# is one: no line can be put before those of a real tenant.
_FORGET = f"""
BEGIN
    IF EXISTS (SELECT FROM looks
                WHERE tenant_id = {ACTIVE_TENANT_SQL} AND number = 1 AND kind = 'rehearsal') THEN
        DELETE FROM looks WHERE tenant_id = {ACTIVE_TENANT_SQL};
        DELETE FROM look_heads WHERE tenant_id = {ACTIVE_TENANT_SQL};
    END IF;
END
"""


def _id() -> models.UUIDField:
    return models.UUIDField(default=tenants.identifiers.new_id, editable=False, primary_key=True, serialize=False)


def _tenant() -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False,
        editable=False,
        on_delete=django.db.models.deletion.DO_NOTHING,
        related_name="+",
        to="tenants.tenant",
    )


_KINDS = [
    ("view", "Opened a transcript"),
    ("search", "Searched conversations"),
    ("export", "Exported transcripts"),
    ("erasure", "Erased transcripts"),
    ("preview", "Previewed redaction"),
    ("entry", "Entered a tenant"),
    ("tenant_erasure", "Erased a tenant"),
    ("rehearsal", "Made to verify isolation"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("agent_sessions", "0005_credentials"),
        ("tenants", "0002_isolation"),
    ]

    operations = [
        migrations.CreateModel(
            name="Look",
            fields=[
                ("id", _id()),
                ("number", models.PositiveBigIntegerField(db_default=0, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(
                        db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name="when"
                    ),
                ),
                ("kind", models.CharField(choices=_KINDS, max_length=32, verbose_name="what")),
                ("actor_id", models.CharField(blank=True, max_length=64)),
                ("actor_name", models.CharField(max_length=150, verbose_name="who")),
                ("actor_role", models.CharField(max_length=32, verbose_name="as")),
                ("subject", models.CharField(blank=True, max_length=128)),
                ("website", models.CharField(blank=True, max_length=253)),
                ("count", models.PositiveBigIntegerField(null=True)),
                ("reason", models.CharField(blank=True, max_length=300, verbose_name="why")),
                ("address", models.CharField(blank=True, max_length=45, verbose_name="from")),
                ("hash", models.BinaryField(db_default=b"", max_length=32)),
                ("tenant", _tenant()),
            ],
            options={
                "verbose_name": "look",
                "verbose_name_plural": "record of looks",
                "db_table": "looks",
                "ordering": ["-number"],
                "abstract": False,
                "base_manager_name": "objects",
                "indexes": [
                    models.Index(fields=["tenant", "created_at"], name="look_when"),
                    models.Index(fields=["tenant", "kind", "number"], name="look_what"),
                    models.Index(fields=["tenant", "actor_name", "number"], name="look_who"),
                    models.Index(fields=["tenant", "subject", "number"], name="look_whose"),
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("tenant", "number"), name="look_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", [kind for kind, _ in _KINDS])), name="look_kind_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LookHead",
            fields=[
                ("id", _id()),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                ("number", models.PositiveBigIntegerField()),
                ("hash", models.BinaryField(max_length=32)),
                ("tenant", _tenant()),
            ],
            options={
                "db_table": "look_heads",
                "abstract": False,
                "base_manager_name": "objects",
                "constraints": [models.UniqueConstraint(fields=("tenant",), name="look_head_once")],
            },
        ),
        tenant_primary_key("looks"),
        tenant_primary_key("look_heads"),
        tenant_policy("looks"),
        tenant_policy("look_heads"),
        writing_door("door_chain_look()", "trigger", _CHAIN),
        migrations.RunSQL(
            "CREATE TRIGGER chain_look BEFORE INSERT ON looks FOR EACH ROW EXECUTE FUNCTION door_chain_look();",
            "DROP TRIGGER chain_look ON looks;",
        ),
        writing_door("door_forget_rehearsal()", "void", _FORGET),
    ]
