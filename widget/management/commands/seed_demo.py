"""Two shops, two tenants, one agent of the operator, and people to look at them with. Running it again adds nothing."""

from typing import Any, Final

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from agents.api_keys import set_api_key
from agents.models import Agent, ModelConnection, WebsiteAgent
from tenants.identifiers import OPERATOR_ID
from tenants.models import Membership, Tenant, Website
from tenants.registration import register_website
from tenants.scoping import tenant_scope
from widget.demo_shops import DEMO_SHOPS, DemoShop

PASSWORD: Final = "parlour-demo"  # noqa: S105  the demo's, refused outside development
AGENT_KEY: Final = "agent_001"
# All of a demo's visitors come from one address.
PLENTY: Final = {
    "session_turns_per_minute": 600,
    "network_turns_per_minute": 60_000,
    "turns_per_minute": 60_000,
}
INSTRUCTIONS: Final = (
    "You are the friendly assistant of a shop's website. Answer briefly and from the facts you are given."
    " Where you do not know something, say so and offer the shop's phone number."
)


class Command(BaseCommand):
    help = "Makes the demo's data: two shops that share the operator's agent_001, and their logins."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO_SITES:
            raise CommandError("The demo has well-known passwords: it is for development only.")
        agent = _seed_agent()
        tenants = [_seed_tenant(shop, agent) for shop in DEMO_SHOPS]
        self.stdout.write(_seed_login("operator", None, ""))
        for tenant in tenants:
            self.stdout.write(_seed_login(f"{tenant.slug}-owner", tenant, Membership.Role.OWNER))
        self.stdout.write(_seed_login(f"{tenants[0].slug}-auditor", tenants[0], Membership.Role.AUDITOR))


def _seed_agent() -> Agent:
    """Without a key in the environment, an agent that is there keeps the model that the operator chose for it."""
    with tenant_scope(OPERATOR_ID):
        answering = _seed_model(settings.OPENAI_API_KEY) if settings.OPENAI_API_KEY else {}
        agent, _ = Agent.objects.update_or_create(
            tenant_id=OPERATOR_ID,
            key=AGENT_KEY,
            defaults=answering,
            create_defaults={**answering, "name": "Robin", "instructions": INSTRUCTIONS},
        )
    return agent


def _seed_model(api_key: str) -> dict[str, Any]:
    """The agent's fields that say who answers."""
    return {"connection": _seed_connection(api_key), "model": settings.OPENAI_MODEL}


def _seed_connection(api_key: str) -> ModelConnection:
    connection, _ = ModelConnection.objects.get_or_create(
        tenant_id=OPERATOR_ID, name="OpenAI", defaults={"base_url": settings.OPENAI_BASE_URL}
    )
    connection.base_url = settings.OPENAI_BASE_URL
    set_api_key(connection, api_key)
    connection.save()
    return connection


def _seed_tenant(shop: DemoShop, agent: Agent) -> Tenant:
    with tenant_scope(OPERATOR_ID):
        slug = shop.domain.partition(".")[0]
        tenant, _ = Tenant.objects.get_or_create(slug=slug, defaults={"name": shop.tenant_name, **PLENTY})
    with tenant_scope(tenant.id):
        website = Website.objects.filter(domain=shop.domain).first() or register_website(
            shop.domain, title=shop.title, site_key=shop.site_key, require_session_token=False
        )
        WebsiteAgent.objects.get_or_create(
            tenant=tenant,
            website=website,
            agent=agent,
            defaults={
                "instructions": shop.instructions,
                "welcome": shop.welcome,
                "starters": list(shop.starters),
                "accent": shop.accent,
            },
        )
    return tenant


def _seed_login(username: str, tenant: Tenant | None, role: str) -> str:
    """Makes the user and gives the line that tells how to log in."""
    user, is_new = get_user_model().objects.get_or_create(
        username=username, defaults={"is_staff": True, "is_superuser": tenant is None}
    )
    if is_new:
        user.set_password(PASSWORD)
        user.save()
    if tenant is not None:
        with tenant_scope(tenant.id):
            Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": role})
    who = "the operator: every tenant" if tenant is None else f"{role} of {tenant.name}"
    return f"{username}  {PASSWORD}  {who}"
