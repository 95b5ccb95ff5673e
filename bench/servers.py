"""The processes that a run needs, each ended with its block, by name and in order."""

import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any
from urllib.request import Request, urlopen

ROOT = Path(__file__).resolve().parents[1]
WEB_LOG = ROOT / ".run" / "bench-web.log"
READY_SECONDS = 60
STOP_SECONDS = 30


class ServerNotReadyError(RuntimeError):
    """A process of the run ended or never answered."""


def allow_many_sockets() -> None:
    """For this process and those it starts: a thousand visitors are two thousand sockets."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def web_environment(port: int) -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings.development", "PORT": str(port)}


def run_once(*arguments: str, environment: Mapping[str, str]) -> str:
    """Runs Python with ``arguments`` and gives what it printed. Raises ``CalledProcessError``."""
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def running(
    *arguments: str, environment: Mapping[str, str] | None = None, log: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Python with ``arguments`` until the block ends; ``log`` takes all its words, where there is one.

    In a group of its own: Ctrl-C reaches it through us alone.
    """
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=log or subprocess.PIPE,
        stderr=log,
        text=True,
        process_group=0,
    )
    with process:
        try:
            yield process
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[str]) -> None:
    """Asks, waits, and kills the whole group where that takes too long or somebody is in a hurry."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        raise


class StubModel:
    """The running stub, and the behaviour asked of it."""

    def __init__(self, url: str) -> None:
        self.url = url

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].split("/")[0])

    def behave(self, **settings: Any) -> None:
        """As it was at its start, but for ``settings``."""
        body = json.dumps({"reset": True, **settings}).encode()
        with urlopen(Request(f"http://127.0.0.1:{self.port}/control", body), timeout=10) as response:
            response.read()


@contextmanager
def running_stub() -> Iterator[StubModel]:
    with running("-m", "bench.stub_llm", "--port", "0") as process:
        assert process.stdout is not None
        words = process.stdout.readline().split()
        if not words:
            raise ServerNotReadyError("the stub model did not start")
        yield StubModel(words[-1])


@contextmanager
def running_web(port: int) -> Iterator[subprocess.Popen[str]]:
    """The real web server, as production starts it: two processes, ready to serve, each request a line of its log."""
    command = ("-m", "config.web", "--port", str(port), "--workers", "2", "--log-level", "warning")
    WEB_LOG.parent.mkdir(exist_ok=True)
    with WEB_LOG.open("w") as log, running(*command, environment=web_environment(port), log=log) as process:
        wait_until_ready(process, f"http://127.0.0.1:{port}/readyz")
        yield process


def wait_until_ready(process: subprocess.Popen[str], url: str) -> None:
    """Raises ``ServerNotReadyError`` with what was heard last."""
    deadline = time.monotonic() + READY_SECONDS
    while refusal := _refusal(url):
        if process.poll() is not None:
            raise ServerNotReadyError(f"the web server ended with status {process.returncode}; its words: {WEB_LOG}")
        if time.monotonic() > deadline:
            raise ServerNotReadyError(f"the web server was not ready within {READY_SECONDS} s: {refusal}")
        time.sleep(0.1)


def _refusal(url: str) -> str:
    """Empty where it answers 200."""
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310 - our own server
            response.read()
    except OSError as error:
        return str(error) or type(error).__name__
    return ""
