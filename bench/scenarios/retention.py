"""Deleting very many old sessions while visitors chat: the job's memory, its longest transaction, and their latency."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psutil
import psycopg

from bench.plan import Plan
from bench.results import Goal
from bench.scenarios.busy import MORE_THAN_FIT
from bench.scenarios.many_sessions import fill
from bench.scenarios.scenario import Figures, Metric, Scenario, percentile
from bench.servers import free_port, running, web_environment
from bench.stage import LoadFailedError, Stage, System

LOOK_EVERY_SECONDS: Final = 0.02
LONGEST_TRANSACTION: Final = Goal(1_000.0)
GROWTH: Final = Goal(30.0)
LONGEST_SECONDS: Final = 3_600.0
APPLICATION: Final = "bench-retention"

# A turn of each, as it would have.
_TURNS: Final = """
INSERT INTO turns (tenant_id, id, agent_session_id, message_id, number, state, message_hmac, finished_at)
SELECT s.tenant_id, gen_random_uuid(), s.id, 'm_' || md5(s.id::text), 1, 'completed', 'x', s.last_activity_at
  FROM agent_sessions s WHERE s.origin_host = 'example'
"""
_LONGEST: Final = """
SELECT COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0) * 1000 FROM pg_stat_activity
 WHERE application_name = %s AND state <> 'idle'
"""
_LEFT: Final = "SELECT count(*) FROM agent_sessions WHERE origin_host = 'example'"


@dataclass(slots=True)
class _Seen:
    memory_mb: float = 0.0
    growth_mb: float = 0.0
    transaction_ms: float = 0.0
    seconds: float = 0.0


def measure(stage: Stage, system: System) -> Figures:
    stage.model.behave()
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"], autocommit=True) as superuser:
        fill(superuser, stage.size.many_sessions)
        superuser.execute(_TURNS)
        superuser.execute("VACUUM ANALYZE agent_sessions, turns")
        quiet_ms = _latency(stage, system)
        before = _left(superuser)
        with _deleting() as (job, seen):
            busy_ms = _latency(stage, system)
            if job.wait(LONGEST_SECONDS):
                raise LoadFailedError("the job failed; its last words are above")
            left = _left(superuser)
    return {
        "left": float(left),
        "rate": before / max(seen.seconds, LOOK_EVERY_SECONDS),
        "memory": seen.memory_mb,
        "growth": seen.growth_mb,
        "transaction": seen.transaction_ms,
        "quiet_p95": percentile(quiet_ms, 95),
        "busy_p95": percentile(busy_ms, 95),
    }


def _latency(stage: Stage, system: System) -> list[float]:
    size = stage.size
    plan = Plan(system.json, clients=size.retention_clients, turns=MORE_THAN_FIT, seconds=size.busy_seconds)
    return stage.drive(system, plan).report.total_ms


def _left(superuser: psycopg.Connection[Any]) -> int:
    row = superuser.execute(_LEFT).fetchone()
    assert row is not None
    return int(row[0])


@contextmanager
def _deleting() -> Iterator[tuple[subprocess.Popen[str], _Seen]]:
    """The job in a process of its own, watched until the block ends."""
    seen, ended = _Seen(), threading.Event()
    environment = {**web_environment(free_port()), "PGAPPNAME": APPLICATION}
    with running("-m", "bench.retention", environment=environment) as job:
        assert job.stdout is not None
        job.stdout.readline()  # it begins now, all imported
        watcher = threading.Thread(target=_watch, args=(job, seen, ended))
        watcher.start()
        try:
            yield job, seen
        finally:
            ended.set()
            watcher.join()


def _watch(job: subprocess.Popen[str], seen: _Seen, ended: threading.Event) -> None:
    process, began_at = psutil.Process(job.pid), time.monotonic()
    first = _memory_mb(process)
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"], autocommit=True) as superuser:
        while job.poll() is None and not ended.wait(LOOK_EVERY_SECONDS):
            row = superuser.execute(_LONGEST, [APPLICATION]).fetchone()
            assert row is not None
            seen.transaction_ms = max(seen.transaction_ms, float(row[0]))
            seen.memory_mb = max(seen.memory_mb, _memory_mb(process))
            seen.growth_mb = seen.memory_mb - first
            seen.seconds = time.monotonic() - began_at


def _memory_mb(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 2**20
    except psutil.NoSuchProcess:
        return 0.0


RETENTION = Scenario(
    "retention",
    "{many_sessions} old sessions deleted",
    (
        Metric("left", "left over", "sessions", Goal(0)),
        Metric("rate", "sessions per second", "sessions/s"),
        Metric("memory", "memory of the job at peak", "MB"),
        Metric("growth", "of that, since it began", "MB", GROWTH),
        Metric("transaction", "longest transaction", "ms", LONGEST_TRANSACTION),
        Metric("quiet_p95", "latency of {retention_clients} visitors without the job, p95", "ms"),
        Metric("busy_p95", "and beside it, p95", "ms"),
    ),
    measure,
)
