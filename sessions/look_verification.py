"""Whether the record of looks is what was written: each line follows from the one before, and the newest is the head.

A line's hash is SHA-256 over a JSON array in UTF-8, as ``json.dumps(..., ensure_ascii=False)`` writes it: 1 (the form),
the hash before in hex ("" before the first), tenant, number, time in UTC with microseconds, id, kind, actor's id, name
and role, subject, website, count, reason, address. The database wrote it (migration ``0006_looks``); this reads it
without the database's help.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple
from uuid import UUID

from django.db import connection

from tenants.scoping import tenant_scope

_ROWS_AT_ONCE: Final = 5_000


class Line(NamedTuple):
    number: int
    created_at: datetime
    id: UUID
    kind: str
    actor_id: str
    actor_name: str
    actor_role: str
    subject: str
    website: str
    counted: int | None
    reason: str
    address: str
    hash: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The newest line of a tenant's record, at some moment."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``broken`` is a sentence about the first line that is not as it was, or empty."""

    lines: int
    head: Head | None
    broken: str = ""


def verify_record(tenant_id: UUID, anchor: Head | None = None) -> Verdict:
    """Reads a tenant's whole record in chunks, each in a scope of its own; ``anchor`` is a head kept from before.

    A line that is written meanwhile does not disturb. Memory does not grow with the record.
    """
    previous, seen = b"", 0
    for line in _lines(tenant_id):
        if broken := _breach(tenant_id, previous, seen, line, anchor):
            return Verdict(seen, None, broken)
        previous, seen = line.hash, line.number
    if anchor and anchor.number > seen:
        return Verdict(seen, None, f"line {seen + 1} is missing: {anchor.number} lines were there before")
    return _ending(tenant_id, seen)


def hash_of(tenant_id: UUID, previous: bytes, line: Line) -> bytes:
    at = line.created_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    content = [1, previous.hex(), str(tenant_id), line.number, at, str(line.id), *line[3:-1]]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).digest()


def _breach(tenant_id: UUID, previous: bytes, seen: int, line: Line, anchor: Head | None) -> str:
    if line.number != seen + 1:
        return f"line {seen + 1} is missing: line {line.number} is in its place"
    if hash_of(tenant_id, previous, line) != line.hash:
        return f"line {line.number} is not what was written, or does not follow the line before it"
    if anchor and anchor.number == line.number and anchor.hash != line.hash.hex():
        return f"line {line.number} is another than before, or a line before it is"
    return ""


_LINES: Final = """
SELECT number, created_at, id, kind, actor_id, actor_name, actor_role, subject, website, count, reason, address, hash
  FROM looks WHERE tenant_id = %(tenant)s AND number > %(after)s ORDER BY number LIMIT %(most)s
"""


def _lines(tenant_id: UUID) -> Iterator[Line]:
    """Oldest first. No scope is open while one is looked at."""
    after = -1
    while found := _chunk(tenant_id, after):
        yield from found
        after = found[-1].number


def _chunk(tenant_id: UUID, after: int) -> list[Line]:
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_LINES, {"tenant": tenant_id, "after": after, "most": _ROWS_AT_ONCE})
        return [Line._make((*values, bytes(stored))) for *values, stored in cursor.fetchall()]


# One statement, so of one moment: the newest line is always the head.
_ENDING: Final = """
SELECT h.number, h.hash, l.number, l.hash
  FROM (SELECT number, hash FROM look_heads WHERE tenant_id = %(tenant)s) h
  FULL JOIN (SELECT number, hash FROM looks WHERE tenant_id = %(tenant)s ORDER BY number DESC LIMIT 1) l ON true
"""


def _ending(tenant_id: UUID, seen: int) -> Verdict:
    with tenant_scope(tenant_id), connection.cursor() as cursor:
        cursor.execute(_ENDING, {"tenant": tenant_id})
        row = cursor.fetchone()
    if row is None:
        return Verdict(seen, None, "line 1 is missing: the whole record is gone" if seen else "")
    head_number, head_hash, last_number, last_hash = row
    if head_number is None:
        return Verdict(seen, None, "the head is missing: nobody can tell whether lines are")
    if (last_number or 0) < head_number:
        return Verdict(seen, None, f"line {(last_number or 0) + 1} is missing: {head_number} lines were written")
    if (head_number, bytes(head_hash)) != (last_number, bytes(last_hash)):
        return Verdict(seen, None, f"line {last_number} is not the one that was written last")
    return Verdict(seen, Head(head_number, bytes(head_hash).hex()))
