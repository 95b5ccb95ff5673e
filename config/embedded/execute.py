"""``python -m config.embedded exec -- COMMAND``: one command with a throw-away PostgreSQL and Redis."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

from config.embedded.account import Account, servers_home
from config.embedded.credentials import Credentials
from config.embedded.interruption import handling, raising
from config.embedded.server import Surroundings, send_when_parent_dies
from config.embedded.servers import THROW_AWAY, Ports, running_servers
from config.embedded.terminal import complain
from config.embedded.throw_away import throw_away_folder
from config.embedded.workspace import ledger_in, make_closed

_INTERRUPTED: Final = 130
_NOT_FOUND: Final = 127
_SIGNALLED: Final = 128  # what a shell adds to the signal's number


def execute(command: Sequence[str], run_dir: Path) -> int:
    """Returns the command's exit status, as a shell would. Several may run at once, also beside `run`.

    The command finds the settings' variables in its environment, and for tests that break things EMBEDDED_DIR
    (the servers' folder, with their logs) and EMBEDDED_SUPERUSER_URL.
    """
    make_closed(run_dir)
    try:
        with raising(), throw_away_folder(run_dir) as folder:
            return _execute_in(folder, run_dir, command)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _execute_in(folder: Path, run_dir: Path, command: Sequence[str]) -> int:
    credentials = Credentials()
    account = Account.for_data(folder / "postgres")
    shared_home = servers_home(run_dir, account)
    home = shared_home / folder.name
    make_closed(home)
    around = Surroundings(home, shared_home, account, ledger_in(folder))
    with running_servers(around, THROW_AWAY, credentials, Ports()) as servers:
        return _in_foreground(
            command,
            {
                **os.environ,
                **servers.environment(credentials),
                "DJANGO_SETTINGS_MODULE": "config.settings.test",
                "EMBEDDED_DIR": str(home),
                "EMBEDDED_SUPERUSER_URL": servers.postgres.superuser_url,
            },
        )


def _in_foreground(command: Sequence[str], environment: Mapping[str, str]) -> int:
    # At a terminal the command stays in our group: it may read what is typed, and Ctrl-C comes by itself.
    # Elsewhere it leads its own: every signal reaches it through us, and so exactly once.
    at_terminal = sys.stdin is not None and sys.stdin.isatty()
    try:
        process = subprocess.Popen(
            command,
            env=environment,
            process_group=None if at_terminal else 0,
            # One call into libc, in a process without threads.
            preexec_fn=lambda: send_when_parent_dies(signal.SIGTERM),  # noqa: PLW1509
        )
    except OSError as error:
        complain(f"{command[0]} cannot be started: {error.strerror}.")
        return _NOT_FOUND

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and at_terminal:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)

    with handling(pass_on):
        status = process.wait()
    return _SIGNALLED - status if status < 0 else status
