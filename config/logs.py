"""How log lines are written."""

import logging
import traceback
from types import TracebackType


class DiscreetFormatter(logging.Formatter):
    """Shows where an error happened and of what kind it was, never its text.

    Texts of errors quote what they failed on: PostgreSQL its parameters, pydantic its input, and with them what a
    visitor wrote.
    """

    def formatException(  # noqa: N802  logging's own name
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        error = ei[1]
        return "" if error is None else "".join(_lines(error)).rstrip()


def _lines(error: BaseException) -> list[str]:
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    earlier = [*_lines(cause), "which led to:\n"] if cause is not None else []
    return [*earlier, *traceback.format_tb(error.__traceback__), f"{_kind(error)}\n"]


def _kind(error: BaseException) -> str:
    state = getattr(error, "sqlstate", None)
    return f"{type(error).__module__}.{type(error).__qualname__}" + (f" (SQLSTATE {state})" if state else "")
