"""The secret that a website's own server signs its visitors' identities with: made, replaced, opened."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog
from django.db.models.functions import Now

from tenants.errors import KeyringError
from tenants.identifiers import new_identity_secret
from tenants.keyring import SealedBytes, SealedPlace, open_sealed, seal
from tenants.models import Website

log = structlog.get_logger(__name__)

FORMER_VALID: Final = timedelta(hours=24)
"""How long what the secret before has signed is still believed: time to tell the new one to every server."""


def identity_secret_place(tenant_id: UUID, website_id: UUID) -> SealedPlace:
    """One place for both columns: a replaced secret moves to the other one as it is."""
    return SealedPlace(tenant_id, "Website", "identity_secret", website_id)


def make_identity_secret(website: Website, *, keep_former: bool = True) -> str:
    """Gives the website a new secret, and shows it this once. Without ``keep_former`` the old one ends at once.

    Two who do it together leave the website with one secret, the later.
    """
    secret = new_identity_secret()
    current: Website = Website.objects.select_for_update(of=("self",)).get(pk=website.pk)
    current.former_identity_secret_sealed = current.identity_secret_sealed if keep_former else b""
    current.identity_secret_sealed = seal(secret, place=identity_secret_place(current.tenant_id, current.id))
    current.identity_secret_made_at = Now()
    current.save(update_fields=["identity_secret_sealed", "former_identity_secret_sealed", "identity_secret_made_at"])
    return secret


def open_identity_secrets(tenant_id: UUID, website_id: UUID, sealed: Iterable[SealedBytes | None]) -> list[str]:
    """Those that there are. One that does not open any more is logged, and as if it were not there."""
    place = identity_secret_place(tenant_id, website_id)
    opened = []
    for value in sealed:
        if not value:
            continue
        try:
            opened.append(open_sealed(value, place=place))
        except KeyringError:
            log.exception("an identity secret cannot be opened", website_id=website_id)
    return opened
