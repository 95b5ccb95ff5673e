"""A real web server for tests: uvicorn processes that serve ``config.asgi`` on the tests' database."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import quote

import httpx
import psutil
from django.conf import settings
from django.db import connections

ROOT = Path(__file__).resolve().parents[1]
_READY_SECONDS = 90


@dataclass(frozen=True)
class LiveServer:
    """Where the server listens, and its processes, a client for all tests. ``origin`` is as a browser would send it."""

    port: int
    process: subprocess.Popen[bytes]
    http: httpx.Client

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def origin(self, domain: str) -> str:
        return f"http://{domain}:{self.port}"

    def processes(self) -> list[psutil.Process]:
        parent = psutil.Process(self.process.pid)
        return [parent, *parent.children(recursive=True)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(alias: str) -> str:
    """The tests' own database, in the role of ``alias``."""
    database = connections[alias].settings_dict
    user, password = quote(database["USER"]), quote(database["PASSWORD"], safe="")
    return f"postgres://{user}:{password}@{database['HOST']}:{database['PORT']}/{database['NAME']}"


def server_environment(port: int, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings.development",
        "DATABASE_URL": database_url("default"),
        "DATABASE_OWNER_URL": database_url("owner"),
        "REDIS_URL": settings.REDIS_URL,
        "PORT": str(port),
        "DOOR_CACHE_SECONDS": "0",
        **more,
    }


@contextmanager
def start_server(*, workers: int = 1, log: IO[bytes] | None = None, **environment: str) -> Iterator[LiveServer]:
    """Runs the server until the block ends. Raises ``RuntimeError`` with its output where it does not come up."""
    port = free_port()
    command = [sys.executable, "-m", "config.web", "--port", str(port)]
    process = subprocess.Popen(
        [*command, "--workers", str(workers), "--log-level", "warning"],
        cwd=ROOT,
        env=server_environment(port, **environment),
        stdout=log,
        stderr=log,
    )
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, limits=limits) as http:
        server = LiveServer(port, process, http)
        try:
            _wait_until_ready(server)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait_until_ready(server: LiveServer) -> None:
    deadline, heard = time.monotonic() + _READY_SECONDS, "nothing"
    while time.monotonic() < deadline:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended at once with status {server.process.returncode}")
        try:
            response = server.http.get("/readyz", timeout=5)
            if response.status_code == httpx.codes.OK:
                return
            heard = response.text
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"the server was not ready within {_READY_SECONDS} s, it said: {heard}")
