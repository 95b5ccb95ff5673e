"""The process manager: Parlour's own processes, beside the servers they need.

Honcho starts them, colours their lines and stops all when one ends. Its answer to signals is replaced:
SIGTERM goes to each process alone, which ends its children in order (Celery's pool would otherwise lose the
task it runs); a second signal kills; a signal that comes while the processes are still starting is not lost.
"""

import contextlib
import dataclasses
import os
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Final

import honcho.manager
import honcho.printer

from config.embedded.interruption import STOP_SIGNALS, handling
from config.embedded.ledger import Ledger, kill_group
from config.embedded.part import Part
from config.embedded.server import Server

_BANNER: Final = "banner"
_JOIN_SECONDS: Final = 5
_SIGNALLED: Final = 128  # what a shell adds to the signal's number
_FAILED: Final = 1

Announce = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class PartSpec:
    name: str
    command: Sequence[str]


class Printer(honcho.printer.Printer):  # type: ignore[misc]  # honcho publishes no types
    """Honcho's, with text that stands free of its prefix, and without fear of a terminal that is gone."""

    def write(self, message: Any) -> None:
        with contextlib.suppress(OSError, ValueError):
            if message.name == _BANNER:
                print(message.data, file=self.output, flush=True)
            else:
                super().write(message)


class Supervisor(honcho.manager.Manager):  # type: ignore[misc]  # honcho publishes no types
    """Runs the parts until one of them ends, a server ends, or a stop signal comes."""

    def __init__(self, servers: Sequence[Server], ledger: Ledger) -> None:
        super().__init__(Printer(sys.stdout))
        self._servers = servers
        self._ledger = ledger
        self._signals: list[int] = []
        self._after_start: Callable[[Announce], None] | None = None

    def run(
        self,
        parts: Sequence[PartSpec],
        environment: Mapping[str, str],
        folder: Path,
        after_start: Callable[[Announce], None],
    ) -> int:
        """Returns 0 where somebody asked for the end, otherwise the status of what failed.

        ``after_start`` runs in a thread beside them; what it announces is printed as it is.
        """
        self._process_ctor = Part
        for part in parts:
            self._add(part, environment, folder)
        self._after_start = after_start
        with handling(self._note_signal):
            try:
                self.loop()
            finally:
                self._leave_nothing()
        return self._exit_status()

    def _add(self, part: PartSpec, environment: Mapping[str, str], folder: Path) -> None:
        self._processes[part.name] = {
            "obj": Part(
                part.command,
                ledger=self._ledger,
                name=part.name,
                colour=next(self._colours),
                env=environment,
                cwd=folder,
            )
        }
        self._printer.width = max(self._printer.width, len(part.name))

    def _start(self) -> None:
        """Called by the loop once it has set its own signal handlers, which are replaced here."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._note_signal)
        # A watcher forked a moment ago still has the manager's handlers: it must not act in its name.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        super()._start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        threading.Thread(target=self._after_start, args=(self._announce,), daemon=True).start()

    def _announce(self, text: str) -> None:
        message = honcho.printer.Message(type="line", data=text, time=self._clock.now(), name=_BANNER, colour=None)
        self.events.put(message)

    def _note_signal(self, number: int, _frame: FrameType | None) -> None:
        self._signals.append(number)
        if len(self._signals) > 1:
            self.kill()

    def _any_stopped(self) -> bool:
        self._notice_lost_watchers()
        return bool(self._signals) or super()._any_stopped() or self._ended_server() is not None

    def terminate(self) -> None:
        """Called by the loop, once, as soon as ``_any_stopped``."""
        rest = "everything" if self._signals else "the rest"
        self._system_print(f"{self._reason()}; stopping {rest}\n")
        super().terminate()

    def _killall(self, force: bool = False) -> None:
        for process in self._processes.values():
            if "returncode" in process or "pid" not in process:
                continue
            if force:
                kill_group(process["pid"])
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process["pid"], signal.SIGTERM)

    def _notice_lost_watchers(self) -> None:
        """A watcher that was itself killed tells nothing any more."""
        for process in self._processes.values():
            if "returncode" not in process and (status := process["process"].exitcode):
                process.setdefault("pid", process["process"].pid)
                process["returncode"] = status

    def _ended_server(self) -> Server | None:
        return next((server for server in self._servers if server.exit_status() is not None), None)

    def _ended_part(self) -> tuple[str, int] | None:
        ended = ((name, process.get("returncode")) for name, process in self._processes.items())
        return next(((name, status) for name, status in ended if status is not None), None)

    def _reason(self) -> str:
        if self._signals:
            return f"{signal.Signals(self._signals[0]).name} received"
        if server := self._ended_server():
            return f"{server.name} {describe(server.exit_status() or 0)} (see {server.log})"
        name, status = self._ended_part() or ("a process", 0)
        return f"{name} {describe(status)}"

    def _exit_status(self) -> int:
        if self._signals:
            return 0 if len(self._signals) == 1 else _SIGNALLED + self._signals[-1]
        server = self._ended_server()
        status = server.exit_status() if server else self.returncode
        return _SIGNALLED - status if status and status < 0 else status or _FAILED

    def _leave_nothing(self) -> None:
        self.kill()
        for process in self._processes.values():
            if watcher := process.get("process"):
                watcher.join(_JOIN_SECONDS)
                watcher.kill()
        self.events.cancel_join_thread()


def describe(status: int) -> str:
    """The end of a process in words; a negative status is minus the signal's number."""
    if status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with exit status {status}"
