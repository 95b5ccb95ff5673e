"""Keys led by the tenant, row policies, and the doors that tell the jobs which tenants have work due."""

from django.db import migrations

from tenants.policies import composite_foreign_key, door, tenant_policy, tenant_primary_key


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0001_initial"), ("agents", "0002_isolation")]

    operations = [
        tenant_primary_key("agent_sessions"),
        tenant_primary_key("turns"),
        composite_foreign_key("agent_sessions", "tenant_id, website_id", "websites", "tenant_id, id", "NO ACTION"),
        composite_foreign_key("agent_sessions", "agent_tenant_id, agent_id", "agents", "tenant_id, id", "NO ACTION"),
        composite_foreign_key("turns", "tenant_id, agent_session_id", "agent_sessions", "tenant_id, id", "CASCADE"),
        tenant_policy("agent_sessions"),
        tenant_policy("turns"),
        door(
            "door_tenants_with_lapsed_turns()",
            "SETOF uuid",
            "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM turns r WHERE r.tenant_id = t.id"
            " AND r.state = 'running' AND r.lease_expires_at < now())",
        ),
        door(
            "door_tenants_with_expired_sessions()",
            "SETOF uuid",
            "SELECT t.id FROM tenants t WHERE EXISTS (SELECT FROM agent_sessions s WHERE s.tenant_id = t.id"
            " AND s.last_activity_at < now() - make_interval(days => t.retention_days))",
        ),
    ]
