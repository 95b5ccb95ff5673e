"""From an API key to the tenant that it speaks for: the first step of every request of a website's server."""

import asyncio
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import psycopg
import structlog

from tenants.api_key_hmac import first_key_id, fits, hmac_of, prefix_of
from tenants.database import Row, in_tenant, through_door
from tenants.errors import ApiKeyRefusedError
from tenants.timed_cache import RecentKeys

log = structlog.get_logger(__name__)

_SECONDS_BETWEEN_NOTES: Final = 60.0
_KEYS_REMEMBERED: Final = 10_000
_NOBODYS_PREFIX: Final = ""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """Whoever sent a valid key. ``new_hmac`` is what to store of it from now on, where the key ring has moved on."""

    api_key_id: UUID
    tenant_id: UUID
    scopes: frozenset[str]
    new_hmac: bytes | None


async def key_holder(api_key: str) -> KeyHolder:
    """The holder of a valid key. Raises ``ApiKeyRefusedError``, and psycopg's errors where nobody can say.

    Whatever is wrong takes the same look-up and the same HMAC.
    """
    prefix = prefix_of(api_key) or _NOBODYS_PREFIX
    rows = await through_door("SELECT * FROM door_api_key(%(prefix)s)", {"prefix": prefix})
    row = rows[0] if rows else _NOBODY
    if not fits(api_key, row["hmac_key_id"] or first_key_id(), row["secret_hmac"]) or not row["is_active"]:
        raise ApiKeyRefusedError
    return KeyHolder(row["api_key_id"], row["tenant_id"], frozenset(row["scopes"]), _new_hmac(api_key, row))


_NOBODY: Final[Row] = {"hmac_key_id": None, "secret_hmac": bytes(32), "is_active": False}


def _new_hmac(api_key: str, row: Row) -> bytes | None:
    return None if row["hmac_key_id"] == first_key_id() else hmac_of(api_key, first_key_id())


# Other processes note it, too: once a minute for all of them together.
_NOTE_USE: Final = """
UPDATE api_keys
   SET last_used_at = now(), secret_hmac = COALESCE(%(new_hmac)s, secret_hmac),
       hmac_key_id = CASE WHEN %(new_hmac)s::bytea IS NULL THEN hmac_key_id ELSE %(key_id)s END
 WHERE tenant_id = %(tenant_id)s AND id = %(api_key_id)s
   AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => %(seconds)s)
        OR (%(new_hmac)s::bytea IS NOT NULL AND hmac_key_id <> %(key_id)s))
"""

_noted: RecentKeys[UUID] = RecentKeys(seconds=_SECONDS_BETWEEN_NOTES, size=_KEYS_REMEMBERED)
_notes: Final[set[asyncio.Task[None]]] = set()


def note_use(holder: KeyHolder) -> None:
    """Writes down that the key was used, at most once a minute. The request does not wait for it."""
    if holder.api_key_id in _noted:
        return
    _noted.note(holder.api_key_id)
    task = asyncio.create_task(_note(holder))
    _notes.add(task)  # the event loop itself holds tasks only weakly
    task.add_done_callback(_notes.discard)


async def _note(holder: KeyHolder) -> None:
    values = {
        "tenant_id": holder.tenant_id,
        "api_key_id": holder.api_key_id,
        "new_hmac": holder.new_hmac,
        "key_id": first_key_id(),
        "seconds": _SECONDS_BETWEEN_NOTES,
    }
    try:
        await in_tenant(holder.tenant_id, [(_NOTE_USE, values)])
    except psycopg.Error as error:
        _noted.forget(holder.api_key_id)
        log.warning("the use of an API key was not noted", api_key_id=holder.api_key_id, error=error)
