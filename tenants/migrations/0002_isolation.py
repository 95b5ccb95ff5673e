"""The operator, the row policies of the ground floor, and its doors."""

from django.db import migrations

from tenants.identifiers import OPERATOR_ID
from tenants.policies import ACTIVE_TENANT_SQL, composite_foreign_key, door, tenant_policy


class Migration(migrations.Migration):
    dependencies = [("tenants", "0001_initial")]

    operations = [
        migrations.RunSQL(
            "INSERT INTO tenants (id, name, slug, is_active, time_zone, retention_days)"
            f" VALUES ('{OPERATOR_ID}', 'Operator', 'operator', true, 'UTC', 30);",
            f"DELETE FROM tenants WHERE id = '{OPERATOR_ID}';",
        ),
        composite_foreign_key("website_origins", "tenant_id, website_id", "websites", "tenant_id, id", "CASCADE"),
        tenant_policy("tenants", "id"),
        # The list of tenants is the operator's own data.
        migrations.RunSQL(
            f"CREATE POLICY operator_rows ON tenants USING ({ACTIVE_TENANT_SQL} = '{OPERATOR_ID}');",
            "DROP POLICY operator_rows ON tenants;",
        ),
        tenant_policy("memberships"),
        tenant_policy("websites"),
        tenant_policy("website_origins"),
        door(
            "door_website_by_origin(p_origin text)",
            "TABLE (tenant_id uuid, website_id uuid, domain text, title text, site_key text,"
            " require_session_token boolean, is_active boolean, hosts text[])",
            "SELECT w.tenant_id, w.id, w.domain, w.title, w.site_key, w.require_session_token,"
            " w.is_active AND t.is_active,"
            " ARRAY(SELECT h.host::text FROM website_origins h WHERE h.tenant_id = w.tenant_id"
            " AND h.website_id = w.id AND h.proved_at IS NOT NULL)"
            " FROM website_origins o"
            " JOIN websites w ON w.tenant_id = o.tenant_id AND w.id = o.website_id"
            " JOIN tenants t ON t.id = w.tenant_id"
            " WHERE o.origin = p_origin AND o.proved_at IS NOT NULL",
        ),
        door(
            "door_memberships_of(p_user_id integer)",
            "TABLE (tenant_id uuid, tenant_name text, role text)",
            "SELECT m.tenant_id, t.name, m.role FROM memberships m JOIN tenants t ON t.id = m.tenant_id"
            " WHERE m.user_id = p_user_id ORDER BY t.name",
        ),
    ]
