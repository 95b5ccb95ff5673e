"""PostgreSQL restarted, gone, or hanging: no turn is lost or doubled, nobody waits, and it heals by itself."""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tenants.models import Tenant, Website
from tests.cast import Cast
from tests.faults.stack import Stack, Web
from tests.stub_model import StubModel
from tests.visitor import Visitor
from tests.waiting import wait_until

ANSWER_SECONDS = 2.0
HEAL_SECONDS = 2.0
EVENT_LOOP_THREADS = min(32, (os.cpu_count() or 1) + 4)  # a pool of asyncio's own, begun with the first refusals
AWAY: dict[str, Callable[[Stack], None]] = {
    "refuses": lambda stack: stack.postgres.stop(),
    "hangs": lambda stack: stack.postgres.pause(),
}
BACK: dict[str, Callable[[Stack], None]] = {
    "refuses": lambda stack: stack.postgres.start(),
    "hangs": lambda stack: stack.postgres.resume(),
}


@pytest.fixture
def tenant(cast: Cast) -> Tenant:
    return cast.tenant()


@pytest.fixture
def website(cast: Cast, tenant: Tenant) -> Website:
    return cast.website(tenant, agents=[cast.agent()])


@pytest.fixture
def slow_website(cast: Cast, tenant: Tenant, stub_model: StubModel) -> Website:
    """Its model says nothing for a second and a half."""
    agent = cast.agent(connection=cast.connection(None, stub_model.url), model="stub;latency_ms=1500")
    return cast.website(tenant, agents=[agent])


@dataclass(frozen=True)
class Reply:
    status: int
    seconds: float
    headers: httpx.Headers
    body: dict[str, Any]


def ask(visitor: Visitor, message: str = "Hello") -> Reply:
    began = time.monotonic()
    response = visitor.post(message)
    return Reply(response.status_code, time.monotonic() - began, response.headers, response.json())


def assert_one_exchange(stack: Stack, tenant: Tenant, words: str) -> None:
    history = "SELECT message_count, history FROM agent_sessions WHERE tenant_id = %s"
    [(count, messages)] = stack.rows(history, tenant.id)
    assert (count, [message["role"] for message in messages]) == (2, ["user", "assistant"])
    assert messages[0]["content"] == words
    assert stack.rows("SELECT state FROM turns WHERE tenant_id = %s", tenant.id) == [("completed",)]


@contextmanager
def away(stack: Stack, how: str) -> Iterator[None]:
    AWAY[how](stack)
    try:
        yield
    finally:
        BACK[how](stack)


def test_next_turns_work_after_a_restart_between_them(stack: Stack, website: Website) -> None:
    visitors = [Visitor(web, website.domain) for web in stack.web for _ in range(8)]
    with ThreadPoolExecutor(len(visitors)) as browsers:  # several pooled connections each, all of which break
        list(browsers.map(lambda visitor: visitor.say("My name is Ada"), visitors))
        stack.postgres.restart()
        for visitor in visitors:
            assert "Ada" in visitor.ask("What is my name?")


@pytest.mark.parametrize("away_seconds", [0.0, 2.2])
def test_turn_outlives_a_restart_while_its_model_thinks_or_just_as_it_is_saved(
    stack: Stack, tenant: Tenant, slow_website: Website, stub_model: StubModel, away_seconds: float
) -> None:
    visitor = Visitor(stack.web[0], slow_website.domain)
    with ThreadPoolExecutor(1) as browser:
        answering = browser.submit(visitor.post, "Are you open?", message_id="message_0001")
        wait_until(lambda: stub_model.calls() == 1)
        with away(stack, "refuses"):
            time.sleep(away_seconds)
        response = answering.result()
    assert response.status_code == 200
    assert_one_exchange(stack, tenant, "Are you open?")
    again = visitor.post("Are you open?", message_id="message_0001")
    assert (again.json(), again.headers["Parlour-Replayed"]) == (response.json(), "true")
    assert stub_model.calls() == 1


def test_turn_that_cannot_be_saved_is_answered_once_on_a_retry(
    stack: Stack, tenant: Tenant, slow_website: Website, stub_model: StubModel
) -> None:
    """Away from before the answer until after the last try to save it; the turn's lease runs out."""
    visitor = Visitor(stack.web[0], slow_website.domain)
    with ThreadPoolExecutor(1) as browser:
        answering = browser.submit(visitor.post, "Are you open?", message_id="message_0001")
        wait_until(lambda: stub_model.calls() == 1)
        with away(stack, "refuses"):
            response = answering.result(timeout=30)
    assert (response.status_code, response.json()["code"]) == (503, "overloaded")
    stack.web[0].wait_until_ready(HEAL_SECONDS)
    expire = (
        "UPDATE turns SET lease_expires_at = clock_timestamp() WHERE tenant_id = %s AND state = 'running' RETURNING 1"
    )
    stack.rows(expire, tenant.id)  # no row, where the turn could be closed in the end
    assert visitor.say("Are you open?", message_id="message_0001")["message_count"] == 2
    assert_one_exchange(stack, tenant, "Are you open?")


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_requests_are_refused_at_once_while_the_database_is_away_and_served_once_it_is_back(
    stack: Stack, website: Website, full_size: bool, how: str
) -> None:
    visitors = [Visitor(stack.web[number % 2], website.domain) for number in range(20)]
    with ThreadPoolExecutor(len(visitors)) as browsers:
        list(browsers.map(lambda visitor: visitor.say("My name is Ada"), visitors))
        before = [(web.process.num_threads(), web.memory_mb) for web in stack.web]
        with away(stack, how):
            replies = keep_asking(browsers, visitors, seconds=60 if full_size else 3)
            after = [(web.process.num_threads(), web.memory_mb) for web in stack.web]
            assert [probe(web, "/healthz") for web in stack.web] == [200, 200]
            assert [probe(web, "/readyz") for web in stack.web] == [503, 503]
        for web in stack.web:
            wait_until(lambda web=web: probe(web, "/readyz") == 200, HEAL_SECONDS)  # type: ignore[misc]
        assert all("Ada" in words for words in browsers.map(lambda visitor: visitor.ask("What is my name?"), visitors))
    assert_refused_well(replies, website)
    for (threads, memory), (threads_after, memory_after) in zip(before, after, strict=True):
        assert threads_after <= threads + EVENT_LOOP_THREADS
        assert memory_after <= memory + 15


def keep_asking(browsers: ThreadPoolExecutor, visitors: list[Visitor], seconds: float) -> list[tuple[Visitor, Reply]]:
    """All ask at once, and each again a moment after its answer."""
    ends_at = time.monotonic() + seconds

    def insist(visitor: Visitor) -> list[tuple[Visitor, Reply]]:
        heard = []
        while time.monotonic() < ends_at:
            heard.append((visitor, ask(visitor)))
            time.sleep(0.2)
        return heard

    return [reply for heard in browsers.map(insist, visitors) for reply in heard]


def assert_refused_well(replies: list[tuple[Visitor, Reply]], website: Website) -> None:
    assert len(replies) > 100
    assert max(reply.seconds for _, reply in replies) < ANSWER_SECONDS
    assert {(reply.status, reply.body["code"], reply.headers["retry-after"]) for _, reply in replies} == {
        (503, "overloaded", "3")
    }
    for visitor, reply in replies:
        assert reply.headers["access-control-allow-origin"] == visitor.headers["Origin"]


def probe(web: Web, path: str) -> int:
    began = time.monotonic()
    status = web.http.get(path).status_code
    assert time.monotonic() - began < ANSWER_SECONDS
    return status


def test_only_pages_served_lately_may_read_that_the_database_is_away(stack: Stack, website: Website) -> None:
    web = stack.web[0]
    Visitor(web, website.domain).say("Hello")
    known = {"Origin": web.origin(website.domain)}
    stranger = {"Origin": web.origin("stranger.localhost")}
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    with away(stack, "refuses"):
        wait_until(lambda: probe(web, "/readyz") == 503)
        answers = [web.http.post("/api/v1/chat/", json={}, headers=headers) for headers in (known, stranger)]
        preflights = [web.http.options("/api/v1/chat/", headers={**headers, **asking}) for headers in (known, stranger)]
    assert [answer.status_code for answer in answers] == [503, 503]
    assert [preflight.status_code for preflight in preflights] == [204, 503]
    for first, second in (answers, preflights):
        assert first.headers["access-control-allow-origin"] == known["Origin"]
        assert "access-control-allow-origin" not in second.headers


@pytest.mark.parametrize("how", ["refuses", "hangs"])
def test_admin_says_so_at_once_and_the_widget_is_served_still(stack: Stack, website: Website, how: str) -> None:
    web = stack.web[0]
    Visitor(web, website.domain).say("Hello")
    with away(stack, how):
        wait_until(lambda: Visitor(web, website.domain).post("Hello").status_code == 503)
        assert probe(web, "/widget.js") == 200
        began = time.monotonic()
        page = web.http.get("/admin/")
        assert time.monotonic() - began < ANSWER_SECONDS
    assert (page.status_code, page.headers["retry-after"]) == (503, "3")
    wait_until(lambda: web.http.get("/admin/login/").status_code == 200, HEAL_SECONDS)


def test_process_that_begins_without_a_database_serves_once_there_is_one(stack: Stack, website: Website) -> None:
    web = stack.web[0]
    web.kill()
    with away(stack, "refuses"):
        web.begin()
        wait_until(lambda: answers(web), 30)
        assert probe(web, "/readyz") == 503
    web.wait_until_ready(HEAL_SECONDS)
    Visitor(web, website.domain).say("Hello")


def answers(web: Web) -> bool:
    try:
        return web.http.get("/healthz").status_code == 200
    except httpx.ConnectError:
        return False
