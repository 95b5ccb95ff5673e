"""Making and revoking the keys of websites' servers."""

from datetime import UTC, datetime

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from tenants.api_key_hmac import first_key_id, hmac_of
from tenants.identifiers import new_api_key
from tenants.models import ApiKey
from tenants.scoping import active_tenant_id


def create_api_key(
    name: str, scopes: list[str], *, expires_at: datetime | None = None, created_by_id: int | None = None
) -> tuple[ApiKey, str]:
    """Adds a key to the active tenant. Gives its row, and the key itself, which cannot be had again."""
    prefix, api_key = new_api_key()
    key_id = first_key_id()
    row = ApiKey.objects.create(
        tenant_id=active_tenant_id(),
        name=name,
        prefix=prefix,
        secret_hmac=hmac_of(api_key, key_id),
        hmac_key_id=key_id,
        scopes=scopes,
        expires_at=expires_at,
        created_by_id=created_by_id,
    )
    return row, api_key


def keys_of_older_hmacs() -> QuerySet[ApiKey]:
    """The active tenant's keys that were not used since the key ring has a new first key."""
    return ApiKey.objects.exclude(hmac_key_id=first_key_id())


def usable_keys_made_by(user_id: int) -> QuerySet[ApiKey]:
    """The active tenant's keys that a person made, and may have kept."""
    lasts = Q(expires_at__isnull=True) | Q(expires_at__gt=Now())
    return ApiKey.objects.filter(lasts, created_by_id=user_id, revoked_at__isnull=True)


def revoke_api_key(row: ApiKey) -> None:
    """Ends the key for good; processes that know it forget it within ``DOOR_CACHE_SECONDS``."""
    ApiKey.objects.filter(pk=row.pk, revoked_at__isnull=True).update(revoked_at=datetime.now(UTC))
    row.refresh_from_db()
