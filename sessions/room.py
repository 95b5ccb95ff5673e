"""How many turns, and readers of other requests' turns, this process has room for."""

import time
from collections.abc import Callable
from typing import Final

import structlog
from django.conf import settings

from sessions.errors import OverloadedError

log = structlog.get_logger(__name__)

_SECONDS_BETWEEN_LINES: Final = 10.0


class _Room:
    def __init__(self) -> None:
        self._taken = self._refused = 0
        self._quiet_until = 0.0

    def check(self) -> None:
        if self._taken >= settings.MAX_TURNS_IN_FLIGHT:
            self._refuse()

    def take(self) -> Callable[[], None]:
        self.check()
        self._taken += 1
        given_back = False

        def give_back() -> None:
            nonlocal given_back
            self._taken -= not given_back
            given_back = True

        return give_back

    def _refuse(self) -> None:
        """A line for each refusal would be a load of its own."""
        self._refused += 1
        if time.monotonic() >= self._quiet_until:
            log.warning("all places are taken", taken=self._taken, refused=self._refused)
            self._refused, self._quiet_until = 0, time.monotonic() + _SECONDS_BETWEEN_LINES
        raise OverloadedError


_room: Final = _Room()


def check_room() -> None:
    """Raises ``OverloadedError`` where nothing more fits."""
    _room.check()


def take_place() -> Callable[[], None]:
    """Takes a place, until what is given back is called, once or more. Raises ``OverloadedError``."""
    return _room.take()
