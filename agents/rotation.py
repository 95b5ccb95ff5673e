"""Sealed values move to the newest encryption key, one tenant after another, so that an old key can be thrown away."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from agents.api_keys import api_key_place
from agents.models import ModelConnection
from tenants.api_keys import keys_of_older_hmacs
from tenants.errors import KeyringError
from tenants.identifiers import OPERATOR_ID
from tenants.identity_secrets import identity_secret_place
from tenants.keyring import SealedPlace, needs_rotation, open_sealed, seal
from tenants.models import RedactionKey, Tenant, Website
from tenants.redaction_keys import redaction_key_place
from tenants.scoping import tenant_scope


@dataclass(frozen=True, slots=True)
class Rotation:
    """What became of one tenant's sealed values; the broken ones open with no key of the ring, and were left."""

    tenant_id: UUID
    resealed: int
    current: int
    broken: tuple[SealedPlace, ...]
    waiting_api_keys: tuple[str, ...] = ()
    """Prefixes of the API keys that move by themselves when they are next used: only their holders know them."""


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed column of a locked row."""

    row: ModelConnection | Website | RedactionKey
    column: str
    place: SealedPlace


def rotate_all() -> Iterator[Rotation]:
    """Each tenant in a transaction of its own: what is done stays done, and doing it again changes nothing."""
    with tenant_scope(OPERATOR_ID):
        tenant_ids = list(Tenant.objects.order_by("id").values_list("id", flat=True))
    for tenant_id in tenant_ids:
        yield rotate_tenant(tenant_id)


def rotate_tenant(tenant_id: UUID) -> Rotation:
    resealed, current, broken = 0, 0, list[SealedPlace]()
    with tenant_scope(tenant_id):
        for sealed in _sealed_values():
            try:
                if _reseal(sealed):
                    resealed += 1
                else:
                    current += 1
            except KeyringError:
                broken.append(sealed.place)
        waiting = tuple(key.prefix for key in keys_of_older_hmacs() if key.is_usable)
    return Rotation(tenant_id, resealed, current, tuple(broken), waiting)


def _sealed_values() -> Iterator[_Sealed]:
    """Locked, or a credential that staff replace meanwhile would be overwritten with the one before."""
    for connection in ModelConnection.objects.select_for_update(of=("self",)).order_by("id"):
        place = api_key_place(connection.tenant_id, connection.id)
        yield from _filled(connection, ["api_key_sealed"], place)
    for website in Website.objects.select_for_update(of=("self",)).order_by("id"):
        place = identity_secret_place(website.tenant_id, website.id)
        yield from _filled(website, ["identity_secret_sealed", "former_identity_secret_sealed"], place)
    for key in RedactionKey.objects.select_for_update(of=("self",)):
        yield _Sealed(key, "key_sealed", redaction_key_place(key))


def _filled(row: ModelConnection | Website | RedactionKey, columns: list[str], place: SealedPlace) -> Iterator[_Sealed]:
    yield from (_Sealed(row, column, place) for column in columns if getattr(row, column))


def _reseal(sealed: _Sealed) -> bool:
    """Whether it was sealed with an older key; one that is not is opened too, to know that it can be."""
    value = getattr(sealed.row, sealed.column)
    plaintext = open_sealed(value, place=sealed.place)
    if not needs_rotation(value):
        return False
    setattr(sealed.row, sealed.column, seal(plaintext, place=sealed.place))
    sealed.row.save(update_fields=[sealed.column])
    return True
