"""What a signal means: while starting it breaks off, while stopping it hurries."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Handler = Callable[[int, FrameType | None], object]


@contextlib.contextmanager
def handling(handler: Handler) -> Iterator[None]:
    """Every stop signal calls ``handler`` inside; afterwards the former handlers are back."""
    former = {number: signal.signal(number, handler) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler_before in former.items():
            signal.signal(number, handler_before)


def raising() -> contextlib.AbstractContextManager[None]:
    """Every stop signal raises KeyboardInterrupt inside, SIGTERM and a closed terminal as well as Ctrl-C."""
    return handling(signal.default_int_handler)
