"""Who runs the servers, and where.

PostgreSQL refuses to run as root, and Redis should not. So, started by root, both run as an unprivileged
user, who must reach the data and the programs. Where the project lies in a folder closed to others (such as
root's home), opening that folder is not ours to do: data and programs then live in a folder of their own
under /var/tmp.
"""

import dataclasses
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from config.embedded.errors import EmbeddedError

_NOBODY: Final = "nobody"
_VAR_TMP: Final = Path("/var/tmp")  # noqa: S108  kept over a reboot, unlike /tmp; the folder in it is checked
_TRAVERSABLE: Final = 0o711


@dataclasses.dataclass(frozen=True)
class Account:
    """The user the servers run as: ``uid`` None is the user who started us."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_data(cls, folder: Path) -> Self:
        """The starting user; for root the owner of the data in ``folder``, or nobody where there is none."""
        if os.geteuid() != 0:
            return cls()
        if folder.exists() and (owner := folder.stat()).st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        try:
            nobody = pwd.getpwnam(_NOBODY)
        except KeyError:
            raise EmbeddedError("Root cannot run PostgreSQL, and there is no user called nobody.") from None
        return cls(nobody.pw_uid, nobody.pw_gid)

    @property
    def spawn_options(self) -> Mapping[str, Any]:
        """For ``subprocess``: become this user."""
        if self.uid is None:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Gives a file or an empty folder to this user."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def make_folder(self, path: Path) -> Path:
        """A folder for this user alone. Raises EmbeddedError where it exists and belongs to another."""
        path.mkdir(mode=0o700, exist_ok=True)
        if path.stat().st_uid == 0:
            self.own(path)
        expected = os.geteuid() if self.uid is None else self.uid
        if path.stat().st_uid != expected:
            owner = path.stat().st_uid
            raise EmbeddedError(f"{path} belongs to user {owner}: run as root again, or `make clean` as root.")
        return path

    def can_enter(self, folder: Path) -> bool:
        return self._succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)])

    def can_run(self, program: Path) -> bool:
        """Tries it, for the answer depends on every parent folder, on libraries and on mount options."""
        return self._succeeds([str(program), "--version"])

    def _succeeds(self, command: list[str]) -> bool:
        if self.uid is None:
            return True
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self.spawn_options)
        except OSError:
            return False
        return done.returncode == 0


def servers_home(run_dir: Path, account: Account) -> Path:
    """``run_dir`` where ``account`` reaches it, else a folder outside, named by a note in ``run_dir``."""
    note = run_dir / "servers-are-in"
    if account.can_enter(run_dir):
        note.unlink(missing_ok=True)
        return run_dir
    home = outside_home(run_dir)
    _make_ours(home)
    if not account.can_enter(home):
        raise EmbeddedError(f"The user of PostgreSQL can enter neither {run_dir} nor {home}.")
    note.write_text(f"{home}\n")
    return home


def outside_home(run_dir: Path) -> Path:
    """The same for every run of one project folder, and no other's."""
    key = hashlib.sha256(bytes(run_dir.resolve())).hexdigest()[:16]
    parent = _VAR_TMP if _VAR_TMP.is_dir() else Path(tempfile.gettempdir())
    return parent / f"parlour-{key}"


def forget_outside_home(run_dir: Path) -> None:
    home = outside_home(run_dir)
    if _is_ours(home):
        shutil.rmtree(home)


def _make_ours(home: Path) -> None:
    """Anybody may create things under /var/tmp: what is found there must be a folder of ours."""
    home.mkdir(mode=_TRAVERSABLE, exist_ok=True)
    if not _is_ours(home):
        raise EmbeddedError(f"{home} must be a folder that only user {os.geteuid()} can write. Remove it.")
    home.chmod(_TRAVERSABLE)


def _is_ours(home: Path) -> bool:
    try:
        found = home.lstat()
    except FileNotFoundError:
        return False
    closed = not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and closed
