"""Which processes were begun, written down so that a later run can end what a killed one left."""

import contextlib
import os
import signal
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_SLACK_SECONDS: Final = 1.0  # a start time is counted in clock ticks since boot


class Entry(NamedTuple):
    pid: int
    started_at: float  # seconds since the epoch, as psutil computes it
    name: str


class Ledger:
    """A file of lines ``pid started_at name``. Each process in it leads its own session and group."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, name: str, pid: int) -> None:
        """Appends one line; safe from several processes. A process that is gone already is left out."""
        with contextlib.suppress(psutil.NoSuchProcess), self._path.open("a") as file:
            file.write(f"{pid} {psutil.Process(pid).create_time()} {name}\n")

    def sweep(self, grace_seconds: float = 0) -> list[str]:
        """Ends whatever is left of the recorded sessions, forgets them, and returns the names found alive.

        They get SIGINT first where there is any ``grace_seconds``: PostgreSQL's fast shutdown.
        """
        left = self._survivors()
        if left and grace_seconds:
            _signal(left, signal.SIGINT)
            psutil.wait_procs(left, timeout=grace_seconds)
        _signal(left, signal.SIGKILL)
        psutil.wait_procs(left, timeout=5)
        self._path.unlink(missing_ok=True)
        return list(left.values())

    def _survivors(self) -> dict[psutil.Process, str]:
        entries = {entry.pid: entry for entry in self._entries()}
        return {process: entries[sid].name for process, sid in _sessions() if _belongs(process, entries.get(sid))}

    def _entries(self) -> list[Entry]:
        if not self._path.exists():
            return []
        lines = [line.split(maxsplit=2) for line in self._path.read_text().splitlines()]
        return [Entry(int(pid), float(started_at), name) for pid, started_at, name in lines]


def kill_group(pid: int) -> None:
    """SIGKILL to the group ``pid`` leads, or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _sessions() -> list[tuple[psutil.Process, int]]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError):
            found.append((process, os.getsid(process.pid)))
    return found


def _belongs(process: psutil.Process, leader: Entry | None) -> bool:
    """Whether it is the recorded leader or a later member of its session, not a stranger with a reused id.

    The kernel does not give a number out again while a session carries it.
    """
    if leader is None:
        return False
    try:
        age_gap = process.create_time() - leader.started_at
    except psutil.NoSuchProcess:
        return False
    if process.pid == leader.pid:
        return abs(age_gap) <= _SLACK_SECONDS
    return age_gap >= -_SLACK_SECONDS


def _signal(processes: dict[psutil.Process, str], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
