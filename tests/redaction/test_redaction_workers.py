"""The redaction by real Celery workers: killed, doubled, asked for by two beats, while visitors go on talking."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from django.conf import settings
from redis import Redis

from agents.models import Agent, WebsiteAgent
from sessions.models import AgentSession
from sessions.redaction.job import JOB
from sessions.tasks import redact_sessions
from tenants.jobs import run_job
from tenants.models import JobHeartbeat, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.live_server import ROOT, LiveServer, database_url, server_environment
from tests.redaction.conversations import (
    ALICE,
    BOB,
    PLACEHOLDER,
    be_silent,
    everything_stored,
    failed_turn,
    silent_session,
    transcript,
)
from tests.waiting import wait_until

QUEUE = f"redaction-{os.getpid()}"
PATIENCE = 90

_BLOCKED = """
SELECT pid, client_port FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE %s
"""
_ALIVE = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"


@dataclass(frozen=True)
class Process:
    """A worker or a beat, with all its children, and what it has logged."""

    popen: subprocess.Popen[bytes]
    log: Path

    def family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.popen.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def kill(self) -> None:
        """``kill -9`` of all of it at once."""
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.popen.wait(timeout=30)

    def has_port(self, port: int) -> bool:
        return any(link.laddr.port == port for process in self.family() for link in process.net_connections())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("celery")


def start(folder: Path, name: str, app: str, *arguments: str) -> Process:
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", app, *arguments, "--loglevel", "INFO"],
            cwd=ROOT,
            env=server_environment(1, TEST_QUEUE=QUEUE),
            stdout=output,
            stderr=output,
        )
    return Process(popen, log)


@pytest.fixture(scope="module")
def workers(database: None, folder: Path) -> Iterator[list[Process]]:
    """Two of them, which begin together; each is its own process with a child that works."""
    started = [
        start(folder, name, "config", "worker", "--queues", QUEUE, "--hostname", f"{name}@%h", "--concurrency", "1")
        for name in ("one", "two")
    ]
    wait_until(lambda: all("ready." in worker.log.read_text() for worker in started), PATIENCE)
    yield started
    for worker in started:
        worker.kill()
    JobHeartbeat.objects.all().delete()


@pytest.fixture
def website(cast: Cast) -> Website:
    return cast.website(cast.tenant(), agents=[cast.agent()])


@pytest.fixture
def sessions(website: Website) -> list[AgentSession]:
    return [silent_session(website, agent_of(website), session_id=f"session_{number:03d}") for number in range(6)]


def agent_of(website: Website) -> Agent:
    with tenant_scope(website.tenant_id):
        return WebsiteAgent.objects.select_related("agent").get(website=website).agent


def queue_is_empty() -> bool:
    with Redis.from_url(settings.REDIS_URL) as redis:
        return bool(redis.llen(QUEUE) == 0)


def nothing_is_left_to_do() -> bool:
    return queue_is_empty() and run_job(JOB, lambda: 0) == 0


def rows_done(workers: list[Process], website: Website) -> int:
    """How many sessions of the website's tenant all runs together say that they have redacted."""
    said = "".join(worker.log.read_text() for worker in workers)
    return sum(int(rows) for rows in re.findall(rf"job=redaction rows=(\d+).* tenant_id={website.tenant_id}", said))


def is_clean(session: AgentSession) -> bool:
    stored = everything_stored(session)
    return ALICE not in stored and BOB not in stored


def without_placeholders(said: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(role, re.sub(PLACEHOLDER, "@", text).replace(ALICE, "@").replace(BOB, "@")) for role, text in said]


def test_two_workers_and_two_beats_among_live_turns_lose_nothing_and_do_nothing_twice(
    server: LiveServer, workers: list[Process], folder: Path, website: Website, sessions: list[AgentSession]
) -> None:
    before = [without_placeholders(transcript(session)) for session in sessions]
    quiet, spoken_to = sessions[:3], sessions[3:]
    beats = [
        start(folder, name, "tests.redaction.quick_beat", "beat", "--schedule", str(folder / name))
        for name in ("beat-1", "beat-2")
    ]
    try:
        with ThreadPoolExecutor() as visitors:
            answers = list(visitors.map(lambda session: talk_to(server, session, turns=4), spoken_to))
        wait_until(lambda: all(map(is_clean, quiet)), PATIENCE)
        for session in spoken_to:
            be_silent(session, 25)
        wait_until(lambda: all(map(is_clean, sessions)), PATIENCE)
    finally:
        for beat in beats:
            beat.kill()
    wait_until(nothing_is_left_to_do, PATIENCE)  # of what the beats have asked for
    for session, old, new in zip(sessions, before, [[], [], [], *answers], strict=True):
        said = without_placeholders(transcript(session))
        assert said == [*old, *without_placeholders(new)]


def talk_to(server: LiveServer, session: AgentSession, *, turns: int) -> list[tuple[str, str]]:
    """Turns of one visitor, one after the other; what was said and answered."""
    headers = {"Origin": server.origin(session.origin_host)}
    said = []
    for number in range(turns):
        message = f"{number}: do you know {ALICE}?"
        response = server.http.post(
            "/api/v1/chat/", json={"session_id": session.session_id, "message": message}, headers=headers
        )
        assert response.status_code == 200
        said += [("user", message), ("assistant", response.json()["message"]["content"])]
    return said


def blocked(monitor: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    """Backends that wait for the gate, with the port of their client: in the midst of writing."""
    return monitor.execute(_BLOCKED, ["%UPDATE turns t SET message%"]).fetchall()


def test_worker_killed_in_the_midst_of_writing_leaves_nothing_half_and_another_does_it_once(
    workers: list[Process], website: Website, sessions: list[AgentSession]
) -> None:
    turn = failed_turn(sessions[0], message=f"It is {ALICE}", partial_reply="Hello")
    before = [everything_stored(session) for session in sessions]
    with (
        psycopg.connect(database_url("owner")) as gate,
        psycopg.connect(database_url("default"), autocommit=True) as monitor,
    ):
        gate.execute("SELECT FROM turns WHERE id = %s FOR UPDATE", [turn.pk])
        redact_sessions.apply_async(queue=QUEUE)
        wait_until(lambda: bool(blocked(monitor)), PATIENCE)
        [(backend, port)] = blocked(monitor)
        # Sessions and segments are written, and not committed; a second run finds the first at work.
        assert run_job(JOB, lambda: 1 / 0) is None  # type: ignore[arg-type, return-value]
        [victim] = [worker for worker in workers if worker.has_port(port)]
        victim.kill()
        gate.rollback()
        wait_until(lambda: monitor.execute(_ALIVE, [backend]).fetchone() == (0,), PATIENCE)
    assert [everything_stored(session) for session in sessions] == before

    redact_sessions.apply_async(queue=QUEUE)
    redact_sessions.apply_async(queue=QUEUE)
    wait_until(lambda: all(map(is_clean, sessions)), PATIENCE)
    survivors = [worker for worker in workers if worker is not victim]
    wait_until(lambda: rows_done(survivors, website) == len(sessions), PATIENCE)
    wait_until(nothing_is_left_to_do, PATIENCE)
    assert rows_done(workers, website) == len(sessions)
