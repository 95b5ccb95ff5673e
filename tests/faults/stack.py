"""A stack for tests that break things: its own PostgreSQL and Redis, and web servers to be killed one by one.

Every part is a process on a port of its own, which it keeps over a restart. Start parts from the main thread only:
on Linux a server ends with the thread that began it.
"""

import contextlib
import dataclasses
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psutil
import psycopg
from django.core.management import call_command
from django.db import connections

from config.embedded.account import Account
from config.embedded.credentials import Credentials
from config.embedded.ledger import Ledger
from config.embedded.postgres import THROW_AWAY as THROW_AWAY_POSTGRES
from config.embedded.postgres import RunningPostgres, start_postgres
from config.embedded.redis import THROW_AWAY as THROW_AWAY_REDIS
from config.embedded.redis import RunningRedis, start_redis
from config.embedded.server import Server, Surroundings
from config.embedded.workspace import make_closed
from tests.live_server import ROOT

_START_SECONDS = 150
_STOP_SECONDS = 40

# A commit that was acknowledged outlives a kill of the server; only a power cut could take it.
_POSTGRES = dataclasses.replace(
    THROW_AWAY_POSTGRES, settings={**THROW_AWAY_POSTGRES.settings, "synchronous_commit": "on"}
)


class Postgres:
    """The stack's database server. Connections of the tests themselves are closed with it."""

    def __init__(self, around: Surroundings, credentials: Credentials) -> None:
        self._around, self._credentials = around, credentials
        self._port = _quiet_port()
        self._running: RunningPostgres = self._started()

    def start(self) -> None:
        self._running = self._started()

    def stop(self) -> None:
        """Fast shutdown: every client is cut off, what was committed is safe."""
        self.resume()
        self._running.server.stop()
        connections.close_all()

    def restart(self) -> None:
        self.stop()
        self.start()

    def kill(self) -> None:
        """``kill -9`` of the server and all its backends."""
        _signal(self._processes(), signal.SIGKILL)
        self._running.server.stop()
        connections.close_all()

    def pause(self) -> None:
        """It hangs: connections stay open, new ones are taken by the kernel, and nobody answers."""
        _signal(self._processes(), signal.SIGSTOP)

    def resume(self) -> None:
        """Wakes it, the postmaster first, which must hear what became of its backends."""
        _signal(self._processes(), signal.SIGCONT)

    def cut_connections(self, application_name: str = "parlour-chat") -> int:
        """Ends all backends of the web servers' pools and gives their number."""
        terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        with psycopg.connect(self._running.superuser_url) as superuser:
            return len(superuser.execute(terminate, [application_name]).fetchall())

    @property
    def is_running(self) -> bool:
        return self._running.server.exit_status() is None

    @property
    def app_url(self) -> str:
        return self._running.app_url

    @property
    def owner_url(self) -> str:
        return self._running.owner_url

    @property
    def superuser_url(self) -> str:
        return self._running.superuser_url

    def _started(self) -> RunningPostgres:
        running = start_postgres(self._around, _POSTGRES, self._credentials, self._port)
        assert running.port == self._port, "somebody else took the stack's port"
        return running

    def _processes(self) -> list[psutil.Process]:
        return _family(self._running.server)


class Redis:
    """The stack's Redis. It keeps nothing over a restart."""

    def __init__(self, around: Surroundings, credentials: Credentials) -> None:
        self._around, self._password = around, credentials.redis_password
        self._port = _quiet_port()
        self._running: RunningRedis = self._started()

    def start(self) -> None:
        self._running = self._started()

    def stop(self) -> None:
        self.resume()
        self._running.server.stop()

    def kill(self) -> None:
        _signal(_family(self._running.server), signal.SIGKILL)
        self._running.server.stop()

    def pause(self) -> None:
        """It hangs: connections stay open and nobody answers."""
        _signal(_family(self._running.server), signal.SIGSTOP)

    def resume(self) -> None:
        _signal(_family(self._running.server), signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self._running.server.exit_status() is None

    @property
    def log(self) -> Path:
        return self._running.server.log

    @property
    def url(self) -> str:
        return self._running.url

    def _started(self) -> RunningRedis:
        running = start_redis(self._around, THROW_AWAY_REDIS, self._password, self._port)
        assert running.port == self._port, "somebody else took the stack's port"
        return running


class Web:
    """One uvicorn process of its own. All of a stack share one origin port: a browser sees one site."""

    def __init__(self, number: int, environment: dict[str, str], folder: Path) -> None:
        self.port = _quiet_port()
        self.log = folder / f"web-{number}.log"
        self.origin_port = int(environment["PORT"])
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=60,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        )
        self._environment = environment
        self._more: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, **environment: str) -> None:
        """Starts it, with these variables besides the stack's until its next start, and waits until it is ready."""
        self.begin(**environment)
        self.wait_until_ready()

    def begin(self, **environment: str) -> None:
        """Starts it and does not wait."""
        assert not self.is_running, "it runs already"
        self._more = environment
        command = [sys.executable, "-m", "config.web", "--port", str(self.port), "--log-level", "warning"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env={**self._environment, **environment}, stdout=log, stderr=log
            )

    def wait_until_ready(self, seconds: float = _START_SECONDS) -> None:
        """Raises ``RuntimeError`` with what is known where it does not come up."""
        deadline, heard = time.monotonic() + seconds, "nothing"
        while time.monotonic() < deadline and self.is_running:
            with contextlib.suppress(httpx.TransportError):
                response = self.http.get("/readyz", timeout=5)
                if response.status_code == httpx.codes.OK:
                    return
                heard = response.text
            time.sleep(0.05)
        raise RuntimeError(f"the web server is not ready, it said: {heard}; the end of its log: {self.log_end()}")

    def kill(self) -> None:
        """``kill -9``, and waits for the end."""
        self._send(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM, and does not wait."""
        self._send(signal.SIGTERM)

    def pause(self) -> None:
        self._send(signal.SIGSTOP)

    def resume(self) -> None:
        self._send(signal.SIGCONT)

    def wait(self, seconds: float = _STOP_SECONDS) -> int:
        """Waits for its end and gives the exit status, minus the number of the signal that killed it."""
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def is_as_usual(self) -> bool:
        """It runs, with nothing special in its environment."""
        return self.is_running and not self._more

    @property
    def process(self) -> psutil.Process:
        assert self._process is not None
        return psutil.Process(self._process.pid)

    @property
    def memory_mb(self) -> float:
        """What it takes for itself, shared pages by share (PSS)."""
        return float(self.process.memory_full_info().pss) / 2**20

    def origin(self, domain: str) -> str:
        """As a browser on the website would send it, the same for every server of the stack."""
        return f"http://{domain}:{self.origin_port}"

    def log_text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_end(self) -> str:
        return "\n".join(self.log_text().splitlines()[-15:])

    def close(self) -> None:
        if self.is_running:
            self.resume()
            self.kill()
        self.http.close()

    def _send(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)


@dataclasses.dataclass(frozen=True)
class Stack:
    postgres: Postgres
    redis: Redis
    web: list[Web]
    folder: Path

    def rows(self, query: LiteralString, *values: Any) -> list[tuple[Any, ...]]:
        """What the owner of the tables sees: every tenant's rows."""
        with psycopg.connect(self.postgres.owner_url) as connection:
            return connection.execute(query, values).fetchall()

    def value(self, query: LiteralString, *values: Any) -> Any:
        """The only column of the only row."""
        [[only]] = self.rows(query, *values)
        return only

    def mend(self) -> None:
        """Brings everything back that a test left broken, with the usual environment."""
        self.postgres.resume()
        self.redis.resume()
        for part in (self.postgres, self.redis):
            if not part.is_running:
                part.start()
        broken = [web for web in self.web if not web.is_as_usual]
        for web in broken:
            if web.is_running:
                web.resume()
                web.kill()
            web.begin()
        for web in self.web:
            web.resume()
            web.wait_until_ready()

    @contextmanager
    def as_django_database(self) -> Iterator[None]:
        """Django's connections of this process, in every thread, go to the stack's database meanwhile."""
        urls = {"default": self.postgres.app_url, "owner": self.postgres.owner_url}
        former = {alias: dict(connections[alias].settings_dict) for alias in urls}
        connections.close_all()
        for alias, url in urls.items():
            connections[alias].settings_dict.update(_address(url))
        try:
            yield
        finally:
            connections.close_all()
            for alias, settings in former.items():
                connections[alias].settings_dict.update(settings)


@contextmanager
def running_stack(*, web_servers: int = 2) -> Iterator[Stack]:
    """All of it, migrated and ready; needs the environment of ``config.embedded exec``."""
    with ExitStack() as ending:
        folder = _folder()
        around = Surroundings(
            folder, folder.parents[1], Account.for_data(folder / "postgres"), Ledger(folder / "processes")
        )
        credentials = Credentials()
        redis = Redis(around, credentials)
        ending.callback(redis.kill)
        postgres = Postgres(around, credentials)
        ending.callback(postgres.kill)
        environment = _environment(postgres, redis)
        web = [Web(number, environment, folder) for number in range(web_servers)]
        for server in web:
            ending.callback(server.close)
        stack = Stack(postgres, redis, web, folder)
        with stack.as_django_database():
            call_command("migrate", verbosity=0, interactive=False)
        stack.mend()
        yield stack


def _folder() -> Path:
    """In that of the servers around the tests, which the servers' account can enter and which goes with them."""
    folder = Path(os.environ["EMBEDDED_DIR"]) / f"stack-{os.getpid()}"
    make_closed(folder)
    return folder


def _environment(postgres: Postgres, redis: Redis) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": postgres.app_url,
        "DATABASE_OWNER_URL": postgres.owner_url,
        "REDIS_URL": redis.url,
        "PORT": str(_quiet_port()),
        "DOOR_CACHE_SECONDS": "0",
        "SHUTDOWN_GRACE_SECONDS": "20",
    }


def _address(url: str) -> dict[str, str]:
    info = psycopg.conninfo.conninfo_to_dict(url)
    names = {"HOST": "host", "PORT": "port", "NAME": "dbname", "USER": "user", "PASSWORD": "password"}
    return {name: str(info[key]) for name, key in names.items()}


def _quiet_port() -> int:
    """A free port that the kernel gives to no client: while its server is away, nobody takes it by chance."""
    while True:
        port = random.randrange(15_000, 30_000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return port


def _family(server: Server) -> list[psutil.Process]:
    """The server's process and all below it, itself first."""
    if server.exit_status() is not None:
        return []
    parent = psutil.Process(server._process.pid)
    return [parent, *parent.children(recursive=True)]


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
