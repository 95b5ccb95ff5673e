"""The folder ``.run``: what is in it, who may see it, and its end."""

import json
import os
import shutil
from pathlib import Path
from typing import Final

from config.embedded.account import forget_outside_home
from config.embedded.credentials import write_private
from config.embedded.errors import EmbeddedError
from config.embedded.ledger import Ledger
from config.embedded.lock import exclusive
from config.embedded.servers import Ports

PROJECT: Final = Path(__file__).resolve().parents[2]
RUN_DIR: Final = PROJECT / ".run"


def make_closed(folder: Path) -> None:
    """Others may pass through where root starts servers as another user, and otherwise not even that.

    Raises EmbeddedError where the folder cannot be made or belongs to another user.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711 if os.geteuid() == 0 else 0o700)
    except OSError as error:
        raise EmbeddedError(f"{folder} cannot be used: {error.strerror}. Another user may have made it.") from error


def lock_path(run_dir: Path) -> Path:
    return run_dir / "lock"


def ledger_in(folder: Path) -> Ledger:
    return Ledger(folder / "processes")


def remembered_ports(run_dir: Path) -> Ports:
    try:
        return Ports(**json.loads((run_dir / "ports.json").read_text()))
    except (OSError, ValueError, TypeError):
        return Ports()


def remember_ports(run_dir: Path, ports: Ports) -> None:
    write_private(run_dir / "ports.json", json.dumps({"postgres": ports.postgres, "redis": ports.redis}))


def write_environment(run_dir: Path, environment: dict[str, str]) -> None:
    """For commands beside a running system, such as ``manage.py shell``; development settings read it."""
    write_private(run_dir / "env", "".join(f"{name}={value}\n" for name, value in environment.items()))


def clean(run_dir: Path) -> None:
    """Forgets all local data. Raises AlreadyRunningError while a system runs on it."""
    if run_dir.exists():
        with exclusive(lock_path(run_dir)):
            ledger_in(run_dir).sweep(grace_seconds=10)
            shutil.rmtree(run_dir)
    forget_outside_home(run_dir)
