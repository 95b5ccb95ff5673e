"""The servers themselves: roles, passwords, who may read what."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import psycopg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.account import Account, servers_home
from config.embedded.credentials import Credentials
from config.embedded.errors import ServerFailedError
from config.embedded.server import Surroundings
from config.embedded.servers import KEPT, Ports, RunningServers, running_servers
from config.embedded.workspace import clean, ledger_in, make_closed

CREDENTIALS: Final = Credentials()


def surroundings(run_dir: Path) -> Surroundings:
    make_closed(run_dir)
    account = Account.for_data(run_dir / "postgres")
    home = servers_home(run_dir, account)
    return Surroundings(home, home, account, ledger_in(run_dir))


@pytest.fixture(scope="module")
def servers(run_dir: Path) -> Iterator[RunningServers]:
    with running_servers(surroundings(run_dir), KEPT, CREDENTIALS, Ports()) as running:
        yield running


def test_roles_have_exactly_their_attributes(servers: RunningServers) -> None:
    statement = """
        SELECT rolname::text, rolcanlogin, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication,
               rolbypassrls
        FROM pg_roles WHERE rolname LIKE 'parlour%' ORDER BY rolname"""
    with psycopg.connect(servers.postgres.superuser_url) as connection:
        assert connection.execute(statement).fetchall() == [
            ("parlour_app", True, False, False, False, False, False, False),
            ("parlour_owner", True, False, True, False, False, False, False),
        ]
        assert connection.execute("SELECT * FROM pg_auth_members WHERE member > 16383").fetchall() == []


def test_owner_owns_the_database_and_the_app_may_only_connect(servers: RunningServers) -> None:
    statement = """
        SELECT pg_get_userbyid(datdba)::text, has_database_privilege('parlour_app', oid, 'CONNECT'),
               has_database_privilege('parlour_app', oid, 'CREATE'), has_database_privilege('parlour_app', oid, 'TEMP'),
               has_schema_privilege('parlour_app', 'public', 'CREATE')
        FROM pg_database WHERE datname = 'parlour'"""
    with psycopg.connect(servers.postgres.superuser_url) as connection:
        assert connection.execute(statement).fetchone() == ("parlour_owner", True, False, False, False)


def test_every_way_in_asks_for_a_password(servers: RunningServers) -> None:
    with psycopg.connect(servers.postgres.superuser_url) as connection:
        methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
        listening = connection.execute("SHOW listen_addresses").fetchone()
        sockets = connection.execute("SHOW unix_socket_directories").fetchone()

    assert (methods, listening, sockets) == ([("scram-sha-256",)], ("127.0.0.1",), ("",))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(servers.postgres.app_url.replace(CREDENTIALS.app_password, "guess"))


def test_redis_asks_for_a_password(servers: RunningServers) -> None:
    with redis.Redis.from_url(servers.redis.url) as client:
        assert client.ping() is True
        assert client.config_get("appendonly") == {"appendonly": "no"}
    with (
        redis.Redis(port=servers.redis.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_nobody_else_reads_data_logs_or_secrets(servers: RunningServers) -> None:
    home = servers.postgres.server.log.parent
    private = [home / "postgres", home / "redis", servers.postgres.server.log, servers.redis.server.log]

    assert [stat.S_IMODE(path.stat().st_mode) & 0o077 for path in private] == [0, 0, 0, 0]
    assert [path for path in home.rglob("*") if path.is_file() and path.name == "superuser"] == []


def test_other_passwords_than_the_databases_are_a_sentence(run_dir: Path) -> None:
    parent = run_dir.parent / "renewed"
    with running_servers(surroundings(parent), KEPT, CREDENTIALS, Ports()):
        pass

    with (
        pytest.raises(ServerFailedError, match="`make clean` begins anew"),
        running_servers(surroundings(parent), KEPT, Credentials(), Ports()),
    ):
        pass
    clean(parent)


def test_servers_come_back_on_their_ports_and_postgresql_with_its_data(run_dir: Path) -> None:
    """Redis keeps nothing on the disk, where an erased visitor's words would outlast the erasure."""
    folder = run_dir.parent / "again"
    with running_servers(surroundings(folder), KEPT, CREDENTIALS, Ports()) as first:
        ports = Ports(first.postgres.port, first.redis.port)
        with psycopg.connect(first.postgres.superuser_url) as connection:
            connection.execute("CREATE TABLE greetings AS SELECT 'hello' AS greeting")
        with redis.Redis.from_url(first.redis.url) as client:
            client.set("greeting", "canary-of-redis")

    assert [path for path in (folder / "redis").rglob("*") if b"canary-of-redis" in path.read_bytes()] == []
    with running_servers(surroundings(folder), KEPT, CREDENTIALS, ports) as second:
        assert (second.postgres.port, second.redis.port) == (ports.postgres, ports.redis)
        with psycopg.connect(second.postgres.superuser_url) as connection:
            assert connection.execute("SELECT greeting FROM greetings").fetchall() == [("hello",)]
        with redis.Redis.from_url(second.redis.url) as client:
            assert client.get("greeting") is None
    clean(folder)
    assert not folder.exists()
