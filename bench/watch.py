"""What a load costs the machine: CPU, threads, memory, database connections."""

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import psutil
import psycopg
import redis

SAMPLE_SECONDS = 0.05
MEMORY_EVERY = 10  # reading it walks all page tables of a process

_CONNECTIONS = """
SELECT count(*) FROM pg_stat_activity
 WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
"""
# Read from history and segments themselves: what the answer says of it is not evidence. Not of the very many sessions
# that were made without a visitor: a scenario deletes them while visitors talk.
_STORED_TURNS = """
SELECT COALESCE(sum(jsonb_array_length(messages)), 0) / 2
  FROM (SELECT history AS messages FROM agent_sessions WHERE origin_host <> 'example'
        UNION ALL SELECT messages FROM history_segments) kept
"""


@dataclass(slots=True)
class Usage:
    """Of one load. CPU is user and system time in seconds; the rest are peaks over all web processes together."""

    web_cpu: float = 0.0
    postgres_cpu: float = 0.0
    redis_cpu: float = 0.0
    connections: int = 0
    threads: int = 0
    memory_mb: float = 0.0
    others_share: float = 0.0
    """How much of the machine was taken by what has nothing to do with us: 0 on a quiet one."""


class Servers:
    """PostgreSQL and Redis as seen from outside, through one superuser's connection that no figure includes."""

    def __init__(self, superuser_url: str, redis_url: str) -> None:
        self._connection = psycopg.connect(superuser_url, autocommit=True)
        self._own_backend = self._connection.info.backend_pid
        postmaster = psutil.Process(self._own_backend).parent()
        assert postmaster is not None
        self._postmaster = postmaster
        with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
            info: Any = client.info("server")
        self._redis = psutil.Process(info["process_id"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def connections(self) -> int:
        return self._number(_CONNECTIONS)

    def stored_turns(self) -> int:
        """Exchanges in all transcripts of this database."""
        return self._number(_STORED_TURNS)

    def postgres_cpu(self) -> float:
        return cpu_seconds(self._postmaster, without=self._own_backend)

    def redis_cpu(self) -> float:
        return cpu_seconds(self._redis)

    def _number(self, query: str) -> int:
        row = self._connection.execute(query.encode()).fetchone()
        assert row is not None
        return int(row[0])


def cpu_seconds(root: psutil.Process, *, without: int | None = None) -> float:
    """User and system time of a process and all below it, those that ended included."""
    total = 0.0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.pid != without:
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


@contextlib.contextmanager
def watching(web: psutil.Process, servers: Servers) -> Iterator[Usage]:
    """Fills in the usage of what happens inside, when it has happened."""
    usage = Usage()
    before = _Spent.by_now(web, servers)
    with _sampling(usage, [web, *web.children(recursive=True)], servers):
        yield usage
    after = _Spent.by_now(web, servers)
    usage.web_cpu = after.web - before.web
    usage.postgres_cpu = after.postgres - before.postgres
    usage.redis_cpu = after.redis - before.redis
    others, machine = after.others - before.others, after.machine - before.machine
    usage.others_share = max(0.0, others / machine) if machine else 0.0


@dataclass(frozen=True, slots=True)
class _Spent:
    """CPU seconds since each began."""

    web: float
    postgres: float
    redis: float
    others: float
    machine: float
    """Idle time included."""

    @classmethod
    def by_now(cls, web: psutil.Process, servers: Servers) -> Self:
        times = psutil.cpu_times()
        idle = times.idle + times.iowait
        machine = sum(times) - times.guest - times.guest_nice  # guests are part of user time already
        postgres, redis_, bench = servers.postgres_cpu(), servers.redis_cpu(), cpu_seconds(psutil.Process())
        return cls(cpu_seconds(web), postgres, redis_, machine - idle - postgres - redis_ - bench, machine)


@contextlib.contextmanager
def _sampling(usage: Usage, web: list[psutil.Process], servers: Servers) -> Iterator[None]:
    ended = threading.Event()

    def sample() -> None:
        count = 0
        while True:
            _look(usage, web, servers, with_memory=count % MEMORY_EVERY == 0)
            count += 1
            if ended.wait(SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _look(usage: Usage, web: list[psutil.Process], servers: Servers, *, with_memory: bool) -> None:
    usage.connections = max(usage.connections, servers.connections())
    with contextlib.suppress(psutil.NoSuchProcess):  # a web process that died shows in the failed turns
        usage.threads = max(usage.threads, sum(process.num_threads() for process in web))
        if with_memory:
            usage.memory_mb = max(usage.memory_mb, sum(process.memory_full_info().pss for process in web) / 2**20)
