"""Plain words to the person at the terminal."""

import contextlib
import io
import sys


def accept_any_letter() -> None:
    """A terminal that cannot show a letter gets a question mark, rather than nothing at all."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def say(text: str) -> None:
    """A line at once. A terminal that is gone must not keep the servers from being stopped."""
    with contextlib.suppress(OSError, ValueError):
        print(text, flush=True)


def complain(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
