"""``python -m config.embedded run``: the whole system in one terminal."""

import contextlib
import dataclasses
import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from config.embedded.account import Account, servers_home
from config.embedded.banner import banner
from config.embedded.credentials import Credentials
from config.embedded.errors import EmbeddedError
from config.embedded.interruption import handling, raising
from config.embedded.ledger import kill_group
from config.embedded.lock import exclusive
from config.embedded.ports import require_free_port
from config.embedded.processes import Announce, PartSpec, Supervisor
from config.embedded.readiness import wait_until_ready
from config.embedded.server import Surroundings
from config.embedded.servers import KEPT, Ports, RunningServers, running_servers
from config.embedded.terminal import say
from config.embedded.workspace import (
    PROJECT,
    ledger_in,
    lock_path,
    make_closed,
    remember_ports,
    remembered_ports,
    write_environment,
)

_INTERRUPTED: Final = 130
_SWEEP_GRACE_SECONDS: Final = 10.0
_SIGNAL_POLL_SECONDS: Final = 0.1


@dataclasses.dataclass(frozen=True)
class Plan:
    """What runs on the servers: ``preparation`` to its end, printing the demo logins; then all ``parts``."""

    preparation: Sequence[str]
    parts: Sequence[PartSpec]


def parlour(run_dir: Path, port: int) -> Plan:
    """Parlour itself. ``WEB_CONCURRENCY`` is the number of web processes, 2 unless set."""
    python = sys.executable
    web = [python, "-m", "config.web", "--host", "127.0.0.1", "--port", str(port)]
    # Two processes also in development: a conversation must never depend on which one answers.
    web += ["--workers", os.environ.get("WEB_CONCURRENCY", "2")]
    # Celery warns when it runs as root, at length; here everything does that root starts, but for the servers.
    celery = [python, "-W", "ignore:You're running the worker", "-m", "celery", "--quiet", "--app", "config"]
    celery += [
        "--skip-checks"
    ]  # Django's checks import the whole API, four seconds of two cores; `make check` has them
    alone = ["--without-mingle", "--without-gossip"]  # looking for other workers takes a second
    schedule = str(run_dir / "beat" / "schedule")
    return Plan(
        preparation=[python, "-m", "config.embedded.prepare"],
        parts=[
            PartSpec("web", web),
            PartSpec("worker", [*celery, "worker", "--concurrency", "1", *alone]),
            PartSpec("beat", [*celery, "beat", "--schedule", schedule, "--pidfile", ""]),
        ],
    )


def run(plan: Plan, run_dir: Path, port: int) -> int:
    """Runs it until somebody stops it (returns 0) or something ends by itself (returns another status).

    Raises EmbeddedError where it cannot start; then nothing of it runs.
    """
    began = time.monotonic()
    make_closed(run_dir)
    note = f"process {os.getpid()}, http://localhost:{port}/"
    try:
        with raising(), exclusive(lock_path(run_dir), note), _nothing_left_behind(run_dir):
            require_free_port(port)
            return _run_alone(plan, run_dir, port, began)
    except KeyboardInterrupt:
        say("Stopped before it was ready.")
        return _INTERRUPTED


@contextlib.contextmanager
def _nothing_left_behind(run_dir: Path) -> Iterator[None]:
    """Before: ends what a killed run left, which may hold port and data. After: what did not end itself."""
    ledger = ledger_in(run_dir)
    if left := ledger.sweep(_SWEEP_GRACE_SECONDS):
        say(f"Ended what an earlier run had left behind: {', '.join(sorted(set(left)))}.")
    try:
        yield
    finally:
        ledger.sweep()


def _run_alone(plan: Plan, run_dir: Path, port: int, began: float) -> int:
    credentials = Credentials.kept_in(run_dir / "credentials.json")
    account = Account.for_data(run_dir / "postgres")
    home = servers_home(run_dir, account)
    around = Surroundings(home, home, account, ledger_in(run_dir))
    say("Starting PostgreSQL and Redis ...")
    with running_servers(around, KEPT, credentials, remembered_ports(run_dir)) as servers:
        remember_ports(run_dir, Ports(servers.postgres.port, servers.redis.port))
        values = {**servers.environment(credentials), "PORT": str(port)}
        write_environment(run_dir, values)
        environment = _process_environment(values)
        say("Migrating the database, seeding the demo ...")
        logins = _prepare(plan.preparation, environment)
        status = _supervise(plan, servers, run_dir, environment, functools.partial(_greet, port, began, logins))
    say("Parlour has stopped.")
    return status


def _process_environment(values: Mapping[str, str]) -> dict[str, str]:
    fixed = {"DJANGO_SETTINGS_MODULE": "config.settings.development", "PYTHONUNBUFFERED": "1"}
    return {**os.environ, **values, **fixed}


def _prepare(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Runs ``command`` to its end and returns the lines it printed. Its errors appear only when it fails."""
    signals: list[int] = []
    with handling(lambda number, _frame: signals.append(number)):
        status, output, errors = _run_until_signalled(command, environment, signals)
    if signals:
        raise KeyboardInterrupt
    if status:
        raise EmbeddedError(f"Migrations or demo data failed:\n{(errors + output).strip()}")
    return output.splitlines()


def _run_until_signalled(
    command: Sequence[str], environment: Mapping[str, str], signals: Sequence[int]
) -> tuple[int, str, str]:
    """Status, output and errors of ``command``, which is ended as soon as there is anything in ``signals``."""
    with subprocess.Popen(
        command,
        cwd=PROJECT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, errors = process.communicate(timeout=_SIGNAL_POLL_SECONDS)
                return process.returncode, output, errors
            if signals:
                kill_group(process.pid)


def _supervise(
    plan: Plan,
    servers: RunningServers,
    run_dir: Path,
    environment: Mapping[str, str],
    greet: "functools.partial[None]",
) -> int:
    (run_dir / "beat").mkdir(mode=0o700, exist_ok=True)
    supervisor = Supervisor([servers.postgres.server, servers.redis.server], ledger_in(run_dir))
    return supervisor.run(plan.parts, environment, PROJECT, greet)


def _greet(port: int, began: float, logins: Sequence[str], announce: Announce) -> None:
    wait_until_ready(port, announce)
    announce(banner(port, time.monotonic() - began, logins, coloured=sys.stdout.isatty()))
