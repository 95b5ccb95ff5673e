"""A website with the demo agent, fresh for each test, and a visitor of it."""

import pytest

from agents.models import Agent
from tenants.models import Tenant, Website
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.visitor import Visitor


@pytest.fixture
def tenant(cast: Cast) -> Tenant:
    return cast.tenant()


@pytest.fixture
def agent(cast: Cast) -> Agent:
    return cast.agent()


@pytest.fixture
def website(cast: Cast, tenant: Tenant, agent: Agent) -> Website:
    """It allows sessions without a token, as the demos do."""
    return cast.website(tenant, agents=[agent])


@pytest.fixture
def visitor(server: LiveServer, website: Website) -> Visitor:
    return Visitor(server, website.domain)
