"""The embedded Redis."""

import dataclasses
import signal
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from config.embedded.ports import LOOPBACK
from config.embedded.programs import redis_program
from config.embedded.server import Server, Shutdown, Surroundings, start_on_free_port

# The client's own retries wait a second and more.
_NO_RETRY: Final = Retry(NoBackoff(), 0)
_SHUTDOWN: Final = Shutdown(signal.SIGTERM, signal.SIGKILL, patience_seconds=10)


@dataclasses.dataclass(frozen=True)
class RedisTraits:
    databases: int


KEPT: Final = RedisTraits(databases=16)
THROW_AWAY: Final = RedisTraits(databases=64)


@dataclasses.dataclass(frozen=True)
class RunningRedis:
    server: Server
    port: int
    url: str


def start_redis(around: Surroundings, traits: RedisTraits, password: str, port: int | None = None) -> RunningRedis:
    """Starts it on ``port`` where that is free, and waits until it answers. Raises ServerFailedError."""
    program = redis_program(around.account, around.programs_home)
    folder = around.account.make_folder(around.home / "redis")

    def start(free: int) -> Server:
        # The configuration goes through standard input: other users of the machine can read a command line.
        configuration = _configuration(str(folder), traits, password, free)
        return Server("redis", [str(program), "-"], folder, _SHUTDOWN, around, text=configuration)

    server, port = start_on_free_port(port, start, lambda free: _answers(_url(password, free)))
    return RunningRedis(server, port, _url(password, port))


def _configuration(folder: str, traits: RedisTraits, password: str, port: int) -> str:
    lines = [
        f"bind {LOOPBACK}",
        f"port {port}",
        f"requirepass {password}",
        f'dir "{folder}"',
        f"databases {traits.databases}",
        # Nothing goes to the disk: words of a running turn would still be there when their visitor has erased them.
        "appendonly no",
        'save ""',
        "slowlog-log-slower-than -1",  # it would keep commands with their values
    ]
    return "\n".join(lines) + "\n"


def _url(password: str, port: int) -> str:
    return f"redis://:{password}@{LOOPBACK}:{port}/0"


def _answers(url: str) -> bool:
    try:
        with redis.Redis.from_url(url, retry=_NO_RETRY) as client:
            return bool(client.ping())
    except redis.ConnectionError:  # not listening yet, or still reading its file
        return False
