"""The picture that must come true: two websites, one agent, and everybody hears only their own."""

import pytest

from sessions.models import AgentSession
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor


def stored_roles(tenant: Tenant, website: Website, visitor: Visitor) -> tuple[int, list[str]]:
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get(website=website, session_id=visitor.session_id)
    return session.message_count, [message["role"] for message in session.history]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_alice_bob_and_a_stranger_hear_only_their_own(server: LiveServer, cast: Cast, stream: bool) -> None:
    shops, bikes = cast.tenant("Shops"), cast.tenant("Bikes")
    agent = cast.agent()
    bakery, bicycles = cast.website(shops, agents=[agent]), cast.website(bikes, agents=[agent])
    alice, bob = Visitor(server, bakery.domain), Visitor(server, bicycles.domain)
    stranger = Visitor(server, bakery.domain)

    assert alice.ask("My name is Alice", stream=stream) == "Nice to meet you, Alice!"
    assert bob.ask("My name is Bob", stream=stream) == "Nice to meet you, Bob!"
    assert alice.ask("What's my name?", stream=stream) == "Your name is Alice!"
    assert bob.ask("What's my name?", stream=stream) == "Your name is Bob!"
    assert stranger.ask("What's my name?", stream=stream) == "I don't know your name yet."

    assert stored_roles(shops, bakery, alice) == (4, ["user", "assistant"] * 2)
    assert stored_roles(bikes, bicycles, bob) == (4, ["user", "assistant"] * 2)
    assert stored_roles(shops, bakery, stranger) == (2, ["user", "assistant"])
