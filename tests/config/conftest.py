import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.embedded.account import forget_outside_home


@pytest.fixture(scope="module")
def run_dir() -> Iterator[Path]:
    """A folder in the part of ``.run``, which the user of the servers can reach (pytest's own are closed)."""
    parent = Path(tempfile.mkdtemp(prefix="parlour-test-"))
    parent.chmod(0o711)
    folder = parent / ".run"
    yield folder
    shutil.rmtree(parent)
    forget_outside_home(folder)
