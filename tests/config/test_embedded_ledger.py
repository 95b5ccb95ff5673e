import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.embedded.credentials import Credentials, write_private
from config.embedded.errors import EmbeddedError
from config.embedded.ledger import Ledger
from config.embedded.ports import port_from_environment


@pytest.fixture
def sleeper() -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as process:
        yield process
        process.kill()


def test_sweep_ends_what_is_recorded_and_forgets_it(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    ledger = Ledger(tmp_path / "processes")
    ledger.record("worker", sleeper.pid)

    assert ledger.sweep() == ["worker"]

    assert not psutil.pid_exists(sleeper.pid)
    assert not (tmp_path / "processes").exists()


def test_sweep_ends_orphans_of_a_recorded_process(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys; print(subprocess.Popen(['sleep', '1000'], stdout=sys.stderr).pid, flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as parent:
        assert parent.stdout
        orphan = psutil.Process(int(parent.stdout.readline()))
        ledger = Ledger(tmp_path / "processes")
        ledger.record("web", parent.pid)
        parent.kill()

    assert ledger.sweep() == ["web"]
    assert psutil.wait_procs([orphan], timeout=5)[1] == []


def test_sweep_spares_a_stranger_with_a_reused_number(tmp_path: Path, sleeper: "subprocess.Popen[bytes]") -> None:
    started_at = psutil.Process(sleeper.pid).create_time()
    (tmp_path / "processes").write_text(f"{sleeper.pid} {started_at - 3600} worker\n")

    assert Ledger(tmp_path / "processes").sweep() == []

    assert sleeper.poll() is None


def test_credentials_are_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "credentials.json"

    first, second = Credentials.kept_in(path), Credentials.kept_in(path)

    assert first == second
    assert first != Credentials()
    assert path.stat().st_mode & 0o777 == 0o600


def test_broken_credentials_are_a_sentence(tmp_path: Path) -> None:
    write_private(tmp_path / "credentials.json", "{")

    with pytest.raises(EmbeddedError, match="`make clean` begins anew"):
        Credentials.kept_in(tmp_path / "credentials.json")


@pytest.mark.parametrize("value", ["http", "0", "65536", "-1", "٣"])
def test_port_that_is_none_is_a_sentence(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("PORT", value)

    with pytest.raises(EmbeddedError, match=f"^PORT must be a number from 1 to 65535, not '{value}'.$"):
        port_from_environment()
