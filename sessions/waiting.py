"""A turn's wait for those of its session that came before it. Nothing is held meanwhile but its place in the line."""

import asyncio
import contextlib
import time
from typing import Final

import psycopg
from django.conf import settings

from sessions.beginning import BegunTurn, Conversation
from sessions.errors import TurnInProgressError
from sessions.in_flight import listening_for_bell
from sessions.live import InterruptedTurn, LiveTurn
from sessions.store import line
from sessions.store.visits import Claim
from tenants.database import Row

_FIRST_PAUSE_SECONDS: Final = 0.05
_LONGEST_PAUSE_SECONDS: Final = 0.5


async def wait_in_line(begun: BegunTurn, live: LiveTurn) -> Conversation:
    """The conversation as it is when the turn may run, which it does from then on.

    Raises ``TurnInProgressError`` where that takes too long, and ``InterruptedTurn`` where the turn was stopped in the
    line or its place was taken for a dead one's.
    """
    give_up_at, pause = time.monotonic() + settings.TURN_WAIT_SECONDS, _FIRST_PAUSE_SECONDS
    with listening_for_bell(begun.claim.session_pk) as bell:
        while time.monotonic() < give_up_at:
            bell.clear()
            if (started := await _start_if_next(begun.claim, live)) is not None:
                return Conversation.of(started)
            await _pause(bell, pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
    raise TurnInProgressError


async def _start_if_next(claim: Claim, live: LiveTurn) -> Row | None:
    """A database that is away is asked again: the line stands still without it."""
    with contextlib.suppress(psycopg.OperationalError):
        place = await line.look_at_line(claim)
        if place is None or place["state"] == "stopped":
            live.interruption = "lost" if place is None else "stopped"
            raise InterruptedTurn
        if place["is_next"]:
            return await line.start_turn(claim, settings.TURN_LEASE_SECONDS)
    return None


async def _pause(bell: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await bell.wait()
