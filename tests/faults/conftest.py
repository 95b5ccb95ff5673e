"""One stack for all fault tests of a process; each test finds it whole, and breaks only what is its own."""

from collections.abc import Iterator

import pytest

from agents.models import Agent
from tenants.models import Website
from tests.cast import Cast
from tests.faults.stack import Stack, running_stack


@pytest.fixture(scope="session")
def only_stack(database: None) -> Iterator[Stack]:
    with running_stack() as stack:
        yield stack


@pytest.fixture
def stack(only_stack: Stack) -> Iterator[Stack]:
    """PostgreSQL, Redis and two web servers, all well; the test's own Django works on their database, too."""
    only_stack.mend()
    with only_stack.as_django_database():
        yield only_stack


@pytest.fixture
def cast(stack: Stack) -> Cast:
    """Tenants, websites and agents in the stack's database."""
    return Cast()


@pytest.fixture
def website(cast: Cast, agent: Agent) -> Website:
    """Of a tenant of its own, with the test file's own ``agent``."""
    return cast.website(cast.tenant(), agents=[agent])
