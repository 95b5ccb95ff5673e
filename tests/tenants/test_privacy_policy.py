"""What holds on a website, out of its own words and its tenant's; and what may be stored of a visitor."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from tenants.database import close_chat_pool, open_chat_pool
from tenants.doors import website_by_origin
from tenants.errors import LegalHoldError
from tenants.legal_holds import lift_hold, set_hold
from tenants.models import Tenant, Website
from tenants.privacy_choices import Redact, StoreIp
from tenants.privacy_policy import PrivacyPolicy, policies_of_websites, policy_of_website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.sessions.talk import USUAL_POLICY

TENANTS: dict[str, Any] = {
    "redact_when": "after_silence",
    "redact_after_hours": 5,
    "kinds_kept": ["ip"],
    "retention_days": 20,
    "turn_retention_days": 10,
    "ip_storage": "whole",
    "stores_user_agent": True,
}
OWN: dict[str, Any] = {
    "redact_when": "never",
    "redact_after_hours": 7,
    "kinds_kept": [],
    "retention_days": 50,
    "turn_retention_days": 40,
    "ip_storage": "not",
    "stores_user_agent": False,
}


def policy(**fields: Any) -> PrivacyPolicy:
    return replace(USUAL_POLICY, **fields)


def test_usual_policy_stores_nothing_of_a_visitor_and_redacts_after_a_day(cast: Cast) -> None:
    tenant = cast.tenant()
    website = cast.website(tenant)
    with tenant_scope(tenant.id):
        assert policy_of_website(website.id) == USUAL_POLICY


def test_website_has_its_tenants_policy_but_for_what_it_says_itself(cast: Cast) -> None:
    tenant = cast.tenant(**TENANTS)
    same, own, one = cast.website(tenant), cast.website(tenant, **OWN), cast.website(tenant, retention_days=3)
    with tenant_scope(tenant.id):
        found = policies_of_websites()
    tenants = PrivacyPolicy(Redact.AFTER_SILENCE, 5, frozenset({"ip"}), 20, 10, StoreIp.WHOLE, True, False)
    assert found == {
        same.id: tenants,
        # In the modes that do not wait for a silence, the job looks after an hour.
        own.id: PrivacyPolicy(Redact.NEVER, 1, frozenset(), 50, 40, StoreIp.NOT, False, False),
        one.id: replace(tenants, retention_days=3, turn_retention_days=3),
    }


def test_policies_of_another_tenant_are_not_there(cast: Cast) -> None:
    mine, theirs = cast.tenant(), cast.tenant(**TENANTS)
    website = cast.website(theirs, **OWN)
    with tenant_scope(mine.id):
        assert policies_of_websites() == {}
        with pytest.raises(KeyError):
            policy_of_website(website.id)


def test_policy_comes_with_the_door(cast: Cast) -> None:
    website = cast.website(cast.tenant(**TENANTS), retention_days=9)
    found = asyncio.run(_door_of(website.domain))
    tenants = {**TENANTS, "kinds_kept": frozenset({"ip"}), "retention_days": 9, "turn_retention_days": 9}
    assert found == policy(**tenants, is_held=False)


async def _door_of(domain: str) -> PrivacyPolicy:
    await open_chat_pool()
    try:
        return (await website_by_origin(f"https://{domain}")).privacy
    finally:
        await close_chat_pool()


V4, V6 = "203.0.113.77", "2001:db8:aaaa:bbbb::7"


@pytest.mark.parametrize(
    ("storage", "given", "stored"),
    [
        ("not", V4, ""),
        ("not", V6, ""),
        ("truncated", V4, "203.0.113.0/24"),
        ("truncated", V6, "2001:db8:aaaa::/48"),
        ("truncated", "203.0.113.0/24", "203.0.113.0/24"),
        ("whole", V4, V4),
        ("whole", V6, V6),
        ("whole", "203.0.113.0/24", "203.0.113.0/24"),
        ("whole", None, ""),
        ("truncated", "", ""),
    ],
)
def test_of_an_address_is_stored_what_the_policy_says(storage: str, given: str | None, stored: str) -> None:
    assert policy(ip_storage=StoreIp(storage)).stored_address(given) == stored


def test_of_a_browser_is_stored_what_the_policy_says() -> None:
    said = "Mozilla/5.0\x00 (X11)\x1b[31m" + "x" * 500
    stored = policy(stores_user_agent=True).stored_user_agent(said)
    assert (stored[:24], len(stored)) == ("Mozilla/5.0 (X11)[31mxxx", 300)
    assert [policy(stores_user_agent=True).stored_user_agent(None), policy().stored_user_agent(said)] == ["", ""]


@pytest.mark.parametrize(
    "fields",
    [
        {"redact_when": "sometimes"},
        {"redact_after_hours": 0},
        {"redact_after_hours": 8761},
        {"kinds_kept": ["email", "shoe size"]},
        {"turn_retention_days": 0},
        {"retention_days": 3651},
        {"ip_storage": "twice"},
    ],
)
@pytest.mark.parametrize("model", [Tenant, Website])
def test_policy_that_makes_no_sense_cannot_be_stored(cast: Cast, model: Any, fields: dict[str, Any]) -> None:
    tenant = cast.tenant()
    website = cast.website(tenant)
    with tenant_scope(tenant.id):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.filter(pk=tenant.pk if model is Tenant else website.pk).update(**fields)
        assert policy_of_website(website.id) == USUAL_POLICY


def test_held_website_is_not_deleted_whatever_statement_tries(cast: Cast) -> None:
    tenant = cast.tenant()
    website = cast.website(tenant)
    with tenant_scope(tenant.id):
        assert [set_hold(website, by="Olga"), set_hold(website, by="Mallory")] == [True, False]
        website.refresh_from_db()
        assert (website.legal_hold_by, policy_of_website(website.id).is_held) == ("Olga", True)
        with pytest.raises(LegalHoldError):
            website.delete()
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM websites WHERE id = %s", [website.id])
            assert cursor.rowcount == 0
        assert [lift_hold(website), lift_hold(website)] == [True, False]
        assert website.delete()[0] > 0
