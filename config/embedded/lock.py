"""One system per folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from config.embedded.errors import AlreadyRunningError


@contextlib.contextmanager
def exclusive(path: Path, note: str = "") -> Iterator[None]:
    """Holds ``path`` for this process alone; ``note`` is what the others are told in their
    AlreadyRunningError.

    A record lock: it ends with the process however that ends, and a fork does not inherit it. Opening
    ``path`` a second time in the same process would release it.
    """
    with _opened(path) as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunningError(f"Parlour is already running here: {file.read().strip()}.") from None
        file.truncate()
        file.write(note)
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


@contextlib.contextmanager
def one_at_a_time(path: Path) -> Iterator[None]:
    """Waits until no other process is inside."""
    with _opened(path) as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        yield


def _opened(path: Path) -> TextIO:
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")
