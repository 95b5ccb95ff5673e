"""Log lines tell where an error happened, and none of the words it happened on."""

import logging

import psycopg
import pytest
from django.db import connection
from pydantic import BaseModel

from config.logs import DiscreetFormatter

CANARY = "canary-0f1e2d"


class Figure(BaseModel):
    figure: int


def formatted(error: BaseException) -> str:
    record = logging.LogRecord(
        "x", logging.ERROR, __file__, 1, "it broke", None, (type(error), error, error.__traceback__)
    )
    return DiscreetFormatter("%(message)s").format(record)


def test_error_is_told_by_kind_and_place_without_its_text() -> None:
    with pytest.raises(ValueError, match=CANARY) as caught:
        Figure.model_validate({"figure": CANARY})
    text = formatted(caught.value)
    assert CANARY not in text
    assert text.startswith("it broke\n")
    assert "test_logs.py" in text
    assert text.endswith("ValidationError")


def test_database_error_is_told_by_its_code_and_its_cause() -> None:
    with pytest.raises(Exception, match=CANARY) as caught, connection.cursor() as cursor:
        cursor.execute("SELECT %s::text::int", [CANARY])
    text = formatted(caught.value)
    assert CANARY not in text
    assert "psycopg.errors.InvalidTextRepresentation (SQLSTATE 22P02)" in text
    assert "which led to:" in text
    assert isinstance(caught.value.__cause__, psycopg.errors.InvalidTextRepresentation)
