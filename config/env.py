"""The settings' only way to the environment: every value is checked, every complaint names its variable.

A secret may also come from a file: where ``NAME`` is unset, ``NAME_FILE`` names a file that holds it.
"""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_KEY_BYTES: Final = 32


class Environment:
    """Reads named values out of a mapping such as ``os.environ``.

    Every method raises ``ImproperlyConfigured`` with a sentence that names the variable and says what is wrong.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, *, meaning: str, default: str | None = None) -> str:
        """The value of ``name``; ``meaning`` completes the sentence "NAME is missing: it is ..."."""
        value = self._raw(name)
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is missing: it is {meaning}.")
        return default

    def optional(self, name: str) -> str | None:
        return self._raw(name) or None

    def integer(self, name: str, *, default: int, minimum: int = 0, maximum: int = 1_000_000) -> int:
        value = self._raw(name) or str(default)
        try:
            number = int(value)
        except ValueError:
            raise ImproperlyConfigured(f"{name} must be a whole number, not {value!r}.") from None
        if not minimum <= number <= maximum:
            raise ImproperlyConfigured(f"{name} must lie between {minimum} and {maximum}, not {number}.")
        return number

    def boolean(self, name: str, *, default: bool) -> bool:
        value = (self._raw(name) or str(default)).lower()
        if value in {"1", "true", "yes", "on"}:
            return True
        if value in {"0", "false", "no", "off"}:
            return False
        raise ImproperlyConfigured(f"{name} must be true or false, not {value!r}.")

    def words(self, name: str, *, default: list[str] | None = None, meaning: str = "a list") -> list[str]:
        """A comma-separated list; without ``default`` it must not be empty."""
        words = [word.strip() for word in (self._raw(name) or "").split(",") if word.strip()]
        if words:
            return words
        if default is None:
            raise ImproperlyConfigured(f"{name} is missing: it is {meaning}.")
        return default

    def database(self, name: str, *, meaning: str) -> dict[str, Any]:
        """Django's connection settings out of a ``postgres://user:password@host:port/name`` URL."""
        url = self.text(name, meaning=meaning)
        settings: dict[str, Any] = environ.Env.db_url_config(url)
        if settings.get("ENGINE") != "django.db.backends.postgresql":
            raise ImproperlyConfigured(f"{name} must begin with postgres://, Parlour stores in PostgreSQL alone.")
        return settings

    def redis_url(self, name: str) -> str:
        url = self.text(name, meaning="the address of Redis, such as redis://localhost:6379/0")
        if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ImproperlyConfigured(f"{name} must begin with redis://, rediss:// or unix://.")
        return url

    def web_origin(self, name: str, *, default: str | None = None) -> str:
        """An address such as ``https://chat.example.com``: scheme and host, no path."""
        url = self.text(name, meaning="the address visitors' browsers reach Parlour at", default=default).rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
            raise ImproperlyConfigured(f"{name} must look like https://chat.example.com, not {url!r}.")
        return url

    def encryption_keys(self, name: str) -> dict[str, bytes]:
        """The key ring ``id:base64,id:base64`` as id -> 32 bytes, the first one sealing, all of them opening."""
        ring = {}
        for entry in self.words(name, meaning="the key ring, id:base64 of 32 bytes, the newest first"):
            key_id, _, encoded = entry.partition(":")
            if not key_id or key_id in ring:
                raise ImproperlyConfigured(f"{name} needs a different id before each colon.")
            ring[key_id] = self._decoded_key(name, key_id, encoded)
        return ring

    @staticmethod
    def _decoded_key(name: str, key_id: str, encoded: str) -> bytes:
        try:
            key = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise ImproperlyConfigured(f"{name}: key {key_id!r} is not base64.") from None
        if len(key) != _KEY_BYTES:
            raise ImproperlyConfigured(f"{name}: key {key_id!r} has {len(key)} bytes instead of {_KEY_BYTES}.")
        return key

    def _raw(self, name: str) -> str | None:
        if value := self._values.get(name):
            return value
        if path := self._values.get(f"{name}_FILE"):
            return self._file(name, Path(path))
        return None

    @staticmethod
    def _file(name: str, path: Path) -> str:
        try:
            return path.read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
