"""Free ports of 127.0.0.1."""

import errno
import os
import socket
from typing import Final

from config.embedded.errors import EmbeddedError, PortInUseError

LOOPBACK: Final = "127.0.0.1"
_HIGHEST_PORT: Final = 65_535


def port_from_environment() -> int:
    """``PORT``, 8000 where it is not set. Raises EmbeddedError with a sentence where it is no port."""
    value = os.environ.get("PORT") or "8000"
    if value.isascii() and value.isdigit() and 1 <= int(value) <= _HIGHEST_PORT:
        return int(value)
    raise EmbeddedError(f"PORT must be a number from 1 to {_HIGHEST_PORT}, not {value!r}.")


def require_free_port(port: int) -> None:
    """Raises PortInUseError where ``port`` cannot be listened on."""
    if reason := _refusal(port):
        raise PortInUseError(f"Port {port} {reason}. Choose another one: PORT={_neighbour(port)} make run")


def free_port(preferred: int | None) -> int:
    """``preferred`` while nobody listens there, otherwise any free one. It may be taken before it is used."""
    if preferred and not _refusal(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def _refusal(port: int) -> str | None:
    with socket.socket() as probe:
        # As servers do: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            return "is in use" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
    return None


def _neighbour(port: int) -> int:
    return next((other for other in range(port + 1, _HIGHEST_PORT) if not _refusal(other)), 8000)
