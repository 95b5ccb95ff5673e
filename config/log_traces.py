"""Errors in log lines: of what kind they are and where they happened, never their text.

Texts of errors quote what they failed on: PostgreSQL its parameters, pydantic its input, and with them what a visitor
wrote.
"""

import re
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Final

_PROJECT: Final = Path(__file__).resolve().parents[1]
_LIBRARY: Final = re.compile(r".*/(?:site-packages|lib/python3\.\d+)/")
_MOST_LINES: Final = 40
"""A line longer than a pipe's buffer could be torn by another process's."""


def error_kind(error: BaseException) -> str:
    """Such as ``psycopg.errors.UniqueViolation (SQLSTATE 23505)``."""
    state = getattr(error, "sqlstate", None)
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{kind} (SQLSTATE {state})" if isinstance(state, str) and state.isalnum() else kind


def trace(error: BaseException) -> list[str]:
    """Each error of the chain, the cause first, with our own frames and its innermost one."""
    return list(_lines(error))[-_MOST_LINES:]


def place(file: str, line: int) -> str:
    """``sessions/running.py:120``; a library's file without the folders it is installed in."""
    if _is_own(file):
        return f"{Path(file).relative_to(_PROJECT)}:{line}"
    found = _LIBRARY.match(file)
    return f"{file[found.end() :] if found else Path(file).name}:{line}"


def _lines(error: BaseException, depth: int = 5) -> Iterator[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and depth:
        yield from _lines(cause, depth - 1)
        yield "which led to"
    yield error_kind(error)
    yield from (f"  {place(frame.f_code.co_filename, line)} {frame.f_code.co_name}" for frame, line in _frames(error))


def _frames(error: BaseException) -> Iterator[tuple[FrameType, int]]:
    walked = list(traceback.walk_tb(error.__traceback__))
    for number, (frame, line) in enumerate(walked, start=1):
        if number == len(walked) or _is_own(frame.f_code.co_filename):
            yield frame, line


def _is_own(file: str) -> bool:
    return file.startswith(f"{_PROJECT}/") and not _LIBRARY.match(file)
