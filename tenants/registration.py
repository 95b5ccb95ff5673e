"""Registering websites: their domain, their origins, and the proof that switches them on."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from django.conf import settings
from django.db import IntegrityError, OperationalError, transaction
from psycopg.errors import DeadlockDetected

from tenants.domains import Origin, OriginError, display_domain, is_local_host, normalise_domain, normalise_origin
from tenants.errors import DomainTakenError
from tenants.models import Website, WebsiteOrigin
from tenants.scoping import active_tenant_id


def register_website(domain: str, *, extra_origins: Iterable[str] = (), **fields: object) -> Website:
    """Adds a website to the active tenant; ``fields`` are further columns of it.

    Raises ``DomainError`` or ``OriginError`` for what cannot be one, and Django's ``IntegrityError`` where the tenant
    has the domain already. A local host is proved at once where local hosts serve at all, in development.
    """
    with transaction.atomic():
        website = Website.objects.create(tenant_id=active_tenant_id(), domain=normalise_domain(domain), **fields)
        set_origins(website, extra_origins)
        if is_local(website.domain):
            prove_website(website, Website.ProofMethod.LOCAL)
    return website


def set_origins(website: Website, extra_origins: Iterable[str]) -> None:
    """Makes the website's origins its domain over https and exactly these extras, of its domain or below.

    New ones are proved where the website is by then. Raises ``OriginError`` or ``DomainTakenError``; then nothing
    changes.
    """
    wanted = {Origin.for_domain(website.domain)} | {extra_origin(website.domain, text) for text in extra_origins}
    with transaction.atomic():
        current = Website.objects.select_for_update(of=("self",), no_key=True).get(pk=website.pk)
        website.origins.exclude(origin__in=[str(origin) for origin in wanted]).delete()
        known = set(website.origins.values_list("origin", flat=True))
        for origin in sorted((origin for origin in wanted if str(origin) not in known), key=_by_host):
            with _taken_host_refused(website, origin.host):
                _origin_row(current, origin).save()


def prove_website(website: Website, method: Website.ProofMethod = Website.ProofMethod.OPERATOR) -> None:
    """Switches the website on for visitors; by itself, on the operator's word.

    Raises ``DomainTakenError`` where another website has the domain or one of the origins proved, or another tenant
    the host of one; then nothing changes.
    """
    proof = {
        "proved_at": website.proved_at or datetime.now(UTC),
        "proof_method": method,
        "proof_failures": 0,
        "proof_failing_since": None,
        "proof_lapsed_at": None,
    }
    with transaction.atomic():
        with _taken_host_refused(website, website.domain):
            Website.objects.filter(pk=website.pk).update(**proof)
        for row in sorted(website.origins.all(), key=_by_host):
            with _taken_host_refused(website, row.host):
                website.origins.filter(pk=row.pk).update(proved_at=proof["proved_at"])
    for name, value in proof.items():
        setattr(website, name, value)


def unprove_website(website: Website) -> None:
    """Switches the website off for visitors until its domain is proved anew."""
    website.proved_at, website.proof_method = None, ""
    with transaction.atomic():
        website.save(update_fields=["proved_at", "proof_method"])
        website.origins.update(proved_at=None)


def is_local(domain: str) -> bool:
    """Whether the domain is this machine, in an installation that serves it."""
    return settings.LOCAL_ORIGIN_PORT is not None and is_local_host(domain)


def extra_origin(domain: str, text: str) -> Origin:
    """The origin in what a person typed, if a website of ``domain`` may list it. Raises ``OriginError``."""
    origin = normalise_origin(text)
    if origin.host != domain and not origin.host.endswith(f".{domain}"):
        raise OriginError(f"{origin} is outside {domain}: register it as a website of its own.")
    return origin


def _origin_row(website: Website, origin: Origin) -> WebsiteOrigin:
    return WebsiteOrigin(
        tenant_id=website.tenant_id,
        website=website,
        origin=str(origin),
        host=origin.host,
        proved_at=website.proved_at,
    )


def _by_host(origin: Origin | WebsiteOrigin) -> tuple[str, str]:
    """The order in which origins are written, so that two who want the same hosts do not wait for each other."""
    return origin.host, str(origin)


@contextmanager
def _taken_host_refused(website: Website, host: str) -> Iterator[None]:
    """Turns the refusal of the database into a sentence; whose the host is stays untold."""
    try:
        yield
    except (IntegrityError, OperationalError) as error:
        # Two who write a host in the same instant wait for each other; PostgreSQL lets one of them go on.
        if "_proved_once" in str(error) or isinstance(error.__cause__, DeadlockDetected):
            raise DomainTakenError(*([] if host == website.domain else [display_domain(host)])) from None
        raise
