"""The ground all tests stand on: one database per run, made by its owner and used in the application's role.

Tests commit, each in tenants of its own; nothing is flushed. Servers under test are real processes on real sockets.
"""

import os
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.db import connections
from django.test.utils import setup_databases
from psycopg import sql
from pytest_django.plugin import DjangoDbBlocker

from tests.cast import Cast
from tests.live_server import LiveServer, start_server
from tests.stub_model import stub_model, stub_process

# Fixtures are found by name in a conftest.
__all__ = ["stub_model", "stub_process"]

FULL = os.environ.get("FULL") == "1"


@pytest.fixture(scope="session")
def full_size() -> bool:
    """Whether the long cases run whole (``make test-full``) or scaled down."""
    return FULL


@pytest.fixture(scope="session", autouse=True)
def database(django_db_modify_db_settings: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """The run's own database, made by the owner. Every test may use it; what a test commits stays to the run's end.

    Both roles' databases are named, for pytest-django would set up only those that a test's mark asks for.
    """
    with django_db_blocker.unblock():
        setup_databases(0, interactive=False, aliases={"default": [], "owner": []}, serialized_aliases=set())
        yield
        # Not torn down: the whole server is thrown away after the run, and processes under test may still hold it.
        connections.close_all()


@pytest.fixture(scope="session", autouse=True)
def loggers_ask_anew() -> None:
    """A logger that was used once would keep how it was configured then, and ``capture_logs`` would hear nothing."""
    structlog.configure(cache_logger_on_first_use=False)


@pytest.fixture
def cast(database: None) -> Cast:
    """Tenants, websites and agents, made fresh for this test."""
    return Cast()


@pytest.fixture(scope="session")
def server(database: None) -> Iterator[LiveServer]:
    """The real ASGI server, two processes, on the tests' database."""
    with start_server(workers=2) as started:
        yield started


@pytest.fixture
def rows_written(database: None) -> Callable[[], dict[str, str]]:
    """A digest of all that chatting writes, over all tenants, as the owner sees it: a refusal leaves it as it was."""

    def digest(table: str) -> str:
        with connections["owner"].cursor() as cursor:
            rows = sql.SQL("SELECT count(*), md5(string_agg(t::text, ',' ORDER BY id)) FROM {} t")
            cursor.execute(rows.format(sql.Identifier(table)))
            return str(cursor.fetchone())

    return lambda: {table: digest(table) for table in ("agent_sessions", "erasures", "history_segments", "turns")}
