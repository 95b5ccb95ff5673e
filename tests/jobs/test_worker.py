"""A real worker and a real beat on real Redis."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings
from redis import Redis

from sessions.erasing import ask_for_erasure
from sessions.heartbeats import BEAT_KEY, WORKER_KEY
from sessions.models import Erasure
from sessions.targets import Target
from sessions.tasks import delete_expired_sessions
from tenants.models import Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.jobs.test_cleanup import make_session, session_ids
from tests.live_server import ROOT, LiveServer, server_environment
from tests.waiting import wait_until


@contextmanager
def celery(*arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "-A", "config", *arguments, "--loglevel", "WARNING"]
    process = subprocess.Popen(command, cwd=ROOT, env=server_environment(1))
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)


@pytest.fixture(scope="module")
def worker(database: None) -> Iterator[None]:
    with celery("worker", "--concurrency", "1"):
        yield


def test_worker_runs_what_is_asked_of_it(worker: None, cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant(retention_days=1)
    make_session(cast.website(tenant, agents=[agent]), agent, silent_days=2)
    delete_expired_sessions.delay()
    delete_expired_sessions.delay()  # a second delivery is harmless
    wait_until(lambda: session_ids(tenant) == set(), seconds=60)


def test_worker_erases_what_staff_ask_for_without_waiting_for_beat(worker: None, cast: Cast) -> None:
    agent, tenant = cast.agent(), cast.tenant()
    website = cast.website(tenant, agents=[agent])
    for _ in range(3):
        make_session(website, agent)
    with tenant_scope(tenant.pk):
        erasure = ask_for_erasure(Target.website(website, whole=True))

    def is_done() -> bool:
        with tenant_scope(tenant.pk):
            return Erasure.objects.filter(pk=erasure.pk, state=Erasure.State.DONE, sessions_done=3).exists()

    wait_until(is_done)
    with tenant_scope(tenant.pk):
        assert not Website.objects.exists()
    assert session_ids(tenant) == set()


def test_readiness_tells_which_part_is_missing(worker: None, server: LiveServer, tmp_path: Path) -> None:
    with Redis.from_url(settings.REDIS_URL) as redis:
        wait_until(lambda: bool(redis.exists(WORKER_KEY)), seconds=60)
        redis.delete(BEAT_KEY)
        parts = dict.fromkeys(("database", "role", "walls", "migrations", "jobs", "redis", "limits", "worker"), "ok")
        assert server.http.get("/readyz").json() == {
            "status": "degraded",
            "parts": {**parts, "beat": "has not been heard of for a minute"},
        }
        with celery("beat", "--schedule", str(tmp_path / "schedule")):
            wait_until(lambda: bool(redis.exists(BEAT_KEY)), seconds=60)
            response = server.http.get("/readyz")
            assert (response.status_code, response.json()) == (
                200,
                {"status": "ok", "parts": {**parts, "beat": "ok"}},
            )
            redis.delete(WORKER_KEY, BEAT_KEY)
            wait_until(lambda: bool(redis.exists(WORKER_KEY) and redis.exists(BEAT_KEY)), seconds=60)
