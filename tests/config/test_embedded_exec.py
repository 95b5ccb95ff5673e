"""Throw-away servers around one command."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
import pytest
import redis

from config.embedded.workspace import PROJECT

EXECUTE: Final = (
    "import sys, pathlib; from config.embedded.execute import execute;"
    "sys.exit(execute(sys.argv[2:], pathlib.Path(sys.argv[1])))"
)
# Prints what it was given and waits for SIGTERM, on which it ends with status 5.
WAITING: Final = (
    "import json, os, signal, sys, time;"
    "signal.signal(signal.SIGTERM, lambda *_: sys.exit(5));"
    "print(json.dumps(dict(os.environ)), flush=True);"
    "time.sleep(60)"
)


@contextlib.contextmanager
def executing(run_dir: Path, command: Sequence[str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        [sys.executable, "-c", EXECUTE, str(run_dir), *command],
        cwd=PROJECT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def execute(run_dir: Path, *command: str) -> tuple[int, str]:
    with executing(run_dir, command) as process:
        output, _ = process.communicate()
        return process.returncode, output


@contextlib.contextmanager
def waiting(run_dir: Path) -> Iterator[tuple["subprocess.Popen[str]", dict[str, str]]]:
    """A command that waits on its servers, and its environment."""
    with executing(run_dir, [sys.executable, "-c", WAITING]) as process:
        assert process.stdout
        yield process, json.loads(process.stdout.readline())


def one_row(url: str, statement: str) -> tuple[Any, ...] | None:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchone()


def folders(run_dir: Path) -> list[str]:
    return [path.name for path in run_dir.iterdir() if path.is_dir() and path.name != "programs"]


def test_exec_gives_the_command_servers_of_its_own(run_dir: Path) -> None:
    with waiting(run_dir) as (process, environment):
        assert one_row(environment["DATABASE_URL"], "SELECT current_user::text") == ("parlour_app",)
        owner = "SELECT rolname::text, rolcreatedb, rolsuper FROM pg_roles WHERE rolname = current_user"
        assert one_row(environment["DATABASE_OWNER_URL"], owner) == ("parlour_owner", True, False)
        superuser = "SELECT current_database()::text, rolsuper FROM pg_roles WHERE rolname = current_user"
        assert one_row(environment["EMBEDDED_SUPERUSER_URL"], superuser) == ("parlour", True)
        assert one_row(environment["DATABASE_URL"], "SHOW fsync") == ("off",)
        with redis.Redis.from_url(environment["REDIS_URL"]) as client:
            assert client.config_get("databases") == {"databases": "64"}
        assert environment["DJANGO_SETTINGS_MODULE"] == "config.settings.test"
        log = Path(environment["EMBEDDED_DIR"], "postgres.log").read_text()
        assert "ready to accept connections" in log

        process.send_signal(signal.SIGTERM)

        assert process.wait(20) == 5
        assert not Path(environment["EMBEDDED_DIR"]).exists()


def test_exec_twice_at_once_shares_nothing(run_dir: Path) -> None:
    names = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEYS", "EMBEDDED_DIR", "EMBEDDED_SUPERUSER_URL")
    with waiting(run_dir) as (_, first), waiting(run_dir) as (_, second):
        assert [name for name in names if first[name] == second[name]] == []


@pytest.mark.parametrize(
    ("command", "status"),
    [("exit 7", 7), ("kill -9 $$", 128 + signal.SIGKILL)],
)
def test_exec_returns_the_status_of_its_command(run_dir: Path, command: str, status: int) -> None:
    assert execute(run_dir, "bash", "-c", command)[0] == status
    assert folders(run_dir) == []


def test_exec_of_an_unknown_command_is_a_sentence(run_dir: Path) -> None:
    status, output = execute(run_dir, "no-such-program")

    assert (status, output) == (127, "no-such-program cannot be started: No such file or directory.\n")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children that their parent died")
def test_exec_that_was_killed_leaves_no_process_and_the_next_one_tidies_up(run_dir: Path) -> None:
    with waiting(run_dir) as (process, environment):
        begun = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(begun, timeout=10)
    assert alive == []
    assert Path(environment["EMBEDDED_DIR"]).exists()

    assert execute(run_dir, "true")[0] == 0

    assert not Path(environment["EMBEDDED_DIR"]).exists()
    assert folders(run_dir) == []


def test_exec_interrupted_while_it_starts_leaves_nothing(run_dir: Path) -> None:
    with executing(run_dir, ["true"]) as process:
        begun: list[psutil.Process] = []
        while not begun:
            time.sleep(0.01)
            begun = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGINT)

        assert process.wait(20) == 128 + signal.SIGINT
    assert psutil.wait_procs(begun, timeout=10)[1] == []
    assert folders(run_dir) == []
