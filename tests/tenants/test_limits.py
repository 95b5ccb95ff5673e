"""The database itself refuses limits that make no sense, whoever writes them."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Tenant, {"session_turns_per_minute": 0}),
        (Tenant, {"network_turns_per_minute": 1_000_001}),
        (Tenant, {"turns_per_minute": 0}),
        (Tenant, {"turns_per_day": 0}),
        (Tenant, {"tokens_per_day": 10**12 + 1}),
        (Tenant, {"token_idle_days": 0}),
        (Tenant, {"token_idle_days": 366}),
        (Tenant, {"token_lifetime_days": 0}),
        (Tenant, {"token_lifetime_days": 731}),
        (Website, {"turns_per_day": 0}),
        (Website, {"tokens_per_day": 0}),
        (Website, {"double_send": "sometimes"}),
    ],
)
def test_limit_that_makes_no_sense_cannot_be_stored(cast: Cast, model: Any, fields: dict[str, Any]) -> None:
    tenant = cast.tenant()
    row = tenant if model is Tenant else cast.website(tenant)
    with tenant_scope(tenant.id):
        with pytest.raises(IntegrityError), transaction.atomic():
            model.objects.filter(pk=row.pk).update(**fields)
        assert {name: getattr(model.objects.get(pk=row.pk), name) for name in fields} == {
            name: getattr(row, name) for name in fields
        }


def test_limits_have_usual_values() -> None:
    tenant, website = Tenant(), Website()
    assert (tenant.session_turns_per_minute, tenant.network_turns_per_minute, tenant.turns_per_minute) == (
        60,
        600,
        6000,
    )
    assert (tenant.token_idle_days, tenant.token_lifetime_days) == (30, 180)
    budgets = (tenant.turns_per_day, tenant.tokens_per_day, website.turns_per_day, website.tokens_per_day)
    assert budgets == (None, None, None, None)
    assert (website.double_send, website.quota_message) == ("enqueue", "")
