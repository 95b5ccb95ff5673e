"""A Redis of a test's own, which may be killed, hang, and come back having forgotten everything."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.embedded.account import Account
from config.embedded.credentials import Credentials
from config.embedded.ledger import Ledger
from config.embedded.server import Surroundings
from config.embedded.workspace import make_closed
from tests.faults.stack import Redis


@contextmanager
def own_redis() -> Iterator[Redis]:
    """Needs the environment of ``config.embedded exec``."""
    folder = Path(os.environ["EMBEDDED_DIR"]) / f"redis-{secrets.token_hex(6)}"
    make_closed(folder)
    account = Account.for_data(folder / "redis")
    redis = Redis(Surroundings(folder, folder.parents[1], account, Ledger(folder / "processes")), Credentials())
    try:
        yield redis
    finally:
        redis.kill()
