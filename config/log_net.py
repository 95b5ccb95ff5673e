"""What may stand in a log line: the last station of every line, whoever wrote it.

A line is let through by what it is, not by what was thought of to hold back. Its text must stand as a literal in the
source that logs it; its values must have a known name and the form that belongs to the name; of an error only its kind
and places are told. So what a visitor wrote, a key, or a row in PostgreSQL's DETAIL has no way into a line, whatever a
library puts into its own.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from types import FrameType
from typing import Any, Final
from uuid import UUID

from config.log_traces import error_kind, place, trace
from config.log_words import Route, is_our_word
from config.request_ids import accepted_id

Line = MutableMapping[str, Any]
Check = Callable[[Any], bool]

WITHHELD: Final = "(withheld)"
"""In place of a text that no source holds, or of a value of another form than its name's."""

_HIDDEN: Final = "…"
_FRAMES_SEARCHED: Final = 20
_PLAIN: Final = (int, float, bool, UUID, type(None))
_LOGGER: Final = re.compile(r"\w{1,40}(\.\w{1,40}){0,6}")
_WARNING: Final = re.compile(r"(?P<file>[^\n]*?):(?P<line>\d+): (?P<kind>\w+): ")


def _is_id(value: Any) -> bool:
    return type(value) is UUID or accepted_id(value) is not None


def _is_number(value: Any) -> bool:
    return type(value) in {int, float, bool}


def _is_word(value: Any) -> bool:
    """Of our own source: a code, a state, the name of a task. That it looks like one is not enough, names do, too."""
    return isinstance(value, str) and (is_our_word(value) or is_written_in_source(value))


def _is_route(value: Any) -> bool:
    return type(value) is Route


FIELDS: Final[Mapping[str, Check]] = {
    **dict.fromkeys(
        (
            *("request_id", "task_id", "tenant_id", "website_id", "turn_id"),
            *("agent_id", "api_key_id", "connection_id", "session_pk"),
        ),
        _is_id,
    ),
    **dict.fromkeys(
        (
            *("status", "ms", "first_token_ms", "input_tokens", "output_tokens", "message_count", "left"),
            *("attempts", "failures", "errands", "taken", "refused", "rows", "tenants"),
        ),
        _is_number,
    ),
    **dict.fromkeys(("state", "code", "reason", "method", "which", "job", "task"), _is_word),
    "route": _is_route,
}
"""Every name that a value may have in a line; a new one is put here by whoever saw that its values are harmless."""


def only_harmless(logger: Any, _method: str, line: Line) -> Line:
    """Structlog's processor for lines of our own: the event, the known fields, the error's kind and places."""
    event, level, error = line.pop("event", ""), line.pop("level"), _exception(line.pop("exc_info", None))
    named = line.pop("error", None)
    text = event if is_written_in_source(event) else WITHHELD
    return {"level": level, "event": text, "logger": logger.name, **_known(line), **_told(error), **_named(named)}


def harmless(record: logging.LogRecord, context: Mapping[str, Any]) -> Line:
    """A record of the standard library's logging, as a line; ``context`` are the ids that are known here."""
    error = record.exc_info[1] if record.exc_info else None
    line: Line = {"level": record.levelname.lower(), "event": _text(record), "logger": _logger_name(record.name)}
    if line["event"] == WITHHELD:
        line["at"] = place(record.pathname, record.lineno)
    return {**line, **_known(context), **_warning(record), **_told(error)}


def is_written_in_source(text: Any) -> bool:
    """Whether ``text`` is a literal of one of the functions that are being called here."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001  the only way to the callers' code
    for _ in range(_FRAMES_SEARCHED):
        if frame is None:
            return False
        if isinstance(text, str) and text in frame.f_code.co_consts:
            return True
        frame = frame.f_back
    return False


def _text(record: logging.LogRecord) -> str:
    if not is_written_in_source(record.msg):
        return WITHHELD
    text = _filled(record.msg, record.args) if record.args else str(record.msg)
    return text.strip() if any(character.isalpha() for character in text) else WITHHELD


def _filled(template: str, values: Any) -> str:
    shown = {name: _shown(value) for name, value in values.items()} if isinstance(values, Mapping) else _all(values)
    try:
        return template % shown
    except (TypeError, ValueError, KeyError):  # a hidden value in the place of a number
        return template


def _all(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(_shown(value) for value in values)


def _shown(value: Any) -> Any:
    return value if type(value) in _PLAIN else _HIDDEN


def _known(values: Mapping[str, Any]) -> Line:
    return {
        name: value if FIELDS[name](value) else WITHHELD
        for name, value in values.items()
        if name in FIELDS and value is not None
    }


def _logger_name(name: str) -> str:
    """Loggers are named after packages."""
    package = name.partition(".")[0]
    return name if (package in sys.modules or name == "py.warnings") and _LOGGER.fullmatch(name) else WITHHELD


def _warning(record: logging.LogRecord) -> Line:
    """Python's own warnings: their kind and place stand before their text."""
    found = _WARNING.match(record.getMessage()) if record.name == "py.warnings" else None
    return {"error": found["kind"], "at": place(found["file"], int(found["line"]))} if found else {}


def _exception(exc_info: Any) -> BaseException | None:
    if isinstance(exc_info, BaseException):
        return exc_info
    if isinstance(exc_info, tuple):
        return exc_info[1]  # type: ignore[no-any-return]
    return sys.exc_info()[1] if exc_info else None


def _told(error: BaseException | None) -> Line:
    return {} if error is None else {"error": error_kind(error), "trace": trace(error)}


def _named(error: Any) -> Line:
    """An error that is no surprise is told by its kind alone."""
    return {"error": error_kind(error)} if isinstance(error, BaseException) else {}
