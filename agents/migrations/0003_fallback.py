"""A second choice for when an agent's model cannot answer."""

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import F, Q

from tenants.identifiers import OPERATOR_ID
from tenants.policies import ACTIVE_TENANT_SQL, composite_foreign_key, door


class Migration(migrations.Migration):
    dependencies = [("agents", "0002_isolation")]

    operations = [
        migrations.AddField(
            model_name="agent",
            name="fallback_connection",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                help_text="Asked where the first cannot answer. It may be the first again, with another model.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="agents_falling_back",
                to="agents.modelconnection",
            ),
        ),
        migrations.AddField(
            model_name="agent",
            name="fallback_model",
            field=models.CharField(blank=True, db_default="", default="", max_length=120),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=Q(fallback_connection__isnull=True) | Q(connection__isnull=False) & ~Q(fallback_model=""),
                name="agent_fallback_needs_a_first_and_a_model",
            ),
        ),
        migrations.AddConstraint(
            model_name="agent",
            constraint=models.CheckConstraint(
                condition=Q(fallback_connection__isnull=True)
                | ~Q(fallback_connection=F("connection"))
                | ~Q(fallback_model=F("model")),
                name="agent_fallback_is_another",
            ),
        ),
        composite_foreign_key(
            "agents", "tenant_id, fallback_connection_id", "model_connections", "tenant_id, id", "NO ACTION"
        ),
        door(
            "door_shared_fallback(p_agent_id uuid)",
            "TABLE (id uuid, tenant_id uuid, base_url text, api_key_sealed bytea, connect_timeout_seconds smallint,"
            " first_token_timeout_seconds smallint, idle_timeout_seconds smallint)",
            "SELECT c.id, c.tenant_id, c.base_url, c.api_key_sealed, c.connect_timeout_seconds,"
            " c.first_token_timeout_seconds, c.idle_timeout_seconds"
            " FROM agents a JOIN model_connections c ON c.tenant_id = a.tenant_id AND c.id = a.fallback_connection_id"
            f" WHERE a.tenant_id = '{OPERATOR_ID}' AND a.id = p_agent_id AND EXISTS (SELECT FROM website_agents wa"
            f" WHERE wa.tenant_id = {ACTIVE_TENANT_SQL} AND wa.agent_tenant_id = a.tenant_id AND wa.agent_id = a.id)",
        ),
    ]
