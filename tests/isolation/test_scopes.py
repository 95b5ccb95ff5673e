"""A scope reaches as far as its transaction: not into other threads, nor into tasks that outlive it."""

import asyncio
import secrets
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from typing import Any, TypedDict

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connection
from django.http import HttpRequest, StreamingHttpResponse
from django.test import RequestFactory
from langgraph.graph import END, START, StateGraph
from redis import Redis

from tenants.admin_scope import AdminScopeMiddleware
from tenants.errors import TenantScopeMissingError
from tenants.models import Tenant, Website
from tenants.scoping import active_tenant_id, tenant_scope
from tests.admin.shops import ADMIN
from tests.cast import Cast
from tests.isolation import scope_tasks
from tests.jobs.test_worker import celery
from tests.waiting import wait_until

ROUNDS = 20


@pytest.fixture
def tenants(cast: Cast) -> list[Tenant]:
    """Each with one website, whose title is the tenant's name."""
    made = [cast.tenant(f"Tenant {number}") for number in range(4)]
    for tenant in made:
        cast.website(tenant, title=tenant.name)
    return made


def titles() -> list[str]:
    return list(Website.objects.values_list("title", flat=True))


def titles_in(tenant: Tenant) -> list[str]:
    with tenant_scope(tenant.id):
        return titles()


def in_a_thread(call: Callable[[], Any]) -> Any:
    """What the call gives or raises in a thread of its own, with this one's context copied into it."""
    outcome: list[Any] = []
    context = copy_context()

    def run() -> None:
        try:
            outcome.append(context.run(call))
        except Exception as error:  # noqa: BLE001  handed to the test
            outcome.append(type(error))
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return outcome[0]


def test_scope_is_not_seen_in_another_thread(tenants: list[Tenant]) -> None:
    mine, theirs = tenants[:2]
    with tenant_scope(mine.id):
        assert in_a_thread(active_tenant_id) is TenantScopeMissingError
        assert in_a_thread(titles) is TenantScopeMissingError
        assert in_a_thread(lambda: Website.objects.create(tenant_id=mine.id)) is TenantScopeMissingError
        assert in_a_thread(lambda: titles_in(theirs)) == [theirs.name]
        assert titles() == [mine.name]


def test_copied_context_forgets_the_scope_with_its_end(tenants: list[Tenant]) -> None:
    with tenant_scope(tenants[0].id):
        context = copy_context()
        assert context.run(titles) == [tenants[0].name]
    with pytest.raises(TenantScopeMissingError):
        context.run(titles)
    with tenant_scope(tenants[1].id), pytest.raises(TenantScopeMissingError):
        context.run(titles)


async def test_scope_cannot_be_opened_on_an_event_loop(tenants: list[Tenant]) -> None:
    with pytest.raises(SynchronousOnlyOperation), tenant_scope(tenants[0].id):
        pass
    with pytest.raises(TenantScopeMissingError):
        active_tenant_id()


@pytest.mark.parametrize("one_thread", [True, False], ids=["one thread", "many threads"])
async def test_interleaved_tasks_keep_to_their_own_tenant(tenants: list[Tenant], one_thread: bool) -> None:
    def look(tenant: Tenant) -> list[str]:
        try:
            return titles_in(tenant)
        finally:
            connection.close()

    async def visit(tenant: Tenant) -> list[str]:
        seen: list[str] = []
        for _ in range(ROUNDS):
            seen += await sync_to_async(look, thread_sensitive=one_thread)(tenant)
            with pytest.raises(TenantScopeMissingError):
                await Website.objects.acount()
        return seen

    assert await asyncio.gather(*map(visit, tenants)) == [[tenant.name] * ROUNDS for tenant in tenants]


async def test_task_begun_in_a_scope_and_outliving_it_finds_none(tenants: list[Tenant]) -> None:
    is_over = asyncio.Event()
    begun: list[asyncio.Task[list[str]]] = []

    async def later() -> list[str]:
        await is_over.wait()
        return await asyncio.to_thread(titles)

    async def begin() -> list[str]:
        begun.append(asyncio.create_task(later()))
        return [website.title async for website in Website.objects.all()]

    def work() -> list[str]:
        with tenant_scope(tenants[0].id):
            return async_to_sync(begin)()

    assert await sync_to_async(work)() == [tenants[0].name]
    is_over.set()
    with pytest.raises(TenantScopeMissingError):
        await begun[0]


# LangGraph


class Seen(TypedDict, total=False):
    left: Any
    right: Any


def seen(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except TenantScopeMissingError as error:
        return type(error)


def graph_of(left: Any, right: Any) -> Any:
    """Two nodes side by side: LangGraph runs them in threads of its own, or as tasks."""
    graph = StateGraph(Seen)
    for name, node in (("left", left), ("right", right)):
        graph.add_node(f"look_{name}", node)
        graph.add_edge(START, f"look_{name}")
        graph.add_edge(f"look_{name}", END)
    return graph.compile()


def test_graph_node_in_a_thread_finds_no_scope_but_may_open_its_own(tenants: list[Tenant]) -> None:
    mine, theirs = tenants[:2]

    def look() -> Any:
        try:
            return seen(titles)
        finally:
            connection.close()

    def look_elsewhere() -> list[str]:
        try:
            return titles_in(theirs)
        finally:
            connection.close()

    graph = graph_of(lambda _: {"left": look()}, lambda _: {"right": look_elsewhere()})
    with tenant_scope(mine.id):
        assert graph.invoke({}) == {"left": TenantScopeMissingError, "right": [theirs.name]}
        assert titles() == [mine.name]
    assert graph.invoke({}) == {"left": TenantScopeMissingError, "right": [theirs.name]}


def test_asynchronous_graph_node_sees_the_scope_that_waits_for_it(tenants: list[Tenant]) -> None:
    async def look(_: Seen) -> list[str]:
        return [website.title async for website in Website.objects.all()]

    async def left(state: Seen) -> Seen:
        return {"left": await look(state)}

    async def right(state: Seen) -> Seen:
        return {"right": await look(state)}

    run = async_to_sync(graph_of(left, right).ainvoke)
    for tenant in tenants[:2]:
        with tenant_scope(tenant.id):
            assert run({}) == {"left": [tenant.name], "right": [tenant.name]}
    with pytest.raises(TenantScopeMissingError):
        run({})


# Streams


def test_streamed_body_is_read_after_the_scope_and_finds_none(cast: Cast, tenants: list[Tenant]) -> None:
    request: Any = RequestFactory().get(ADMIN)
    request.user, request.session = cast.staff((tenants[0], "owner")), {}

    def view(_: HttpRequest) -> Any:
        assert titles() == [tenants[0].name]
        return StreamingHttpResponse(website.title for website in Website.objects.iterator())

    response: Any = AdminScopeMiddleware(view)(request)
    with pytest.raises(TenantScopeMissingError):
        list(response)


# Celery


@pytest.fixture
def worker(database: None) -> Iterator[None]:
    """One process, which runs one task after the other."""
    include = ("--include", "tests.isolation.scope_tasks", "--queues", "scopes")
    with celery("worker", "--concurrency", "1", *include):
        yield


def test_tasks_of_one_worker_inherit_no_scope(worker: None, tenants: list[Tenant]) -> None:
    key, (mine, theirs) = f"scopes-{secrets.token_hex(6)}", tenants[:2]
    bare = (scope_tasks.look_without_a_scope, key)
    tasks: list[tuple[Any, ...]] = [
        bare,
        (scope_tasks.look_in_scope, key, str(mine.id)),
        bare,
        (scope_tasks.fail_in_scope, key, str(mine.id)),
        bare,
        (scope_tasks.look_in_scope, key, str(theirs.id)),
        bare,
    ]
    for task, *arguments in tasks:
        task.apply_async(arguments, queue="scopes")
    with Redis.from_url(settings.REDIS_URL, decode_responses=True) as redis:
        wait_until(lambda: redis.llen(key) == len(tasks), seconds=60)
        told = [line.partition(" ") for line in redis.lrange(key, 0, -1)]
    nothing = "no scope, 0 rows"
    assert [what for _, _, what in told] == [nothing, mine.name, nothing, "fails", nothing, theirs.name, nothing]
    assert len({process for process, _, _ in told}) == 1
