"""Reads the evaluation set (its form: README.md in this folder)."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

Half = Literal["development", "held_out"]

FOLDER: Final = Path(__file__).parent
EITHER: Final = "EITHER"
"""The kind of a span that may go or stay."""

_ROLE: Final = re.compile(r"(assistant|user|known)\| ")
_MARK: Final = re.compile(r"⟦(?P<kind>[A-Z_]+):|(?P<end>⟧)|⟨(?P<code>[0-9A-F]*)⟩|(?P<line>⏎)")


@dataclass(frozen=True, slots=True)
class Span:
    """``text[start:end]`` of its message."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Message:
    role: str
    text: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A message, or the messages of a history."""

    half: Half
    section: str
    language: str
    source: str
    """The lines it was read from."""
    messages: tuple[Message, ...]
    known: tuple[str, ...]

    @property
    def is_history(self) -> bool:
        return _ROLE.match(self.source) is not None


def read_items(half: Half) -> list[Item]:
    return [item for path in sorted((FOLDER / half).glob("*/*.txt")) for item in _read_file(path, half)]


def half_of(source: str) -> Half:
    """Where an item belongs, by its lines without their marks of kinds."""
    plain = re.sub(r"⟦[A-Z_]+:|⟧", "", source)
    return "held_out" if hashlib.sha256(plain.encode()).digest()[0] % 2 else "development"


def read_message(line: str, role: str = "user") -> Message:
    """Raises ValueError where a mark is not closed, or opened twice."""
    text, spans, opened = "", [], None
    position = 0
    for mark in _MARK.finditer(line):
        text += line[position : mark.start()]
        position = mark.end()
        if mark["kind"] is not None:
            if opened is not None:
                raise ValueError(f"a mark inside a mark: {line}")
            opened = (len(text), mark["kind"])
        elif mark["end"] is not None:
            if opened is None:
                raise ValueError(f"a mark ends that never began: {line}")
            spans.append(Span(opened[0], len(text), opened[1]))
            opened = None
        else:
            text += "\n" if mark["line"] else chr(int(mark["code"], 16)) if mark["code"] else ""
    if opened is not None:
        raise ValueError(f"a mark without its end: {line}")
    return Message(role, text + line[position:], tuple(spans))


def _read_file(path: Path, half: Half) -> Iterator[Item]:
    for block in re.split(r"\n{2,}", path.read_text().strip("\n")):
        for source in [block] if _ROLE.match(block) else block.splitlines():
            yield _read_item(source, half, path.parent.name, path.stem)


def _read_item(source: str, half: Half, section: str, language: str) -> Item:
    turns = [(_ROLE.match(line), line) for line in source.splitlines()]
    return Item(
        half,
        section,
        language,
        source,
        tuple(
            read_message(line[role.end() :], role[1]) if role else read_message(line)
            for role, line in turns
            if role is None or role[1] != "known"
        ),
        tuple(line[role.end() :] for role, line in turns if role and role[1] == "known"),
    )
