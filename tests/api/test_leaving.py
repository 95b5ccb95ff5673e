"""Visitors who leave at any moment, databases that break off, and more visitors than fit: no turn hangs."""

import json
import os
import random
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
from django.db import connections

from agents.models import Agent
from sessions.models import Turn
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import LiveServer, start_server
from tests.stub_model import StubModel
from tests.visitor import Visitor


def leave_early(server: LiveServer, visitor: Visitor, seconds: float) -> None:
    """Sends a message over a bare socket and hangs up."""
    body = json.dumps({"message": "Hello", "session_id": visitor.session_id}).encode()
    head = (
        f"POST /api/v1/chat/ HTTP/1.1\r\nHost: localhost\r\nOrigin: {visitor.headers['Origin']}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(head.encode() + body)
        time.sleep(seconds)


def states(tenant: Tenant) -> set[str]:
    with tenant_scope(tenant.id):
        return set(Turn.objects.values_list("state", flat=True))


def test_visitor_who_hangs_up_at_any_moment_leaves_no_turn_behind(
    server: LiveServer, website: Website, tenant: Tenant, full_size: bool
) -> None:
    visitors = [Visitor(server, website.domain) for _ in range(200 if full_size else 40)]
    for visitor in visitors:
        leave_early(server, visitor, random.uniform(0.001, 0.03))
    deadline = time.monotonic() + 10
    while "running" in states(tenant):
        assert time.monotonic() < deadline, "a claimed turn has nobody who runs it"
        time.sleep(0.1)
    assert states(tenant) <= {"completed"}
    for visitor in visitors:
        assert visitor.post("Hello again").status_code == 200


CHAT_CONNECTIONS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'parlour-chat' AND datname = %s"


def chat_connections() -> set[int]:
    """The backends of all servers that chat on the tests' database."""
    name = connections["default"].settings_dict["NAME"]
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"]) as superuser:
        return {pid for (pid,) in superuser.execute(CHAT_CONNECTIONS, [name])}


def cut(backends: set[int]) -> None:
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"]) as superuser:
        superuser.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s::int[]) pid", [list(backends)])


def test_answer_is_saved_though_every_pooled_connection_broke(
    cast: Cast, tenant: Tenant, stub_process: StubModel
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;latency_ms=1500;cut-off")
    domain = cast.website(tenant, agents=[agent]).domain
    others = chat_connections()
    with start_server() as own:
        visitor = Visitor(own, domain)
        events = visitor.stream_with_ids("Hello", message_id="message_0001")
        assert next(events)[1]["type"] == "RUN_STARTED"
        backends = chat_connections() - others
        assert backends
        cut(backends)
        assert [event["type"] for _, event in events][-1] == "RUN_FINISHED"
        assert visitor.post("Hello", message_id="message_0001").headers["Parlour-Replayed"] == "true"
    assert stub_process.calls(model="stub;latency_ms=1500;cut-off") == 1


def test_more_turns_than_fit_are_refused_at_once_and_the_others_answered(
    cast: Cast, tenant: Tenant, stub_process: StubModel
) -> None:
    agent = cast.agent(connection=cast.connection(None, stub_process.url), model="stub;latency_ms=2000;fits")
    domain = cast.website(tenant, agents=[agent]).domain
    with start_server(MAX_TURNS_IN_FLIGHT="5") as small, ThreadPoolExecutor(40) as browsers:
        visits = [browsers.submit(Visitor(small, domain).post, "Hello") for _ in range(40)]
        responses = [visit.result() for visit in visits]
    answered = [response for response in responses if response.status_code == 200]
    refused = [response for response in responses if response.status_code == 503]
    assert (len(answered), len(refused)) == (5, 35)
    assert {(response.json()["code"], response.headers["retry-after"]) for response in refused} == {("overloaded", "2")}
    assert stub_process.calls(model="stub;latency_ms=2000;fits") == 5


def test_agent_whose_key_does_not_open_fails_alone(
    server: LiveServer, visitor: Visitor, cast: Cast, website: Website, agent: Agent, stub_process: StubModel
) -> None:
    connection = cast.connection(None, stub_process.url)
    broken = cast.agent(connection=connection, model="stub")
    cast.use(website, broken)
    cast.change(connection, api_key_sealed=b"\x01\x03oldxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
    assert visitor.say("Hello")["agent_id"] == agent.key
    response = Visitor(server, website.domain).post("Hello", agent_id=broken.key)
    assert (response.status_code, response.json()["code"]) == (502, "model_unavailable")
