"""The settings' only way to the environment: every value is checked, every complaint names its variable.

A secret may also come from a file: where ``NAME`` is unset, ``NAME_FILE`` names a file that holds it.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv6Address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

_KEY_BYTES: Final = 32
_POSTGRES_SCHEMES: Final = {"postgres", "postgresql", "psql", "pgsql"}
_LABEL: Final = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
# A host name or an IPv4 address, or an IPv6 address in brackets; then the port, where there is one.
_WEB_ORIGIN: Final = re.compile(
    rf"https?://(?:{_LABEL}(?:\.{_LABEL})*|\[(?P<ipv6>[0-9a-f:.]+)\])(?::(?P<port>[0-9]{{1,5}}))?"
)
_MAX_PORT: Final = 65_535


class Environment:
    """Reads named values out of a mapping such as ``os.environ``.

    Every method raises ``ImproperlyConfigured`` with a sentence that names the variable and says what is wrong.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str, *, meaning: str, default: str | None = None, minimum_length: int = 0) -> str:
        """The value of ``name``; ``meaning`` completes the sentence "NAME is missing: it is ..."."""
        value = self._raw(name)
        if value and len(value) < minimum_length:
            raise ImproperlyConfigured(f"{name} must have at least {minimum_length} characters.")
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

    def choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        value = self._raw(name) or default
        if value not in choices:
            raise ImproperlyConfigured(f"{name} must be one of {', '.join(choices)}, not {value!r}.")
        return value

    def words(self, name: str, *, default: list[str] | None = None, meaning: str = "a list") -> list[str]:
        """A comma-separated list; without ``default`` it must not be empty."""
        words = [word.strip() for word in (self._raw(name) or "").split(",") if word.strip()]
        if words:
            return words
        if default is None:
            raise ImproperlyConfigured(f"{name} is missing: it is {meaning}.")
        return default

    def host_names(self, name: str, *, default: list[str]) -> list[str]:
        """A comma-separated list of ``host`` or ``host:port``, in small letters, for so they are compared."""
        return [host.lower() for host in self.words(name, default=default)]

    def database(self, name: str, *, meaning: str) -> dict[str, Any]:
        """Django's connection settings out of a ``postgres://user:password@host:port/name?sslmode=...`` URL.

        Its query becomes ``OPTIONS``. No complaint quotes the URL, which holds a password.
        """
        url = self.text(name, meaning=meaning)
        if url.partition("://")[0] not in _POSTGRES_SCHEMES:
            raise ImproperlyConfigured(f"{name} must begin with postgres://, Parlour stores in PostgreSQL alone.")
        try:
            settings: dict[str, Any] = environ.Env.db_url_config(url)
        except ValueError:  # whose text quotes what it took for the port, which may be half of the password
            raise ImproperlyConfigured(
                f"{name} cannot be read as postgres://user:password@host:port/name;"
                " special characters of the password must be percent-encoded."
            ) from None
        self._require_parts(name, settings)
        return settings

    @staticmethod
    def _require_parts(name: str, settings: Mapping[str, Any]) -> None:
        for part, word in (("USER", "user"), ("HOST", "host"), ("NAME", "database")):
            if not settings[part]:
                raise ImproperlyConfigured(
                    f"{name} names no {word}: it must be postgres://user:password@host:port/name."
                )

    def redis_url(self, name: str) -> str:
        url = self.text(name, meaning="the address of Redis, such as redis://localhost:6379/0")
        if urlsplit(url).scheme not in {"redis", "rediss", "unix"}:
            raise ImproperlyConfigured(f"{name} must begin with redis://, rediss:// or unix://.")
        return url

    def web_origin(self, name: str, *, default: str | None = None) -> str:
        """An address such as ``https://chat.example.com``, in small letters: scheme, host, perhaps a port.

        It goes into pages and their Content-Security-Policy as it is, so that nothing else may be in it.
        """
        given = self.text(name, meaning="the address visitors' browsers reach Parlour at", default=default)
        origin = given.lower().removesuffix("/")
        if not _is_web_origin(origin):
            raise ImproperlyConfigured(f"{name} must look like https://chat.example.com, not {given!r}.")
        return origin

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
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError:
            raise ImproperlyConfigured(f"{name}_FILE names {path}, which is not text in UTF-8.") from None


def _is_web_origin(origin: str) -> bool:
    found = _WEB_ORIGIN.fullmatch(origin)
    if found is None or not 0 < int(found["port"] or 1) <= _MAX_PORT:
        return False
    try:
        return found["ipv6"] is None or bool(IPv6Address(found["ipv6"]))
    except AddressValueError:
        return False
