"""A server process: started apart from the terminal's group, watched, stopped in its own way."""

import contextlib
import ctypes
import dataclasses
import functools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Final

from config.embedded.account import Account
from config.embedded.errors import ServerFailedError
from config.embedded.ledger import Ledger
from config.embedded.ports import free_port

_PR_SET_PDEATHSIG: Final = 1
_LOG_LINES: Final = 15
_READY_TIMEOUT_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02
_PORT_ATTEMPTS: Final = 5
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclasses.dataclass(frozen=True)
class Shutdown:
    """How a server is asked to stop, and how when that took too long or the person is in a hurry."""

    ask: signal.Signals
    hurry: signal.Signals
    patience_seconds: float


@dataclasses.dataclass(frozen=True)
class Surroundings:
    """What both servers of one system share."""

    home: Path  # a folder the account can enter
    programs_home: Path  # where programs are copied to if the account cannot run those of the wheels
    account: Account
    ledger: Ledger


class Server:
    """A running server. Its output is in ``log``."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        folder: Path,
        shutdown: Shutdown,
        around: Surroundings,
        text: str = "",
    ) -> None:
        """``text`` goes to the server's standard input."""
        self.name = name
        self.log = around.home / f"{name}.log"
        self._shutdown = shutdown
        with _private_file(self.log) as log, tempfile.TemporaryFile() as stdin:
            stdin.write(text.encode())
            stdin.seek(0)
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # One call into libc, in a process without threads.
                preexec_fn=lambda: send_when_parent_dies(shutdown.ask),  # noqa: PLW1509
                **around.account.spawn_options,
            )
        around.ledger.record(name, self._process.pid)

    def exit_status(self) -> int | None:
        """None while it runs; minus the number of the signal that killed it."""
        return self._process.poll()

    def log_end(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def stop(self) -> None:
        """Asks it to stop and waits; a server that takes too long is told to hurry, then killed."""
        for number in (self._shutdown.ask, self._shutdown.hurry, signal.SIGKILL):
            self._send(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(self._shutdown.patience_seconds)
                return

    def hurry(self) -> None:
        self._send(self._shutdown.hurry)

    def wait_until(self, is_ready: Callable[[], bool]) -> None:
        """Raises ServerFailedError where it ends before that, or takes longer than a minute."""
        deadline = time.monotonic() + _READY_TIMEOUT_SECONDS
        while not is_ready():
            if self.exit_status() is not None:
                raise ServerFailedError(f"{self.name} did not start. The end of its log:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise ServerFailedError(f"{self.name} is not ready after a minute. See {self.log}.")
            time.sleep(_POLL_SECONDS)

    def _send(self, number: signal.Signals) -> None:
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)


def _private_file(path: Path) -> IO[bytes]:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def start_on_free_port(
    preferred: int | None, start: Callable[[int], Server], is_ready: Callable[[int], bool]
) -> tuple[Server, int]:
    """Starts a server on ``preferred`` or another free port, and waits until it is ready.

    Between finding a port and listening on it somebody else may take it: then another one is tried.
    """
    for attempt in range(_PORT_ATTEMPTS):
        port = free_port(None if attempt else preferred)
        server = start(port)
        try:
            server.wait_until(functools.partial(is_ready, port))
        except BaseException as error:
            server.stop()
            if isinstance(error, ServerFailedError) and "Address already in use" in server.log_end():
                continue
            raise
        return server, port
    raise ServerFailedError(f"No free port was found in {_PORT_ATTEMPTS} attempts.")


def send_when_parent_dies(number: signal.Signals) -> None:
    """Asks Linux to send ``number`` to this process when the one that began it is gone.

    For use between fork and exec. Elsewhere the next run's sweep of the ledger must do.
    """
    if _libc:
        _libc.prctl(_PR_SET_PDEATHSIG, number)
