"""Waiting for what happens elsewhere."""

import time
from collections.abc import Callable


def wait_until(is_so: Callable[[], bool], seconds: float = 60, *, look_every: float = 0.02) -> None:
    """Fails the test where it does not become so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(look_every)
