"""How a website's domain is proved, looked at again, and taken over from one whose proof lapsed."""

import tenants.identifiers
from django.db import migrations, models

from tenants.policies import door, writing_door

# The active tenant's website, and whoever holds its domain or one of its origins' hosts.
_HOLDERS = (
    "FROM websites w JOIN websites h ON h.tenant_id <> w.tenant_id AND h.proved_at IS NOT NULL"
    " WHERE w.id = p_website_id AND w.tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid"
    " AND w.proved_at IS NULL AND w.proof_passed_at > now() - make_interval(hours => 1)"
    " AND (h.domain = w.domain OR EXISTS (SELECT FROM website_origins mine JOIN website_origins theirs"
    " ON theirs.host = mine.host AND theirs.proved_at IS NOT NULL"
    " WHERE mine.tenant_id = w.tenant_id AND mine.website_id = w.id"
    " AND theirs.tenant_id = h.tenant_id AND theirs.website_id = h.id))"
)


class Migration(migrations.Migration):
    dependencies = [("tenants", "0005_credentials")]

    operations = [
        migrations.AddField("website", "proof_token", models.CharField(max_length=64, null=True, editable=False)),
        migrations.RunSQL(
            "UPDATE websites SET proof_token = replace(gen_random_uuid()::text, '-', '') WHERE proof_token IS NULL;",
            migrations.RunSQL.noop,
        ),
        migrations.AlterField(
            "website",
            "proof_token",
            models.CharField(max_length=64, default=tenants.identifiers.new_proof_token, editable=False),
        ),
        migrations.AddField(
            "website",
            "proof_method",
            models.CharField(
                max_length=16,
                blank=True,
                default="",
                db_default="",
                editable=False,
                choices=[
                    ("meta", "its page"),
                    ("file", "its file"),
                    ("dns", "its DNS record"),
                    ("operator", "the operator"),
                    ("local", "being a local host"),
                ],
            ),
        ),
        migrations.RunSQL(
            "UPDATE websites SET proof_method = CASE WHEN domain = 'localhost' OR domain LIKE '%.localhost'"
            " THEN 'local' ELSE 'operator' END WHERE proved_at IS NOT NULL;",
            migrations.RunSQL.noop,
        ),
        migrations.AddField("website", "proof_checked_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField("website", "proof_passed_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField("website", "proof_failing_since", models.DateTimeField(null=True, editable=False)),
        migrations.AddField("website", "proof_lapsed_at", models.DateTimeField(null=True, editable=False)),
        migrations.AddField(
            "website",
            "proof_failures",
            models.PositiveIntegerField(default=0, db_default=0, editable=False),
        ),
        migrations.AddField("website", "proof_report", models.JSONField(null=True, editable=False)),
        migrations.AddConstraint(
            "website",
            models.CheckConstraint(
                condition=models.Q(proved_at__isnull=True, proof_method="")
                | models.Q(proved_at__isnull=False, proof_method__in=["meta", "file", "dns", "operator", "local"]),
                name="website_proof_method_known",
            ),
        ),
        door(
            "door_tenants_with_proofs_due()",
            "SETOF uuid",
            "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM websites w WHERE w.tenant_id = t.id"
            " AND w.proved_at IS NOT NULL AND w.proof_method IN ('meta', 'file', 'dns')"
            " AND w.proof_checked_at < now() - make_interval(days => 1))",
        ),
        # Tells one thing, and only to whoever has just shown that the domain is theirs.
        door(
            "door_domain_has_lapsed(p_website_id uuid)",
            "boolean",
            f"SELECT coalesce(bool_and(h.proof_lapsed_at IS NOT NULL), false) {_HOLDERS}",
        ),
        writing_door(
            "door_release_lapsed_domain(p_website_id uuid)",
            "boolean",
            # Locked first, judged by a statement of its own: what a lock was waited for may have changed.
            "DECLARE v_holders uuid[]; BEGIN"
            f" PERFORM FROM websites l WHERE l.id IN (SELECT h.id {_HOLDERS}) ORDER BY l.id FOR UPDATE;"
            f" SELECT array_agg(h.id) INTO v_holders {_HOLDERS};"
            " IF v_holders IS NULL OR EXISTS (SELECT FROM websites h WHERE h.id = ANY (v_holders)"
            " AND h.proof_lapsed_at IS NULL) THEN RETURN false; END IF;"
            " UPDATE website_origins SET proved_at = NULL WHERE website_id = ANY (v_holders);"
            " UPDATE websites SET proved_at = NULL, proof_method = '' WHERE id = ANY (v_holders);"
            " RETURN true; END",
        ),
    ]
