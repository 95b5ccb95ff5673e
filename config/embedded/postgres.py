"""The embedded PostgreSQL: TCP on 127.0.0.1, passwords by scram-sha-256, two roles and one database.

``parlour_owner`` owns the database and migrates it; ``parlour_app`` serves, owns nothing and is a member of
nothing.
"""

import contextlib
import dataclasses
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg import sql

from config.embedded.credentials import Credentials, write_private
from config.embedded.errors import ServerFailedError
from config.embedded.ports import LOOPBACK
from config.embedded.programs import postgres_programs
from config.embedded.server import Server, Shutdown, Surroundings, start_on_free_port

SUPERUSER: Final = "postgres"
OWNER: Final = "parlour_owner"
APP: Final = "parlour_app"
DATABASE: Final = "parlour"

# SIGINT is the fast shutdown; SIGTERM would wait for every client to leave.
_SHUTDOWN: Final = Shutdown(signal.SIGINT, signal.SIGQUIT, patience_seconds=20)
_APP_ATTRIBUTES: Final = "LOGIN NOSUPERUSER NOBYPASSRLS NOINHERIT NOCREATEDB NOCREATEROLE NOREPLICATION"
_OWNER_ATTRIBUTES: Final = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION"


@dataclasses.dataclass(frozen=True)
class PostgresTraits:
    settings: Mapping[str, str]
    durable: bool
    owner_makes_databases: bool


_ALWAYS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    # Statements, parameters, and what an error says of them hold what visitors wrote; Parlour's own log has the error's
    # SQLSTATE and its place. "log" stands above "error" here.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "jit": "off",  # compiling costs more than any query here takes
}
KEPT: Final = PostgresTraits(
    settings={**_ALWAYS, "max_connections": "60", "shared_buffers": "128MB", "max_wal_size": "512MB"},
    durable=True,
    owner_makes_databases=False,
)
THROW_AWAY: Final = PostgresTraits(
    settings={
        **_ALWAYS,
        "max_connections": "200",
        "shared_buffers": "128MB",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "autovacuum_naptime": "10s",
    },
    durable=False,
    owner_makes_databases=True,
)


@dataclasses.dataclass(frozen=True)
class RunningPostgres:
    server: Server
    port: int
    app_url: str
    owner_url: str
    superuser_url: str


def start_postgres(
    around: Surroundings, traits: PostgresTraits, credentials: Credentials, port: int | None = None
) -> RunningPostgres:
    """Makes the cluster the first time, starts it on ``port`` where that is free, sees to roles and database.

    Raises ServerFailedError where it does not start or the credentials are not its own.
    """
    programs = postgres_programs(around.account, around.programs_home)
    data = around.account.make_folder(around.home / "postgres") / "data"
    _make_cluster(programs, data, around, traits, credentials)

    def start(free: int) -> Server:
        options = [f"--{name}={value}" for name, value in {**traits.settings, "port": str(free)}.items()]
        command = [str(programs / "postgres"), "-D", str(data), *options]
        return Server("postgres", command, data, _SHUTDOWN, around)

    server, port = start_on_free_port(port, start, lambda free: _accepts(_superuser_url(credentials, free)))
    try:
        _see_to_roles(_superuser_url(credentials, port), traits, credentials)
    except BaseException:
        server.stop()
        raise
    return RunningPostgres(
        server,
        port,
        app_url=_url(APP, credentials.app_password, port),
        owner_url=_url(OWNER, credentials.owner_password, port),
        superuser_url=_superuser_url(credentials, port, DATABASE),
    )


def _url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    return f"postgres://{role}:{password}@{LOOPBACK}:{port}/{database}"


def _superuser_url(credentials: Credentials, port: int, database: str = "postgres") -> str:
    return _url(SUPERUSER, credentials.superuser_password, port, database)


def _make_cluster(
    programs: Path, data: Path, around: Surroundings, traits: PostgresTraits, credentials: Credentials
) -> None:
    """``initdb``, into a folder that takes its name only when it is whole."""
    if data.exists():
        return
    draft = data.with_name("initdb")
    _run_initdb(
        [
            *(str(programs / "initdb"), f"--pgdata={draft}", f"--username={SUPERUSER}", "--no-instructions"),
            *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--auth=scram-sha-256", *([] if traits.durable else ["--no-sync"])),
        ],
        draft,
        around,
        credentials.superuser_password,
    )
    draft.rename(data)


def _run_initdb(command: list[str], draft: Path, around: Surroundings, password: str) -> None:
    # initdb opens the password file by name and as the account, so it lies in the account's own folder.
    password_file = draft.with_name("superuser")
    write_private(password_file, password)
    around.account.own(password_file)
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", 'rm -rf "$0" && exec "$@"', str(draft), *command, f"--pwfile={password_file}"],
            cwd=draft.parent,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            capture_output=True,
            text=True,
            check=False,
            **around.account.spawn_options,
        )
    finally:
        password_file.unlink()
    if done.returncode:
        raise ServerFailedError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _accepts(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError as error:
        if "password authentication failed" in str(error):
            raise ServerFailedError(
                "The database was made with other passwords than those in .run/. `make clean` begins anew."
            ) from error
        return False
    return True


def _see_to_roles(superuser_url: str, traits: PostgresTraits, credentials: Credentials) -> None:
    """Says every time what they are: a first run that was cut short leaves nothing half done."""
    owner_attributes = f"{_OWNER_ATTRIBUTES} {'CREATEDB' if traits.owner_makes_databases else 'NOCREATEDB'}"
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        _state_role(connection, OWNER, owner_attributes, credentials.owner_password)
        _state_role(connection, APP, _APP_ATTRIBUTES, credentials.app_password)
        with contextlib.suppress(psycopg.errors.DuplicateDatabase):
            _execute(connection, "CREATE DATABASE {} OWNER {}", DATABASE, OWNER)
        _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", DATABASE)
        _execute(connection, "GRANT CONNECT ON DATABASE {} TO {}", DATABASE, APP)


def _state_role(connection: psycopg.Connection[Any], role: str, attributes: str, password: str) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        _execute(connection, "CREATE ROLE {}", role)
    statement = "ALTER ROLE {} " + attributes + " PASSWORD {}"
    connection.execute(sql.SQL(statement).format(sql.Identifier(role), sql.Literal(password)))


def _execute(connection: psycopg.Connection[Any], statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
