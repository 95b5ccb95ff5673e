"""Sealed values move to the newest encryption key, one tenant after another, so that an old key can be thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from agents.api_keys import api_key_place, set_api_key
from agents.models import ModelConnection
from tenants.api_keys import keys_of_older_hmacs
from tenants.errors import KeyringError
from tenants.identifiers import OPERATOR_ID
from tenants.keyring import needs_rotation, open_sealed
from tenants.models import Tenant
from tenants.scoping import tenant_scope


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of one tenant's sealed values; the broken ones open with no key of the ring, and were left."""

    tenant_id: UUID
    resealed: int
    current: int
    broken: tuple[UUID, ...]
    waiting_api_keys: tuple[str, ...] = ()
    """Prefixes of the API keys that move by themselves when they are next used: only their holders know them."""


def rotate_all() -> Iterator[Rotation]:
    """Each tenant in a transaction of its own: what is done stays done, and doing it again changes nothing."""
    with tenant_scope(OPERATOR_ID):
        tenant_ids = list(Tenant.objects.order_by("id").values_list("id", flat=True))
    for tenant_id in tenant_ids:
        yield rotate_tenant(tenant_id)


def rotate_tenant(tenant_id: UUID) -> Rotation:
    resealed, current, broken = 0, 0, list[UUID]()
    with tenant_scope(tenant_id):
        # Locked, or a key that staff replaces meanwhile would be overwritten with the one before.
        sealed = ModelConnection.objects.exclude(api_key_sealed=b"").select_for_update(of=("self",))
        for connection in sealed.order_by("id"):
            try:
                if _reseal(connection):
                    resealed += 1
                else:
                    current += 1
            except KeyringError:
                broken.append(connection.id)
        waiting = tuple(key.prefix for key in keys_of_older_hmacs() if key.is_usable)
    return Rotation(tenant_id, resealed, current, tuple(broken), waiting)


def _reseal(connection: ModelConnection) -> bool:
    """Whether it was sealed with an older key; one that is not is opened too, to know that it can be."""
    place = api_key_place(connection.tenant_id, connection.id)
    api_key = open_sealed(connection.api_key_sealed, place=place)
    if not needs_rotation(connection.api_key_sealed):
        return False
    set_api_key(connection, api_key)
    connection.save(update_fields=["api_key_sealed"])
    return True
