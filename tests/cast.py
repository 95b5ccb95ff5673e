"""The people and things of the tests. Every call makes new ones, so that no test sees another's."""

import secrets
from datetime import datetime
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User

from agents.api_keys import set_api_key
from agents.models import Agent, ModelConnection, WebsiteAgent
from tenants.api_keys import create_api_key, revoke_api_key
from tenants.identifiers import OPERATOR_ID
from tenants.models import ApiKey, Membership, Tenant, TenantOwned, Website
from tenants.registration import prove_website, register_website
from tenants.scoping import tenant_scope

# All visitors of the tests come from one address, and some write faster than people do.
GENEROUS_LIMITS = {
    "session_turns_per_minute": 100_000,
    "network_turns_per_minute": 1_000_000,
    "turns_per_minute": 1_000_000,
}


class Cast:
    """Makes tenants, websites, agents, connections and staff, through the same services as the product."""

    def tenant(self, name: str = "Tenant", **fields: Any) -> Tenant:
        """With limits that no test meets, but for those that it names."""
        with tenant_scope(OPERATOR_ID):
            return Tenant.objects.create(name=name, slug=f"t-{secrets.token_hex(6)}", **{**GENEROUS_LIMITS, **fields})

    def website(
        self, tenant: Tenant, domain: str | None = None, *, agents: list[Agent] | None = None, **fields: Any
    ) -> Website:
        """A proved website, on a new local domain unless one is named, with the first of ``agents`` its default."""
        fields.setdefault("require_session_token", False)
        with tenant_scope(tenant.id):
            website = register_website(domain or f"{secrets.token_hex(8)}.localhost", **fields)
            if not website.is_proved:
                prove_website(website)
        for agent in agents or []:
            self.use(website, agent)
        return website

    def use(self, website: Website, agent: Agent, **fields: Any) -> WebsiteAgent:
        with tenant_scope(website.tenant_id):
            first = not WebsiteAgent.objects.filter(website=website).exists()
            return WebsiteAgent.objects.create(
                tenant_id=website.tenant_id, website=website, agent=agent, is_default=first, **fields
            )

    def agent(self, owner: Tenant | None = None, *, key: str | None = None, **fields: Any) -> Agent:
        """An agent of ``owner``, or of the operator; without a connection the demo model answers."""
        owner_id = owner.id if owner else OPERATOR_ID
        with tenant_scope(owner_id):
            return Agent.objects.create(
                tenant_id=owner_id, key=key or f"agent_{secrets.token_hex(6)}", **{"name": "Robin", **fields}
            )

    def connection(
        self, owner: Tenant | None, base_url: str, api_key: str = "stub-key", **fields: Any
    ) -> ModelConnection:
        owner_id = owner.id if owner else OPERATOR_ID
        with tenant_scope(owner_id):
            connection = ModelConnection(
                tenant_id=owner_id, name=f"Model {secrets.token_hex(4)}", base_url=base_url, **fields
            )
            set_api_key(connection, api_key)
            connection.save()
        return connection

    def api_key(
        self, tenant: Tenant, *scopes: str, name: str = "Shop server", expires_at: datetime | None = None
    ) -> tuple[ApiKey, str]:
        """A key with these scopes, or with all, and what its holder sends."""
        with tenant_scope(tenant.id):
            return create_api_key(name, list(scopes or ApiKey.Scope), expires_at=expires_at)

    def revoke(self, key: ApiKey) -> None:
        with tenant_scope(key.tenant_id):
            revoke_api_key(key)

    def change(self, row: TenantOwned, **fields: Any) -> None:
        """Writes ``fields`` into a row, in its own tenant's scope."""
        with tenant_scope(row.tenant_id):
            for name, value in fields.items():
                setattr(row, name, value)
            row.save(update_fields=list(fields))

    def suspend(self, tenant: Tenant) -> None:
        with tenant_scope(OPERATOR_ID):
            Tenant.objects.filter(id=tenant.id).update(is_active=False)

    def let_log_in(self, user: User, password: str) -> None:
        """Gives a password that servers under test know, too; the tests' own are hashed in a quicker way."""
        user.password = PBKDF2PasswordHasher().encode(password, secrets.token_hex(8))
        user.save(update_fields=["password"])

    def staff(self, *memberships: tuple[Tenant, str], is_superuser: bool = False) -> User:
        user = get_user_model().objects.create_user(
            f"staff-{secrets.token_hex(6)}", password="a long password", is_staff=True, is_superuser=is_superuser
        )
        for tenant, role in memberships:
            with tenant_scope(tenant.id):
                Membership.objects.create(tenant=tenant, user=user, role=role)
        return user
