"""Sessions spoken to through the store alone, for what is tested below the API."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from sessions.models import AgentSession
from tenants.database import close_chat_pool, open_chat_pool
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.sessions.talk import Run, Talk


@pytest.fixture(scope="module")
def run(database: None) -> Iterator[Run]:
    """Runs what is asynchronous on a loop, and a pool, of its own: tests stay free to look with the ORM."""
    loop = asyncio.new_event_loop()
    loop.run_until_complete(open_chat_pool())
    yield loop.run_until_complete
    loop.run_until_complete(close_chat_pool())
    loop.close()


@pytest.fixture
def new_talk(cast: Cast, run: Run) -> Callable[[], Talk]:
    agent = cast.agent()

    def make() -> Talk:
        website = cast.website(cast.tenant(), agents=[agent])
        with tenant_scope(website.tenant_id):
            session = AgentSession.objects.create(
                tenant_id=website.tenant_id,
                website=website,
                agent=agent,
                agent_tenant_id=agent.tenant_id,
                session_id="session_long",
                origin_host=website.domain,
                token_hash=b"token",
            )
        return Talk(run, session)

    return make


@pytest.fixture
def talk(new_talk: Callable[[], Talk]) -> Talk:
    return new_talk()
