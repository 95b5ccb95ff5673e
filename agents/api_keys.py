"""The key of a model connection: written sealed, opened for a call, never shown."""

from uuid import UUID

from agents.models import ModelConnection
from tenants.keyring import SealedPlace, seal


def api_key_place(tenant_id: UUID, connection_id: UUID) -> SealedPlace:
    """Where a connection's key lives; it opens nowhere else."""
    return SealedPlace(tenant_id, "ModelConnection", "api_key", connection_id)


def set_api_key(connection: ModelConnection, api_key: str) -> None:
    """Seals ``api_key`` into the unsaved or saved row; the caller saves it."""
    connection.api_key_sealed = seal(api_key, place=api_key_place(connection.tenant_id, connection.id))
