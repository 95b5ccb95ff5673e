"""Keys that carry the tenant, row policies, and the door to a shared agent's connection."""

from django.db import migrations

from tenants.identifiers import OPERATOR_ID
from tenants.policies import ACTIVE_TENANT_SQL, composite_foreign_key, door, read_policy, tenant_policy


class Migration(migrations.Migration):
    dependencies = [("agents", "0001_initial"), ("tenants", "0002_isolation")]

    operations = [
        composite_foreign_key("agents", "tenant_id, connection_id", "model_connections", "tenant_id, id", "NO ACTION"),
        composite_foreign_key("website_agents", "tenant_id, website_id", "websites", "tenant_id, id", "CASCADE"),
        composite_foreign_key("website_agents", "agent_tenant_id, agent_id", "agents", "tenant_id, id", "NO ACTION"),
        tenant_policy("model_connections"),
        tenant_policy("website_agents"),
        tenant_policy("agents"),
        read_policy("agents", "shared_agents", f"tenant_id = '{OPERATOR_ID}'"),
        # A tenant never sees the operator's connections, yet its websites are answered through them.
        door(
            "door_shared_connection(p_agent_id uuid)",
            "TABLE (id uuid, tenant_id uuid, base_url text, api_key_sealed bytea, connect_timeout_seconds smallint,"
            " first_token_timeout_seconds smallint, idle_timeout_seconds smallint)",
            "SELECT c.id, c.tenant_id, c.base_url, c.api_key_sealed, c.connect_timeout_seconds,"
            " c.first_token_timeout_seconds, c.idle_timeout_seconds"
            " FROM agents a JOIN model_connections c ON c.tenant_id = a.tenant_id AND c.id = a.connection_id"
            f" WHERE a.tenant_id = '{OPERATOR_ID}' AND a.id = p_agent_id AND EXISTS (SELECT FROM website_agents wa"
            f" WHERE wa.tenant_id = {ACTIVE_TENANT_SQL} AND wa.agent_tenant_id = a.tenant_id AND wa.agent_id = a.id)",
        ),
    ]
