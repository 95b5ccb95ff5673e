"""While the model thinks: no connection, no thread, and nobody else waits."""

import time
from concurrent.futures import ThreadPoolExecutor

from django.db import connections

from tenants.models import Tenant
from tests.cast import Cast
from tests.live_server import LiveServer
from tests.stub_model import StubModel
from tests.visitor import Visitor

_CHAT_CONNECTIONS = """
SELECT state, count(*) FROM pg_stat_activity
 WHERE application_name = 'parlour-chat' AND datname = current_database() GROUP BY state
"""


def chat_connections() -> dict[str, int]:
    """The chat pools' connections by state, over all processes that use this database."""
    with connections["default"].cursor() as cursor:
        cursor.execute(_CHAT_CONNECTIONS)
        return {state: int(count) for state, count in cursor.fetchall()}


def threads(server: LiveServer) -> int:
    return sum(process.num_threads() for process in server.processes())


def wait_until_in_flight(stub: StubModel, number: int) -> None:
    deadline = time.monotonic() + 20
    while stub.control()["in_flight"] < number:
        assert time.monotonic() < deadline, stub.control()
        time.sleep(0.05)


def test_waiting_turns_hold_no_connection_and_no_thread(
    server: LiveServer, cast: Cast, tenant: Tenant, stub_process: StubModel, full_size: bool
) -> None:
    # The first must still be waiting when the last has arrived.
    waiting, latency_ms = (300, 20_000) if full_size else (60, 12_000)
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model=f"stub;latency_ms={latency_ms}")
    website = cast.website(tenant, agents=[agent])
    visitors = [Visitor(server, website.domain) for _ in range(waiting)]
    visitors[0].config()
    threads_before = threads(server)

    with ThreadPoolExecutor(waiting) as browsers:
        visits = [browsers.submit(visitor.post, "Hello") for visitor in visitors]
        wait_until_in_flight(stub_process, waiting)
        states, threads_waiting = chat_connections(), threads(server)
        statuses = {visit.result().status_code for visit in visits}

    assert statuses == {200}
    assert set(states) == {"idle"}, "every connection is back in its pool"
    assert sum(states.values()) <= 12
    assert threads_waiting - threads_before < 10
