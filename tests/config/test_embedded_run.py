"""The run loop with real servers and stand-ins for Parlour's processes."""

import contextlib
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil
import psycopg
import pytest

from config.embedded.ports import free_port
from config.embedded.workspace import PROJECT

SLEEPER: Final = ["sleep", "1000"]
STUBBORN: Final = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(1000)",
]
LOGIN: Final = "alice / first-password"
READY_SECONDS: Final = 30


class RunningSystem:
    """A manager with its output, and what it began."""

    def __init__(self, run_dir: Path, port: int, plan: Mapping[str, object]) -> None:
        self.port = port
        self.run_dir = run_dir
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.config.stand_in", str(run_dir), str(port), json.dumps(plan)],
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._incoming: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        with self.process.stdout as output:
            for line in output:
                self._incoming.put(line.rstrip("\n"))

    def wait_for(self, text: str) -> str:
        """The first line with ``text`` in it, once it is there."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                self.lines.append(self._incoming.get(timeout=0.1))
                if text in self.lines[-1]:
                    return self.lines[-1]
        raise AssertionError(f"no {text!r} in {self.lines}")

    def wait_until_ready(self) -> "RunningSystem":
        self.wait_for("Ctrl-C stops all of it")
        return self

    def begun(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def pid_of(self, name: str) -> int:
        lines = [line.split() for line in (self.run_dir / "processes").read_text().splitlines()]
        return next(int(pid) for pid, _, entry in lines if entry == name)

    def end(self) -> int:
        """Its exit status; ``output`` is complete afterwards."""
        status = self.process.wait(READY_SECONDS)
        self._reader.join(READY_SECONDS)
        while not self._incoming.empty():
            self.lines.append(self._incoming.get())
        return status

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def said(self) -> list[str]:
        """What the manager itself said about its processes, without time and name."""
        return [line.split("| ", 1)[1] for line in self.lines if " system " in line and "started (" not in line]


Start = Callable[..., RunningSystem]


@pytest.fixture
def start(run_dir: Path) -> Iterator[Start]:
    systems: list[RunningSystem] = []

    def start_system(
        parts: Mapping[str, Sequence[str]] | None = None,
        preparation: Sequence[str] = ("echo", LOGIN),
        port: int | None = None,
    ) -> RunningSystem:
        port = port or free_port(None)
        web = {"web": [sys.executable, "-m", "tests.config.stand_in_web", str(port)]}
        plan = {"preparation": preparation, "parts": {**web, **(parts or {})}}
        systems.append(RunningSystem(run_dir, port, plan))
        return systems[-1]

    yield start_system
    for system in systems:
        system.process.terminate()
        system.end()


def assert_gone(processes: Sequence[psutil.Process]) -> None:
    assert processes
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []


def written_environment(run_dir: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in (run_dir / "env").read_text().splitlines())


def test_run_prints_addresses_and_logins_once_ready(start: Start) -> None:
    system = start().wait_until_ready()

    addresses = [line.split()[-1] for line in system.lines if "http://" in line]
    assert addresses == [
        f"http://bakery.localhost:{system.port}/",
        f"http://bicycles.localhost:{system.port}/",
        f"http://localhost:{system.port}/admin/",
        f"http://localhost:{system.port}/api/v1/schema/",
    ]
    assert f"    {LOGIN}" in system.lines
    assert "\033" not in system.output


def test_interrupted_group_ends_everything_and_postgres_last(start: Start) -> None:
    system = start({"worker": SLEEPER}).wait_until_ready()
    begun = system.begun()

    os.killpg(system.process.pid, signal.SIGINT)

    assert system.end() == 0
    assert_gone(begun)
    assert "stopping, database says ('parlour_app',)" in system.output
    assert system.said()[0] == "SIGINT received; stopping everything"
    assert system.lines[-1] == "Parlour has stopped."
    assert not (system.run_dir / "processes").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signal_to_the_manager_alone_ends_everything(start: Start, number: signal.Signals) -> None:
    system = start({"worker": SLEEPER}).wait_until_ready()
    begun = system.begun()

    system.process.send_signal(number)

    assert system.end() == 0
    assert_gone(begun)


def test_signal_while_the_processes_start_is_not_lost(start: Start) -> None:
    system = start({"worker": SLEEPER})
    system.wait_for("Migrating")
    time.sleep(0.1)
    begun = system.begun()

    os.killpg(system.process.pid, signal.SIGINT)

    assert system.end() in {0, 130}
    assert_gone(begun)


def test_signal_during_the_preparation_breaks_it_off(start: Start) -> None:
    system = start(preparation=SLEEPER)
    system.wait_for("Migrating")
    begun = system.begun()

    os.killpg(system.process.pid, signal.SIGINT)

    assert system.end() == 130
    assert_gone(begun)
    assert system.lines[-1] == "Stopped before it was ready."


def test_failed_preparation_is_shown_and_nothing_stays(start: Start) -> None:
    system = start(preparation=["bash", "-c", "echo no such column >&2; exit 4"])

    assert system.end() == 1
    assert system.lines[-2:] == ["parlour: Migrations or demo data failed:", "no such column"]
    assert not (system.run_dir / "processes").exists()


def test_part_that_ends_is_named_with_its_status_and_stops_the_rest(start: Start) -> None:
    system = start({"worker": ["bash", "-c", "read -t 1 <> <(:); exit 3"], "beat": SLEEPER})

    assert system.end() == 3
    assert "worker ended with exit status 3; stopping the rest" in system.said()
    assert not (system.run_dir / "processes").exists()


def test_part_that_ends_well_is_a_failure_of_the_whole(start: Start) -> None:
    system = start({"worker": ["true"]})

    assert system.end() == 1
    assert "worker ended with exit status 0; stopping the rest" in system.said()


def test_part_that_cannot_start_is_named(start: Start) -> None:
    system = start({"worker": ["no-such-program"]})

    assert system.end() == 127
    assert "worker ended with exit status 127; stopping the rest" in system.said()


def test_killed_part_is_noticed_though_its_child_holds_the_output(start: Start) -> None:
    system = start({"worker": SLEEPER}).wait_until_ready()
    begun = system.begun()

    os.kill(system.pid_of("web"), signal.SIGKILL)

    assert system.end() == 128 + signal.SIGKILL
    assert_gone(begun)
    assert "web was killed by SIGKILL; stopping the rest" in system.said()


@pytest.mark.parametrize("server", ["postgres", "redis"])
def test_killed_server_is_named_and_stops_the_rest(start: Start, server: str) -> None:
    system = start({"worker": SLEEPER}).wait_until_ready()
    begun = system.begun()

    os.kill(system.pid_of(server), signal.SIGKILL)

    assert system.end() == 128 + signal.SIGKILL
    assert_gone(begun)
    log = system.run_dir / f"{server}.log"
    assert f"{server} was killed by SIGKILL (see {log}); stopping the rest" in system.said()


def test_second_signal_hurries(start: Start) -> None:
    system = start({"worker": STUBBORN})
    system.wait_for("deaf")
    begun = system.begun()

    began = time.monotonic()
    system.process.send_signal(signal.SIGINT)
    system.wait_for("SIGINT received")
    system.process.send_signal(signal.SIGINT)

    assert system.end() == 128 + signal.SIGINT
    assert time.monotonic() - began < 3
    assert_gone(begun)


def test_port_in_use_is_a_sentence_and_nothing_starts(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        system = start(port=port)

        assert system.end() == 1
    sentence, command = system.output.split(" Choose another one: ")
    assert sentence == f"parlour: Port {port} is in use."
    assert command.split()[1:] == ["make", "run"]


def test_second_run_in_the_same_folder_is_refused(start: Start) -> None:
    first = start().wait_until_ready()

    second = start()

    assert second.end() == 1
    where = f"process {first.process.pid}, http://localhost:{first.port}/"
    assert second.output == f"parlour: Parlour is already running here: {where}."
    assert first.process.poll() is None
    assert all(process.is_running() for process in first.begun())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_killed_manager_takes_its_processes_along(start: Start) -> None:
    system = start({"worker": SLEEPER}).wait_until_ready()
    begun = system.begun()

    system.process.kill()

    assert_gone(begun)


def test_run_after_a_killed_one_ends_what_it_left(start: Start) -> None:
    system = start({"worker": STUBBORN}).wait_until_ready()
    stubborn = psutil.Process(system.pid_of("worker"))
    system.process.kill()
    system.process.wait()
    assert stubborn.is_running()

    following = start(port=system.port).wait_until_ready()

    assert not stubborn.is_running()
    assert following.lines[0].startswith("Ended what an earlier run had left behind: ")
    assert "worker" in following.lines[0]


def test_next_run_finds_data_and_secrets_again(start: Start) -> None:
    first = start().wait_until_ready()
    environment = written_environment(first.run_dir)
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    first.process.send_signal(signal.SIGTERM)
    assert first.end() == 0

    second = start(port=first.port).wait_until_ready()

    assert written_environment(second.run_dir) == environment
    assert (second.run_dir / "env").stat().st_mode & 0o777 == 0o600
    with psycopg.connect(environment["DATABASE_OWNER_URL"]) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
