"""Started by root in a folder closed to others, as root's home is."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.embedded.account import Account, outside_home, servers_home
from config.embedded.credentials import Credentials
from config.embedded.errors import EmbeddedError
from config.embedded.programs import postgres_programs, redis_program
from config.embedded.server import Surroundings
from config.embedded.servers import THROW_AWAY, Ports, running_servers
from config.embedded.workspace import PROJECT, clean, ledger_in, make_closed

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def closed_run_dir() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="parlour-closed-") as parent:
        folder = Path(parent, "project", ".run")
        make_closed(folder)
        yield folder
        clean(folder)


def modes_above(folder: Path) -> list[int]:
    return [stat.S_IMODE(parent.stat().st_mode) for parent in folder.parents]


def test_closed_folder_keeps_its_mode_and_the_servers_run_elsewhere(closed_run_dir: Path) -> None:
    before = modes_above(closed_run_dir)
    account = Account.for_data(closed_run_dir / "postgres")

    home = servers_home(closed_run_dir, account)
    around = Surroundings(home, home, account, ledger_in(closed_run_dir))
    with (
        running_servers(around, THROW_AWAY, Credentials(), Ports()) as running,
        psycopg.connect(running.postgres.app_url) as connection,
    ):
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert (home / "postgres").stat().st_uid == account.uid

    assert home == outside_home(closed_run_dir)
    assert (closed_run_dir / "servers-are-in").read_text() == f"{home}\n"
    assert modes_above(closed_run_dir) == before


def test_programs_that_the_user_cannot_run_are_copied(closed_run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account.for_data(closed_run_dir / "postgres")
    home = servers_home(closed_run_dir, account)
    monkeypatch.setattr(Account, "can_run", lambda _self, _program: False)  # as where .venv lies in a closed folder

    postgres = postgres_programs(account, home) / "postgres"
    redis_server = redis_program(account, home)

    monkeypatch.undo()
    assert postgres.is_relative_to(home)
    assert redis_server.is_relative_to(home)
    assert account.can_run(postgres)
    assert account.can_run(postgres.with_name("initdb"))
    assert account.can_run(redis_server)


def test_clean_forgets_the_folder_outside(closed_run_dir: Path) -> None:
    home = servers_home(closed_run_dir, Account.for_data(closed_run_dir / "postgres"))

    clean(closed_run_dir)

    assert (home.exists(), closed_run_dir.exists()) == (False, False)


def test_folder_outside_that_others_can_write_is_refused(closed_run_dir: Path) -> None:
    home = outside_home(closed_run_dir)
    home.mkdir()
    home.chmod(0o777)

    with pytest.raises(EmbeddedError, match="Remove it"):
        servers_home(closed_run_dir, Account.for_data(closed_run_dir / "postgres"))

    home.rmdir()


def test_root_takes_the_owner_of_the_data(closed_run_dir: Path) -> None:
    data = closed_run_dir / "postgres"
    data.mkdir()
    os.chown(data, 4321, 4322)

    assert Account.for_data(data) == Account(4321, 4322)


def test_folder_of_another_user_is_a_sentence(closed_run_dir: Path) -> None:
    script = (
        "import os, sys, pathlib; from config.embedded.workspace import make_closed;"
        "os.setuid(65534); make_closed(pathlib.Path(sys.argv[1]))"
    )
    closed_run_dir.parent.parent.chmod(0o711)

    done = subprocess.run(
        [sys.executable, "-c", script, str(closed_run_dir)], cwd=PROJECT, capture_output=True, text=True, check=False
    )

    sentence = f"{closed_run_dir} cannot be used: Operation not permitted. Another user may have made it."
    assert done.stderr.splitlines()[-1] == f"config.embedded.errors.EmbeddedError: {sentence}"
