"""PostgreSQL and Redis together: what the rest of a system stands on."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Final

from config.embedded import postgres, redis
from config.embedded.credentials import Credentials
from config.embedded.interruption import handling
from config.embedded.server import Server, Surroundings


@dataclasses.dataclass(frozen=True)
class Kind:
    postgres: postgres.PostgresTraits
    redis: redis.RedisTraits


KEPT: Final = Kind(postgres.KEPT, redis.KEPT)
THROW_AWAY: Final = Kind(postgres.THROW_AWAY, redis.THROW_AWAY)


@dataclasses.dataclass(frozen=True)
class Ports:
    """Those of the last time, None before the first."""

    postgres: int | None = None
    redis: int | None = None


@dataclasses.dataclass(frozen=True)
class RunningServers:
    postgres: postgres.RunningPostgres
    redis: redis.RunningRedis

    def environment(self, credentials: Credentials) -> dict[str, str]:
        """What Parlour's settings need of them."""
        return {
            "DATABASE_URL": self.postgres.app_url,
            "DATABASE_OWNER_URL": self.postgres.owner_url,
            "REDIS_URL": self.redis.url,
            "SECRET_KEY": credentials.secret_key,
            "ENCRYPTION_KEYS": credentials.encryption_keys,
        }


@contextlib.contextmanager
def running_servers(
    around: Surroundings, kind: Kind, credentials: Credentials, ports: Ports
) -> Iterator[RunningServers]:
    """Both servers, accepting connections; stopped at the end, PostgreSQL last. Raises ServerFailedError."""
    started: list[Server] = []
    try:
        redis_server = redis.start_redis(around, kind.redis, credentials.redis_password, ports.redis)
        started.append(redis_server.server)
        postgres_server = postgres.start_postgres(around, kind.postgres, credentials, ports.postgres)
        started.append(postgres_server.server)
        yield RunningServers(postgres_server, redis_server)
    finally:
        stop_in_order(started)


def stop_in_order(servers: list[Server]) -> None:
    """A stop signal on the way makes all of them hurry."""

    def hurry(*_: object) -> None:
        for server in servers:
            server.hurry()

    with handling(hurry):
        for server in servers:
            server.stop()
