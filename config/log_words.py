"""The words of our own that a log line may hold as a value: codes, reasons, states, names of tasks."""

from typing import Final, get_args

from celery import current_app, states

from agents.errors import TimeoutReason, UnavailableReason
from sessions.errors import RequestError

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD: Final = "OTHER"

_WORDS: Final = frozenset(
    {*METHODS, OTHER_METHOD, *states.ALL_STATES, *get_args(UnavailableReason), *get_args(TimeoutReason)}
)


class Route(str):
    """An address's pattern, as it stands in the URLconf. Only what takes one from there makes this of it."""

    __slots__ = ()


def is_our_word(word: str) -> bool:
    return word in _WORDS or word in _codes(RequestError) or word in current_app.tasks


def _codes(error: type[RequestError]) -> set[str]:
    """Of the whole tree."""
    return {error.code}.union(*map(_codes, error.__subclasses__()))
