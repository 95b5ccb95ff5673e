"""The secrets of one local installation: made once, kept in a file only its owner can read."""

import base64
import dataclasses
import json
import os
import secrets
from pathlib import Path
from typing import Self

from config.embedded.errors import EmbeddedError


def _encryption_key_ring() -> str:
    return "1:" + base64.b64encode(secrets.token_bytes(32)).decode()


@dataclasses.dataclass(frozen=True)
class Credentials:
    """Passwords are URL-safe, so that they stand in addresses as they are."""

    superuser_password: str = dataclasses.field(default_factory=secrets.token_urlsafe)
    owner_password: str = dataclasses.field(default_factory=secrets.token_urlsafe)
    app_password: str = dataclasses.field(default_factory=secrets.token_urlsafe)
    redis_password: str = dataclasses.field(default_factory=secrets.token_urlsafe)
    secret_key: str = dataclasses.field(default_factory=lambda: secrets.token_urlsafe(64))
    encryption_keys: str = dataclasses.field(default_factory=_encryption_key_ring)

    @classmethod
    def kept_in(cls, path: Path) -> Self:
        """Those of ``path``, which is written the first time."""
        if not path.exists():
            created = cls()
            write_private(path, json.dumps(dataclasses.asdict(created), indent=2))
            return created
        try:
            return cls(**json.loads(path.read_text()))
        except (OSError, ValueError, TypeError) as error:
            raise EmbeddedError(f"{path} cannot be used ({error}). `make clean` begins anew.") from error


def write_private(path: Path, text: str) -> None:
    """Replaces ``path`` in one step; nobody but the owner could read it at any moment."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
