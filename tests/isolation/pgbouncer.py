"""A real PgBouncer in transaction mode in front of the tests' database, as large installations have one."""

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from django.db import connections

from config.embedded.account import Account
from config.embedded.credentials import write_private
from config.embedded.ledger import Ledger
from config.embedded.ports import LOOPBACK
from config.embedded.server import Server, Shutdown, Surroundings, start_on_free_port
from config.embedded.workspace import make_closed

PROGRAM: Final = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', os.defpath)}:/usr/sbin")
SERVER_CONNECTIONS: Final = 2

_CONFIGURATION: Final = """
[databases]
{name} = host={host} port={port} dbname={name} user={user} password={password}
[pgbouncer]
listen_addr = {loopback}
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {size}
max_client_conn = 200
"""


@contextmanager
def running_pgbouncer() -> Iterator[int]:
    """Gives its port. Needs the environment of ``config.embedded exec``; it refuses to run as root."""
    folder = Path(os.environ["EMBEDDED_DIR"]) / f"pgbouncer-{secrets.token_hex(6)}"
    make_closed(folder)
    account = Account.for_data(folder / "data")
    home = account.make_folder(folder / "data")
    around = Surroundings(folder, folder.parents[1], account, Ledger(folder / "processes"))

    def start(port: int) -> Server:
        configuration = home / f"{port}.ini"
        write_private(configuration, _configuration(port))
        account.own(configuration)
        shutdown = Shutdown(signal.SIGTERM, signal.SIGINT, patience_seconds=5)
        return Server("pgbouncer", [str(PROGRAM), str(configuration)], home, shutdown, around)

    server, port = start_on_free_port(None, start, _answers)
    try:
        yield port
    finally:
        server.stop()


def _configuration(port: int) -> str:
    database = connections["default"].settings_dict
    return _CONFIGURATION.format(
        name=database["NAME"],
        host=database["HOST"],
        port=database["PORT"],
        user=database["USER"],
        password=database["PASSWORD"],
        loopback=LOOPBACK,
        listen_port=port,
        size=SERVER_CONNECTIONS,
    )


def _answers(port: int) -> bool:
    try:
        name = connections["default"].settings_dict["NAME"]
        psycopg.connect(host=LOOPBACK, port=port, dbname=name, user="anybody", connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True
