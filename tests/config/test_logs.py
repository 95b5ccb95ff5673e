"""What passes into a log line: texts that stand in the source, known names of the right form, kinds of errors."""

import logging
import subprocess
import sys
import warnings
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import connection
from pydantic import BaseModel

from agents.errors import ModelUnavailableError
from config.log_net import WITHHELD, Line, harmless, only_harmless
from config.log_traces import error_kind, trace
from config.logs import as_text
from tests.live_server import ROOT

CANARY = "canary-0f1e2d"
TURN = UUID("01920000-0000-7000-8000-000000000001")


class Figure(BaseModel):
    figure: int


class Kept(logging.Handler):
    """What the net makes of each record, where a handler meets it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(harmless(record, {"turn_id": TURN, "secret": CANARY}))


@pytest.fixture
def library() -> logging.Logger:
    logger = logging.Logger("some.library")  # noqa: LOG001  of nobody else
    logger.addHandler(Kept())
    return logger


def lines(logger: logging.Logger) -> list[Line]:
    [handler] = logger.handlers
    assert isinstance(handler, Kept)
    return handler.lines


def own_line(event: str, **values: Any) -> Line:
    return only_harmless(logging.getLogger("sessions.x"), "info", {"event": event, "level": "info", **values})


def test_text_of_a_library_is_told_where_its_source_holds_it(library: logging.Logger) -> None:
    library.warning("%s has %d of %s, %.1f seconds", CANARY, 3, {"x": CANARY}, 0.25)
    library.warning("started")
    library.warning(f"{CANARY} started")
    library.warning("%(who)s at %(turn)s", {"who": CANARY, "turn": TURN})
    library.warning("%s: %s", CANARY, CANARY)
    assert [line["event"] for line in lines(library)] == [
        "… has 3 of …, 0.2 seconds",
        "started",
        WITHHELD,
        f"… at {TURN}",
        WITHHELD,
    ]
    assert lines(library)[2]["at"].startswith("tests/config/test_logs.py:")
    assert CANARY not in str(lines(library))
    assert {str(line["turn_id"]) for line in lines(library)} == {str(TURN)}


def test_record_that_cannot_be_put_together_is_told_by_its_template(library: logging.Logger) -> None:
    library.warning("%d of them", CANARY)
    library.warning("one %s, two %s", CANARY)
    assert [line["event"] for line in lines(library)] == ["%d of them", "one %s, two %s"]


def test_own_line_has_known_names_and_forms_alone() -> None:
    reason = ModelUnavailableError("breaker_open").reason
    line = own_line(
        "turn ended",
        turn_id=TURN,
        ms=12,
        state="completed",
        message=CANARY,
        code=CANARY.strip(),
        tenant_id=CANARY,
        reason=reason,
    )
    assert line == {
        "level": "info",
        "event": "turn ended",
        "logger": "sessions.x",
        "turn_id": TURN,
        "ms": 12,
        "state": "completed",
        "code": WITHHELD,
        "reason": "breaker_open",
        "tenant_id": WITHHELD,
    }


def test_own_text_that_was_put_together_is_withheld() -> None:
    assert own_line(" ".join([CANARY, "ended"]))["event"] == WITHHELD


def test_error_is_told_by_kind_and_place_without_its_text() -> None:
    with pytest.raises(ValueError, match=CANARY) as caught:
        Figure.model_validate({"figure": CANARY})
    line = own_line("it broke", exc_info=caught.value)
    assert line["error"] == "pydantic_core._pydantic_core.ValidationError"
    assert line["trace"][0] == line["error"]
    assert [place.split(":")[0].strip() for place in line["trace"][1:]] == [
        "tests/config/test_logs.py",
        "pydantic/main.py",
    ]
    assert CANARY not in str(line)


def test_database_error_is_told_by_its_code_and_its_cause() -> None:
    with pytest.raises(Exception, match=CANARY) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::int", [CANARY])
    told = trace(caught.value)
    assert told[0] == "psycopg.errors.InvalidTextRepresentation (SQLSTATE 22P02)"
    assert "which led to" in told
    assert error_kind(caught.value) == "django.db.utils.DataError"
    assert isinstance(caught.value.__cause__, psycopg.errors.InvalidTextRepresentation)
    assert CANARY not in str(told)


def test_warning_of_python_is_told_by_kind_and_place() -> None:
    logger = logging.getLogger("py.warnings")
    kept = Kept()
    logger.addHandler(kept)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            logger.warning(warnings.formatwarning(CANARY, UserWarning, __file__, 7))
    finally:
        logger.removeHandler(kept)
    [line] = kept.lines
    assert (line["error"], line["at"]) == ("UserWarning", "tests/config/test_logs.py:7")
    assert CANARY not in str(line)


def test_readable_line_has_its_values_before_its_ids_and_the_trace_beneath() -> None:
    line = {"time": "2026-03-01T20:10:05.123+00:00", **own_line("turn ended", turn_id=TURN, ms=12)}
    assert as_text(None, "", line).decode() == f"20:10:05 info     sessions.x: turn ended  ms=12  turn_id={TURN}"
    line["trace"] = ["KeyError", "  sessions/x.py:1 f"]
    assert as_text(None, "", line).decode().splitlines()[1:] == ["    KeyError", "      sessions/x.py:1 f"]


def test_error_of_a_command_that_nobody_catches_is_told_without_its_text() -> None:
    source = f"import threading; threading.Thread(target=int, args=['{CANARY}']).start(); int('{CANARY}')"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", source]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.count("critical config.logs: an error was caught by nobody  error=builtins.ValueError") == 2
    assert CANARY not in done.stdout + done.stderr
