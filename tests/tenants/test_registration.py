"""Registering websites: normalised, with their origins, and proved by one tenant at a time."""

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tenants.domains import DomainError, OriginError
from tenants.doors import registered_form
from tenants.errors import DomainTakenError
from tenants.models import Tenant, Website, WebsiteOrigin
from tenants.registration import (
    _taken_host_refused,
    is_local,
    prove_website,
    register_website,
    set_origins,
    unprove_website,
)
from tenants.scoping import tenant_scope
from tests.cast import Cast


def origins(tenant: Tenant, website: Website) -> list[tuple[str, bool]]:
    with tenant_scope(tenant.id):
        return [(row.origin, row.proved_at is not None) for row in website.origins.order_by("origin")]


def fresh_domain() -> str:
    return f"{secrets.token_hex(6)}.example.com"


@pytest.mark.parametrize("typed", ["https://{}:443/x", "{}.", "  {}  ", "HTTP://{}", "http://{}:80/a?b#c"])
def test_domain_is_stored_normalised_and_waits_for_proof(cast: Cast, typed: str) -> None:
    tenant, domain = cast.tenant(), fresh_domain()
    with tenant_scope(tenant.id):
        website = register_website(typed.format(domain.upper() if "HTTP" in typed else domain))
    assert (website.domain, website.is_proved) == (domain, False)
    assert website.site_key.startswith("pk_")
    assert origins(tenant, website) == [(f"https://{domain}", False)]


def test_name_beyond_ascii_is_stored_as_the_browser_sends_it(cast: Cast) -> None:
    tenant = cast.tenant()
    with tenant_scope(tenant.id):
        website = register_website("München.de")
    assert (website.domain, str(website)) == ("xn--mnchen-3ya.de", "münchen.de")


@pytest.mark.parametrize(
    "typed", ["", "localhost:x", "com", "127.0.0.1", "*.example.com", "exa mple.com", "example.com:8443"]
)
def test_what_is_no_domain_is_refused_and_nothing_is_written(cast: Cast, typed: str) -> None:
    tenant = cast.tenant()
    with tenant_scope(tenant.id):
        with pytest.raises(DomainError):
            register_website(typed)
        assert not Website.objects.exists()


def test_local_host_is_proved_at_once_in_development(cast: Cast) -> None:
    tenant, domain = cast.tenant(), f"{secrets.token_hex(6)}.localhost"
    with tenant_scope(tenant.id):
        website = register_website(domain)
    assert origins(tenant, website) == [(f"https://{domain}", True)]


@pytest.mark.parametrize("host", ["localhost", "shop.localhost"])
def test_local_host_that_is_proved_by_itself_is_served_as_such(settings: Any, host: str) -> None:
    settings.LOCAL_ORIGIN_PORT = 8000
    assert is_local(host)
    assert str(registered_form(f"http://{host}:8000")) == f"https://{host}"


def test_two_tenants_may_wait_for_a_domain_and_one_may_hold_it(cast: Cast) -> None:
    first, second, domain = cast.tenant(), cast.tenant(), fresh_domain()
    with tenant_scope(first.id):
        prove_website(register_website(domain))
    with tenant_scope(second.id):
        website = register_website(domain)
        with pytest.raises(DomainTakenError):
            prove_website(website)
    assert origins(second, website) == [(f"https://{domain}", False)]
    with pytest.raises(IntegrityError), tenant_scope(first.id):
        register_website(domain)


def test_extra_origins_are_of_the_domain_or_below_and_share_its_proof(cast: Cast) -> None:
    tenant, domain = cast.tenant(), fresh_domain()
    with tenant_scope(tenant.id):
        website = register_website(domain, extra_origins=[f"HTTPS://WWW.{domain}:443/", f"http://{domain}:8080"])
        prove_website(website)
        set_origins(website, [f"https://www.{domain}", f"https://shop.{domain}"])
        with pytest.raises(OriginError):
            set_origins(website, ["https://elsewhere.example.org"])
        with pytest.raises(OriginError):
            set_origins(website, [f"https://evil{domain}"])
    assert set(origins(tenant, website)) == {
        (f"https://{domain}", True),
        (f"https://shop.{domain}", True),
        (f"https://www.{domain}", True),
    }


def test_extra_origin_is_not_proved_by_a_proof_that_was_withdrawn_meanwhile(cast: Cast) -> None:
    tenant, domain = cast.tenant(), fresh_domain()
    website = cast.website(tenant, domain)
    with tenant_scope(tenant.id):
        unprove_website(Website.objects.get(pk=website.pk))
        assert website.is_proved  # as it was read before
        set_origins(website, [f"https://www.{domain}"])
    assert origins(tenant, website) == [(f"https://{domain}", False), (f"https://www.{domain}", False)]


def test_door_opens_to_proved_origins_of_proved_websites_alone(cast: Cast) -> None:
    tenant, domain = cast.tenant(), fresh_domain()
    website = cast.website(tenant, domain)

    def opens() -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM door_website_by_origin(%s)", [f"https://{domain}"])
            return bool(cursor.fetchone() == (1,))

    assert opens()
    with tenant_scope(tenant.id):
        Website.objects.filter(pk=website.pk).update(proved_at=None, proof_method="")
        assert website.origins.filter(proved_at__isnull=False).exists()
    assert not opens()


ON_A_HOST = ["http://shop.{}", "https://shop.{}:8443"]


def hosts_proved(*tenants: Tenant) -> list[set[str]]:
    found = []
    for tenant in tenants:
        with tenant_scope(tenant.id):
            rows = WebsiteOrigin.objects.filter(proved_at__isnull=False)
            found.append(set(rows.values_list("host", flat=True)))
    return found


def test_host_of_anothers_website_is_no_extra_origin(cast: Cast) -> None:
    """Other ports and schemes are other origins, but the same host."""
    holder, second, domain = cast.tenant(), cast.tenant(), fresh_domain()
    with tenant_scope(holder.id):
        prove_website(register_website(f"shop.{domain}"))
    with tenant_scope(second.id):
        website = register_website(domain)
        prove_website(website)
        before = list(WebsiteOrigin.objects.values())
        for origin in ON_A_HOST:
            with pytest.raises(DomainTakenError, match=rf"^shop\.{domain} is in use by another website already\.$"):
                set_origins(website, [f"https://www.{domain}", origin.format(domain)])
        assert list(WebsiteOrigin.objects.values()) == before
    assert hosts_proved(holder, second) == [{f"shop.{domain}"}, {domain}]


@pytest.mark.parametrize("extra", ON_A_HOST)
def test_domain_whose_host_another_tenants_website_lists_is_not_proved(cast: Cast, extra: str) -> None:
    holder, second, domain = cast.tenant(), cast.tenant(), fresh_domain()
    with tenant_scope(holder.id):
        prove_website(register_website(domain, extra_origins=[extra.format(domain)]))
    with tenant_scope(second.id):
        website = register_website(f"shop.{domain}")
        with pytest.raises(DomainTakenError, match=r"^This domain is in use by another website already\.$"):
            prove_website(website)
        assert Website.objects.get().is_proved is False
    assert hosts_proved(holder, second) == [{domain, f"shop.{domain}"}, set()]


def test_websites_of_one_tenant_share_a_host_on_different_ports(cast: Cast) -> None:
    tenant, domain = cast.tenant(), fresh_domain()
    with tenant_scope(tenant.id):
        prove_website(register_website(domain, extra_origins=[origin.format(domain) for origin in ON_A_HOST]))
        prove_website(register_website(f"shop.{domain}"))
        assert WebsiteOrigin.objects.filter(host=f"shop.{domain}", proved_at__isnull=False).count() == 3


def test_database_gives_a_host_to_one_tenant_past_all_our_code(cast: Cast) -> None:
    holder, second, domain = cast.tenant(), cast.tenant(), fresh_domain()
    cast.website(holder, domain)
    other = cast.website(second)
    with pytest.raises(IntegrityError, match="website_host_proved_once"), tenant_scope(second.id):
        WebsiteOrigin.objects.create(
            tenant_id=second.id, website=other, origin=f"https://{domain}:444", host=domain, proved_at=timezone.now()
        )
    with tenant_scope(second.id):  # unproved ones may wait
        WebsiteOrigin.objects.create(tenant_id=second.id, website=other, origin=f"https://{domain}:444", host=domain)
        with pytest.raises(IntegrityError, match="website_host_proved_once"), transaction.atomic():
            WebsiteOrigin.objects.filter(host=domain).update(proved_at=timezone.now())


def test_of_many_who_list_a_host_at_once_one_tenant_has_it(cast: Cast) -> None:
    """Each on a port of its own, so that no origin is twice the same."""
    domain = fresh_domain()
    websites = [cast.website(cast.tenant(), fresh_domain()) for _ in range(3)]
    together = threading.Barrier(len(websites))

    def list_host(number: int) -> str | None:
        website = websites[number]
        together.wait()
        try:
            with tenant_scope(website.tenant_id), _taken_host_refused(website, domain):
                WebsiteOrigin.objects.create(
                    tenant_id=website.tenant_id,
                    website=website,
                    origin=f"https://shop.{domain}:{8000 + number}",
                    host=f"shop.{domain}",
                    proved_at=timezone.now(),
                )
        except DomainTakenError as error:
            return str(error)
        finally:
            connection.close()
        return None

    with ThreadPoolExecutor(len(websites)) as pool:
        outcomes = list(pool.map(list_host, range(len(websites))))
    taken = f"{domain} is in use by another website already."
    assert sorted(map(str, outcomes)) == sorted(["None", *[taken] * 2])
