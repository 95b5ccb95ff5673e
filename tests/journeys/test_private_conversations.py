"""The picture that must come true: two websites, one agent, and everybody hears only their own."""

import pytest

from agents.models import Agent
from sessions.models import AgentSession
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor


class Stage:
    """The two websites of two tenants, and their visitors."""

    def __init__(self, server: LiveServer, cast: Cast, agent: Agent) -> None:
        self.shops, self.bikes = cast.tenant("Shops"), cast.tenant("Bikes")
        self.bakery, self.bicycles = cast.website(self.shops, agents=[agent]), cast.website(self.bikes, agents=[agent])
        self.alice, self.bob = Visitor(server, self.bakery.domain), Visitor(server, self.bicycles.domain)
        self.stranger = Visitor(server, self.bakery.domain)

    def stored(self) -> list[list[tuple[str, str]]]:
        return [
            stored_messages(self.shops, self.bakery, self.alice),
            stored_messages(self.bikes, self.bicycles, self.bob),
            stored_messages(self.shops, self.bakery, self.stranger),
        ]


def stored_messages(tenant: Tenant, website: Website, visitor: Visitor) -> list[tuple[str, str]]:
    with tenant_scope(tenant.id):
        session = AgentSession.objects.get(website=website, session_id=visitor.session_id)
    assert session.message_count == len(session.history)
    return [(message["role"], message["content"]) for message in session.history]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_alice_bob_and_a_stranger_hear_only_their_own(server: LiveServer, cast: Cast, stream: bool) -> None:
    stage = Stage(server, cast, cast.agent())

    assert stage.alice.ask("My name is Alice", stream=stream) == "Nice to meet you, Alice!"
    assert stage.bob.ask("My name is Bob", stream=stream) == "Nice to meet you, Bob!"
    assert stage.alice.ask("What's my name?", stream=stream) == "Your name is Alice!"
    assert stage.bob.ask("What's my name?", stream=stream) == "Your name is Bob!"
    assert stage.stranger.ask("What's my name?", stream=stream) == "I don't know your name yet."

    assert stage.stored() == [
        [
            ("user", "My name is Alice"),
            ("assistant", "Nice to meet you, Alice!"),
            ("user", "What's my name?"),
            ("assistant", "Your name is Alice!"),
        ],
        [
            ("user", "My name is Bob"),
            ("assistant", "Nice to meet you, Bob!"),
            ("user", "What's my name?"),
            ("assistant", "Your name is Bob!"),
        ],
        [("user", "What's my name?"), ("assistant", "I don't know your name yet.")],
    ]


@pytest.mark.parametrize("stream", [False, True], ids=["json", "sse"])
def test_model_over_http_is_sent_only_the_own_conversation(
    server: LiveServer, cast: Cast, stub_process: StubModel, stream: bool
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;journey")
    stage = Stage(server, cast, agent)

    stage.alice.ask("My name is Alice", stream=stream)
    stage.bob.ask("My name is Bob", stream=stream)
    heard = [who.ask("What's my name?", stream=stream) for who in (stage.alice, stage.bob, stage.stranger)]

    assert [("Alice" in answer, "Bob" in answer) for answer in heard] == [(True, False), (False, True), (False, False)]
    assert [[role for role, _ in messages] for messages in stage.stored()] == [
        ["user", "assistant", "user", "assistant"],
        ["user", "assistant", "user", "assistant"],
        ["user", "assistant"],
    ]


def test_processes_keep_nothing_between_turns(server: LiveServer, cast: Cast) -> None:
    """Two processes serve in no order of ours: a conversation is whole whichever answers."""
    stage = Stage(server, cast, cast.agent())
    stage.alice.ask("My name is Alice")
    assert {stage.alice.ask("What's my name?") for _ in range(10)} == {"Your name is Alice!"}


def test_same_session_id_on_two_websites_is_two_sessions(server: LiveServer, cast: Cast) -> None:
    stage = Stage(server, cast, cast.agent())
    stage.alice.ask("My name is Alice")
    namesake = Visitor(server, stage.bicycles.domain, session_id=stage.alice.session_id)
    assert namesake.ask("What's my name?") == "I don't know your name yet."
    assert stage.alice.ask("What's my name?") == "Your name is Alice!"
