"""A role that could pass the row policies is named by ``check --deploy``."""

from unittest import mock

from django.db import connections

from tenants import checks


def test_ordinary_role_passes() -> None:
    assert checks.check_role(None) == []


def test_owner_and_what_cannot_be_asked_are_errors() -> None:
    with mock.patch.object(checks, "connection", connections["owner"]):
        assert [error.id for error in checks.check_role(None)] == ["tenants.E002"]
        with mock.patch.object(checks, "IS_UNSAFE_ROLE", "SELECT nothing FROM nowhere"):
            assert [error.id for error in checks.check_role(None)] == ["tenants.E001"]
