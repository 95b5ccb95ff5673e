"""One process of Parlour under the process manager."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

import honcho.process

from config.embedded.interruption import STOP_SIGNALS
from config.embedded.ledger import Ledger, kill_group
from config.embedded.server import send_when_parent_dies

_COMMAND_NOT_FOUND: Final = 127
_GRACE_SECONDS: Final = 5
_MANAGER_DIED: Final = signal.SIGUSR1
_LAST_WORDS_SECONDS: Final = 2


class Part(honcho.process.Process):  # type: ignore[misc]  # honcho publishes no types
    """Honcho's process, run in a watcher of its own, with these differences:

    - The end of the process counts, not the end of its output, which its orphans could hold open for ever.
    - Its orphans are killed. When the manager is killed, the watcher ends process and orphans by itself (on Linux).
    - No shell, no input, and a Ctrl-C of the terminal never reaches it.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        ledger: Ledger,
        name: str,
        colour: str,
        env: Mapping[str, str],
        cwd: Path,
    ) -> None:
        super().__init__(list(command), name=name, colour=colour, env=dict(env), cwd=str(cwd))
        self._ledger = ledger

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """The life of the watcher, which tells ``events`` about start, lines and stop."""
        self._events = events
        if ignore_signals:
            _leave_signals_to_the_manager()
        try:
            child = self._begin()
        except OSError as error:
            self._send_message(f"cannot start: {error}")
            self._send_message({"pid": os.getpid()}, type="start")
            self._send_message({"returncode": _COMMAND_NOT_FOUND}, type="stop")
            return
        self._send_message({"pid": child.pid}, type="start")
        self._send_message({"returncode": self._accompany(child)}, type="stop")

    def _begin(self) -> "subprocess.Popen[bytes]":
        child = subprocess.Popen(
            self.cmd,
            env=self.env,
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            # One call into libc, in a process without threads.
            preexec_fn=lambda: send_when_parent_dies(signal.SIGTERM),  # noqa: PLW1509
        )
        self._ledger.record(self.name, child.pid)
        return child

    def _accompany(self, child: "subprocess.Popen[bytes]") -> int:
        _end_with_the_manager(child.pid)
        relay = threading.Thread(target=self._relay, args=(child.stdout,), daemon=True)
        relay.start()
        status = child.wait()
        signal.alarm(0)
        kill_group(child.pid)
        relay.join(_LAST_WORDS_SECONDS)
        return status

    def _relay(self, output: IO[bytes]) -> None:
        with contextlib.suppress(ValueError):
            for line in output:
                self._send_message(line)


def _leave_signals_to_the_manager() -> None:
    # Handlers that do nothing, rather than SIG_IGN: the process to be started would inherit that.
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)


def _end_with_the_manager(child: int) -> None:
    """When the manager dies: SIGTERM to ``child``, and SIGKILL to its group when that takes too long."""

    def ask(*_: object) -> None:
        signal.alarm(_GRACE_SECONDS)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)

    signal.signal(_MANAGER_DIED, ask)
    signal.signal(signal.SIGALRM, lambda *_: kill_group(child))
    send_when_parent_dies(_MANAGER_DIED)
