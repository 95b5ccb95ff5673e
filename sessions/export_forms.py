"""The two forms of an export: JSON, exact and for programs; CSV, for people with a spreadsheet."""

import csv
import io
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, TypeAlias

import orjson

_COLUMNS: Final = ("session_id", "website", "at", "role", "message_id", "content", "note")
_SIGNS: Final = tuple("=+-@\uff1d\uff0b\uff0d\uff20\u2212")
"""What a cell that spreadsheets compute begins with; some fold the wide forms first."""

_INNER: Final = re.compile(rf"(?<=[;\t\r\n])(?=(?:[^\S;\t\r\n]|\")*[{''.join(map(re.escape, _SIGNS))}])")
"""Where such a cell begins for a spreadsheet that looks for semicolons or tabs, as half of Europe's do: our quotes hold
nothing together there, and a new line ends a row."""

_BYTE_ORDER_MARK: Final = "\ufeff"
"""Without it the most common spreadsheet takes UTF-8 for something else."""


class Form(StrEnum):
    JSON = "json"
    CSV = "csv"

    @property
    def content_type(self) -> str:
        return "application/json" if self is Form.JSON else "text/csv; charset=utf-8"


@dataclass(frozen=True, slots=True)
class SessionPart:
    """A session begins: what is kept of it beside its words."""

    facts: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WordsPart:
    """Some of its words, in order: messages as visitors see them, then turns that are in no history."""

    messages: list[dict[str, Any]] = field(default_factory=list)
    unanswered: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class EndPart:
    """It ends; not complete where it was erased meanwhile."""

    is_complete: bool


Part: TypeAlias = SessionPart | WordsPart | EndPart


def written(parts: AsyncIterator[Part], form: Form, *, is_one: bool) -> AsyncIterator[bytes]:
    """The file, piece by piece. ``is_one``: exactly one session is expected, and is the JSON's own object."""
    return _as_csv(parts) if form is Form.CSV else _as_json(parts, is_one=is_one)


async def _as_json(parts: AsyncIterator[Part], *, is_one: bool) -> AsyncIterator[bytes]:
    """A line for each message, so that people can read it, too."""
    if not is_one:
        yield b'{"sessions": ['
    lists, is_first = _JsonLists(), True
    async for part in parts:
        match part:
            case SessionPart(facts):
                yield (b"" if is_first else b",") + b"\n{" + _fields(_facts(facts))
                lists, is_first = _JsonLists(), False
            case WordsPart(messages, unanswered):
                yield lists.grow("messages", messages) + lists.grow("unanswered", map(_unanswered, unanswered))
            case EndPart(is_complete):
                yield lists.close() + b',\n"complete": ' + orjson.dumps(is_complete) + b"}"
    yield b"\n" if is_one else b"\n]}\n"


class _JsonLists:
    """The lists of a session's object, written one after the other while they come."""

    _NAMES: Final = ("messages", "unanswered")

    def __init__(self) -> None:
        self._open = -1
        self._is_empty = True

    def grow(self, name: str, rows: Any) -> bytes:
        text = b""
        for row in rows:
            text += self._up_to(name) + (b"\n" if self._is_empty else b",\n") + orjson.dumps(row)
            self._is_empty = False
        return text

    def close(self) -> bytes:
        return self._up_to(self._NAMES[-1]) + b"]"

    def _up_to(self, name: str) -> bytes:
        text = b""
        while self._open < self._NAMES.index(name):
            text += b"]" if self._open >= 0 else b""
            self._open += 1
            self._is_empty = True
            text += b",\n" + orjson.dumps(self._NAMES[self._open]) + b": ["
        return text


async def _as_csv(parts: AsyncIterator[Part]) -> AsyncIterator[bytes]:
    yield (_BYTE_ORDER_MARK + _lines([_COLUMNS])).encode()
    named: tuple[str, str] = ("", "")
    async for part in parts:
        match part:
            case SessionPart(facts):
                named = facts["session_id"], facts["website"]
                kept = orjson.dumps(_facts(facts)).decode()
                yield _lines([(*named, _moment(facts["created_at"]), "session", "", kept, "")]).encode()
            case WordsPart(messages, unanswered):
                rows = [*map(_message_cells, messages), *(row for turn in unanswered for row in _turn_cells(turn))]
                yield _lines([(*named, *cells) for cells in rows]).encode()
            case EndPart(is_complete):
                if not is_complete:
                    yield _lines([(*named, "", "session", "", "", "erased meanwhile, not complete")]).encode()


def _facts(facts: dict[str, Any]) -> dict[str, Any]:
    return {name: _moment(value) if isinstance(value, datetime) else value for name, value in facts.items()}


def _fields(facts: dict[str, Any]) -> bytes:
    return b",\n".join(orjson.dumps(name) + b": " + orjson.dumps(value) for name, value in facts.items())


def _unanswered(turn: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": turn["message_id"],
        "state": turn["state"],
        "message": turn["message"],
        "partial_reply": turn["partial_reply"],
        "at": _moment(turn["created_at"]),
    }


def _message_cells(message: dict[str, Any]) -> tuple[str, ...]:
    note = "stopped by the visitor" if message.get("stopped") else ""
    return message["at"], message["role"], message["id"], message["content"], note


def _turn_cells(turn: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    at, state = _moment(turn["created_at"]), turn["state"]
    if turn["message"]:
        yield at, "user", turn["message_id"], turn["message"], f"no answer: {state}"
    if turn["partial_reply"]:
        yield at, "assistant", "", turn["partial_reply"], f"unfinished: {state}"


def _lines(rows: list[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([defused(cell) for cell in row] for row in rows)
    return text.getvalue()


def defused(cell: str) -> str:
    """A cell that a spreadsheet takes for text: what a visitor wrote must not be computed on a clerk's machine."""
    return _INNER.sub("'", f"'{cell}" if cell.lstrip().startswith(_SIGNS) else cell)


def _moment(at: datetime | None) -> str:
    return "" if at is None else at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
