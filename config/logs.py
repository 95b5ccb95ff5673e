"""How log lines are written: one configuration for web, worker, beat and commands, for our lines and libraries'.

JSON lines in production, readable ones in development. Every line carries what is known of the request, the turn or
the task it belongs to (``structlog.contextvars``), and passes ``config.log_net`` last.
"""

import contextlib
import logging
import logging.config
import os
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final

import orjson
import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.contextvars import get_contextvars, merge_contextvars

from config.log_net import Line, harmless, only_harmless

_STDERR: Final = 2
_IDS: Final = ("request_id", "task_id", "tenant_id", "website_id", "turn_id")
_HEAD: Final = {"time", "level", "event", "logger", "trace", *_IDS}

_LEVELS: Final = {
    "django.request": "ERROR",  # a line for each status from 400 on; the request's own line has it
    # A line for each heartbeat would hide what matters; each_tenant tells what a job did.
    "celery.beat": "WARNING",
    "celery.worker.strategy": "WARNING",
    "celery.app.trace": "CRITICAL",  # config.task_lines tells how a task ended
}


def configure(options: Mapping[str, str]) -> None:
    """``settings.LOGGING_CONFIG``: called with ``settings.LOGGING`` when Django is set up.

    ``level`` is one of logging's, ``format`` is ``json`` or ``text``.
    """
    render = as_json if options["format"] == "json" else as_text
    structlog.configure(
        processors=[merge_contextvars, structlog.processors.add_log_level, only_harmless, _stamp, render],
        wrapper_class=structlog.make_filtering_bound_logger(options["level"]),
        logger_factory=_Writer,
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {"net": {"()": "config.logs.NetHandler", "render": render}},
            "root": {"handlers": ["net"], "level": options["level"]},
            "loggers": {"django": {}, **{name: {"level": level} for name, level in _LEVELS.items()}},
        }
    )
    logging.captureWarnings(capture=True)


class NetHandler(logging.Handler):
    """Takes the records of the standard library's logging. Never prints a record that it cannot write."""

    def __init__(self, render: Any) -> None:
        super().__init__()
        self._render = render

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = harmless(record, get_contextvars())
        except Exception:  # noqa: BLE001  a line must not break what it tells of, nor be told unchecked
            line = {"level": "error", "event": "a line could not be written"}
        _write(self._render(None, "", _stamp(None, "", line)))


def as_json(_logger: Any, _method: str, line: Line) -> bytes:
    return orjson.dumps(line)


def as_text(_logger: Any, _method: str, line: Line) -> bytes:
    """``07:05:15 info     sessions.running: turn ended  state=completed  turn_id=...``, then an error's places."""
    values = [f"{name}={value}" for name, value in line.items() if name not in _HEAD]
    ids = [f"{name}={line[name]}" for name in _IDS if name in line]
    head = f"{line['time'][11:19]} {line['level']:<8} {line.get('logger', '')}: {line['event']}"
    return "\n    ".join(
        ["  ".join(filter(None, [head, " ".join(values), " ".join(ids)])), *line.get("trace", ())]
    ).encode()


def tell_uncaught_errors() -> None:
    """For the start of a process: what nobody caught is told like any other error, not with its text."""
    sys.excepthook = _uncaught
    threading.excepthook = lambda ended: _note_uncaught(ended.exc_value)
    sys.unraisablehook = lambda ended: _note_uncaught(ended.exc_value)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if isinstance(
        error, KeyboardInterrupt | ImproperlyConfigured
    ):  # a sentence of the settings', for whoever starts it
        sys.__excepthook__(kind, error, trace)
    else:
        _note_uncaught(error)


def _note_uncaught(error: BaseException | None) -> None:
    if not isinstance(error, SystemExit):  # a thread's wish to end
        structlog.get_logger(__name__).critical("an error was caught by nobody", exc_info=error)


def _stamp(_logger: Any, _method: str, line: Line) -> Line:
    return {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **line}


class _Writer:
    """One write for each line, straight to the process's own error output."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def msg(self, line: bytes) -> None:
        _write(line)

    debug = info = warning = error = critical = msg


def _write(line: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody is there to read it
        os.write(_STDERR, line + b"\n")
