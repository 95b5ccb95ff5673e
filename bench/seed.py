"""The data of a run, made through the product's own services: ``python -m bench.seed STUB_URL`` prints the domain."""

import secrets
import sys

import django


def seed(stub_url: str) -> str:
    """A tenant's website whose visitors talk with an operator's agent at the stub model. Gives its domain."""
    # Models can only be imported once Django is set up.
    from agents.api_keys import set_api_key  # noqa: PLC0415
    from agents.models import Agent, ModelConnection, WebsiteAgent  # noqa: PLC0415
    from tenants.identifiers import OPERATOR_ID  # noqa: PLC0415
    from tenants.models import Tenant  # noqa: PLC0415
    from tenants.registration import register_website  # noqa: PLC0415
    from tenants.scoping import tenant_scope  # noqa: PLC0415

    mark = secrets.token_hex(6)
    with tenant_scope(OPERATOR_ID):
        # Far away, as all of the load comes from one address; but counted, for that is part of a turn.
        plenty = {"session_turns_per_minute": 100_000, "network_turns_per_minute": 1_000_000}
        tenant = Tenant.objects.create(name="Bench", slug=f"bench-{mark}", turns_per_minute=1_000_000, **plenty)
        connection = ModelConnection(tenant_id=OPERATOR_ID, name=f"Stub {mark}", base_url=stub_url)
        set_api_key(connection, "stub-key")
        connection.save()
        agent = Agent.objects.create(
            tenant_id=OPERATOR_ID,
            key=f"bench_{mark}",
            name="Robin",
            instructions="You answer the visitors of a small shop, briefly and kindly.",
            connection=connection,
            model="stub",
            max_context_tokens=100_000,  # the stub's answers are long; 50 messages shall bound the context, not this
        )
    with tenant_scope(tenant.id):
        website = register_website(f"bench-{mark}.localhost")
        WebsiteAgent.objects.create(tenant_id=tenant.id, website=website, agent=agent, is_default=True)
    return website.domain


def main() -> None:
    django.setup()
    print(seed(sys.argv[1]))


if __name__ == "__main__":
    main()
