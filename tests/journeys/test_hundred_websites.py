"""100 websites, one agent, sessions interleaved at random: every answer holds only its own session's words."""

import random
import re
import secrets
from concurrent.futures import ThreadPoolExecutor

import pytest

from sessions.models import AgentSession
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor

CANARY = re.compile(r"canary-[0-9a-f]{12}")
CLIENTS = 16
ROUNDS = 3


class Talker:
    """A visitor who remembers every canary it ever said."""

    def __init__(self, visitor: Visitor) -> None:
        self.visitor = visitor
        self.said: list[str] = []

    def speak(self, stream: bool) -> None:
        canary = f"canary-{secrets.token_hex(6)}"
        self.said.append(canary)
        heard = CANARY.findall(self.visitor.ask(f"My word is {canary}", stream=stream))
        # The stub shows every message it was sent; its answers, which come back with the history, repeat them.
        assert set(heard) == set(self.said)


@pytest.mark.timeout(900)  # at full size
def test_a_hundred_websites_share_one_agent_and_no_words(
    server: LiveServer, cast: Cast, stub_process: StubModel, full_size: bool
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;hundred")
    tenants = [cast.tenant() for _ in range(10)]
    websites = [cast.website(tenants[number % 10], agents=[agent]) for number in range(100)]
    sessions = 1000 if full_size else 150
    talkers = [Talker(Visitor(server, websites[number % 100].domain)) for number in range(sessions)]
    # Each round in another order: whose turn comes after whose is chance; two of one session never overlap.
    for _ in range(ROUNDS):
        random.shuffle(talkers)
        with ThreadPoolExecutor(CLIENTS) as clients:
            for done in [clients.submit(talker.speak, random.random() < 0.5) for talker in talkers]:
                done.result()

    said = {talker.visitor.session_id: set(talker.said) for talker in talkers}
    for tenant in tenants:
        with tenant_scope(tenant.id):
            for session in AgentSession.objects.all():
                questions = [message["content"] for message in session.history if message["role"] == "user"]
                assert session.message_count == 2 * ROUNDS
                assert {canary for question in questions for canary in CANARY.findall(question)} == said.pop(
                    session.session_id
                )
    assert said == {}
