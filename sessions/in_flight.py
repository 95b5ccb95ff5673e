"""The turns that this process runs or watches, and the bell for those that wait in a session's line."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from sessions.live import LiveTurn

_turns: Final[dict[UUID, LiveTurn]] = {}
_bells: Final[dict[UUID, set[asyncio.Event]]] = {}


@contextmanager
def running_here(turn_id: UUID, live: LiveTurn) -> Iterator[None]:
    _turns[turn_id] = live
    try:
        yield
    finally:
        if _turns.get(turn_id) is live:  # a later run of the same turn may have taken its place
            del _turns[turn_id]


def find_running(turn_id: UUID, fence: int | None = None) -> LiveTurn | None:
    """The turn, where this process runs it; with ``fence``, that run of it alone."""
    live = _turns.get(turn_id)
    return live if live is not None and fence in {None, live.fence} else None


@contextmanager
def listening_for_bell(session_pk: UUID) -> Iterator[asyncio.Event]:
    """An event that is set whenever a turn of the session ends, as far as this process hears of it."""
    bell = asyncio.Event()
    _bells.setdefault(session_pk, set()).add(bell)
    try:
        yield bell
    finally:
        _bells[session_pk].discard(bell)
        if not _bells[session_pk]:
            del _bells[session_pk]


def ring_bell(session_pk: UUID) -> None:
    for bell in _bells.get(session_pk, ()):
        bell.set()
