"""The folders of throw-away systems: one each, gone afterwards, whatever became of its process."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from config.embedded.account import outside_home
from config.embedded.errors import AlreadyRunningError
from config.embedded.lock import exclusive, one_at_a_time
from config.embedded.workspace import ledger_in, lock_path, make_closed

_PREFIX: Final = "exec-"


@contextlib.contextmanager
def throw_away_folder(run_dir: Path) -> Iterator[Path]:
    """A new folder in ``run_dir``; those that a killed process left there are cleaned up on the way."""
    with contextlib.ExitStack() as stack:
        # A folder is made and locked in one go: in between it would look abandoned.
        with one_at_a_time(run_dir / "throw-away-lock"):
            _sweep(run_dir)
            folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=run_dir))
            stack.callback(_forget, folder, run_dir)
            stack.enter_context(exclusive(lock_path(folder)))
        make_closed(folder)
        yield folder


def _sweep(run_dir: Path) -> None:
    for folder in run_dir.glob(f"{_PREFIX}*"):
        with contextlib.suppress(AlreadyRunningError), exclusive(lock_path(folder)):
            ledger_in(folder).sweep()
            _forget(folder, run_dir)


def _forget(folder: Path, run_dir: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(outside_home(run_dir) / folder.name, ignore_errors=True)
