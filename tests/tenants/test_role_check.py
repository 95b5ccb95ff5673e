"""A role that could pass the row policies is named by ``check --deploy``."""

import os
from unittest import mock
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import connections

from tenants import checks
from tenants.role import IS_UNSAFE_ROLE
from tests.live_server import database_url

UNSAFE = {
    "member of a role that bypasses": "CREATE ROLE careless BYPASSRLS; GRANT careless TO ordinary",
    "member of a superuser": "CREATE ROLE careless SUPERUSER; GRANT careless TO ordinary",
    "gives roles to itself": "ALTER ROLE ordinary CREATEROLE",
    "reads the server's files": "GRANT pg_read_server_files TO ordinary",
    "owns a table": "CREATE TABLE notes (); ALTER TABLE notes OWNER TO ordinary",
    "member of a table's owner": "CREATE ROLE careless; CREATE TABLE notes (); ALTER TABLE notes OWNER TO careless;"
    " GRANT careless TO ordinary",
}


def test_ordinary_role_passes() -> None:
    assert checks.check_role(None) == []


def test_owner_and_what_cannot_be_asked_are_errors() -> None:
    with mock.patch.object(checks, "connection", connections["owner"]):
        assert [error.id for error in checks.check_role(None)] == ["tenants.E002"]
        with mock.patch.object(checks, "IS_UNSAFE_ROLE", "SELECT nothing FROM nowhere"):
            assert [error.id for error in checks.check_role(None)] == ["tenants.E001"]


@pytest.mark.parametrize("change", ["", *UNSAFE.values()], ids=["nothing", *UNSAFE])
def test_role_is_unsafe_by_itself_or_through_another(change: str) -> None:
    """Roles belong to the whole server: made and judged in one transaction, which is taken back."""
    superuser = urlsplit(os.environ["EMBEDDED_SUPERUSER_URL"])
    with psycopg.connect(superuser._replace(path=urlsplit(database_url("owner")).path).geturl()) as connection:
        connection.execute(f"CREATE ROLE ordinary; {change}")
        connection.execute("SET LOCAL ROLE ordinary")
        assert connection.execute(IS_UNSAFE_ROLE).fetchone() == (change != "",)
        connection.rollback()
