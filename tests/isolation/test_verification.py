"""``manage.py verify_isolation``: it attacks what there is, finds a wall that is down, and leaves nothing behind."""

import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from pathlib import Path
from typing import Any, LiteralString

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.urls import URLPattern, URLResolver, get_resolver

from sessions.verification.client import Client
from sessions.verification.conversations import begin_conversations
from sessions.verification.report import Report
from sessions.verification.stage import SLUG_PREFIX, House, build_house, clear_house
from sessions.verification.tables import attack_tables
from sessions.verification.visitors import CALLS
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.isolation.rows import OWNED
from tests.live_server import ROOT, LiveServer, server_environment
from tests.waiting import wait_until

WALLS = [
    "visitors: all at once",
    "visitors: sessions and tokens",
    "visitors: origins and keys",
    "servers: API keys",
    "visitors: signed identities",
    "visitors: rights that ended",
    "staff: invitations",
    "staff: pages of the admin",
    "staff: ids in forms",
    "tables: statements of the role",
]
# Addresses that are about no session and hand out nothing of anybody's; the configuration has attacks of its own.
ABOUT_NOBODY = {"healthz", "readyz", "api/v1/schema/", "api/v1/widget/config/", "^api/", "", "widget.js"}
ABOUT_NOBODY |= {
    "invitation/",
    "invitation/open/",
    "invitation/join/",
    "invitation/sign-up/",
}  # by a token of their own


@pytest.fixture
def houses(server: LiveServer) -> Iterator[list[House]]:
    made = [build_house(2), build_house(2)]
    for house in made:
        begin_conversations(Client(server.base_url, settings.PUBLIC_URL), house, 2)
    yield made
    for house in made:
        clear_house(house)


@contextmanager
def broken(statement: LiteralString, mended: LiteralString) -> Iterator[None]:
    """The database with one wall down, by its owner's hand."""
    with connections["owner"].cursor() as owner:
        owner.execute(statement)
        try:
            yield
        finally:
            owner.execute(mended)


def run(server: LiveServer, tmp_path: Path) -> tuple[str, dict[str, Any]]:
    out, file = io.StringIO(), tmp_path / "report.json"
    call_command("verify_isolation", url=server.base_url, json=file, stdout=out)
    return out.getvalue(), json.loads(file.read_text())


def test_every_attack_is_refused_and_nothing_is_left_behind(
    server: LiveServer, tmp_path: Path, rows_written: Callable[[], dict[str, str]]
) -> None:
    before = rows_written()
    text, report = run(server, tmp_path)
    assert text.splitlines()[-1] == f"All {report['tried']} attacks were refused."
    assert [attack for attack in report["attacks"] if attack["outcome"] != "refused"] == []
    assert sorted({attack["wall"] for attack in report["attacks"]}) == sorted(WALLS)
    assert report["tried"] > 1_000
    assert rows_written() == before
    with tenant_scope(OPERATOR_ID):
        assert not Tenant.objects.filter(slug__startswith=SLUG_PREFIX).exists()
    assert not User.objects.filter(username__startswith=SLUG_PREFIX).exists()


def test_report_tells_of_a_table_without_its_wall_and_ends_with_an_error(server: LiveServer, tmp_path: Path) -> None:
    out, file = io.StringIO(), tmp_path / "report.json"
    down = "ALTER TABLE turns DISABLE ROW LEVEL SECURITY", "ALTER TABLE turns ENABLE ROW LEVEL SECURITY"
    with broken(*down), pytest.raises(CommandError) as error:
        call_command("verify_isolation", url=server.base_url, only=["tables"], json=file, stdout=out)
    assert error.value.returncode == 1
    leaked = {attack["name"] for attack in json.loads(file.read_text())["attacks"] if attack["outcome"] == "leaked"}
    assert leaked >= {"read turns", "read without a tenant turns", "delete from turns", "change turns"}
    assert {name.rpartition(" ")[2] for name in leaked} == {"turns"}
    assert "NOT ISOLATED" in out.getvalue()


TABLES = ["tenants", *(model._meta.db_table for model in OWNED)]


@pytest.mark.parametrize("table", TABLES)
def test_wall_that_is_down_is_noticed_whichever_table_it_is(
    server: LiveServer, houses: list[House], table: str
) -> None:
    report = Report()
    alter = f"ALTER TABLE {table}"
    with broken(f"{alter} DISABLE ROW LEVEL SECURITY", f"{alter} ENABLE ROW LEVEL SECURITY"):
        attack_tables(Client(server.base_url, settings.PUBLIC_URL), houses, report)
    assert {attack.name.rpartition(" ")[2] for attack in report.attacks if attack.outcome == "leaked"} == {table}


def test_wall_that_keeps_its_own_people_out_proves_nothing(server: LiveServer, houses: list[House]) -> None:
    report = Report()
    down = "DROP POLICY tenant_rows ON turns", "CREATE POLICY tenant_rows ON turns USING (tenant_id = {})"
    active = "(select nullif(current_setting('app.tenant_id', true), '')::uuid)"
    with broken(down[0], down[1].format(active)):
        attack_tables(Client(server.base_url, settings.PUBLIC_URL), houses, report)
    assert [(attack.outcome, attack.name) for attack in report.attacks if attack.outcome != "refused"] == [
        ("broken", "turns"),
        ("broken", "point at the other's agent_sessions from turns"),
    ]
    assert not report.holds


def test_report_without_an_attack_does_not_hold() -> None:
    assert not Report().holds


def test_server_that_is_not_there_is_no_verdict() -> None:
    with pytest.raises(CommandError) as error:
        call_command("verify_isolation", url="http://127.0.0.1:9", stdout=io.StringIO())
    assert error.value.returncode == 2


def test_every_address_of_a_session_is_attacked() -> None:
    """A new endpoint without an attack fails here."""
    ids = {"{session}": "<public_id:session_id>", "{message}": "<public_id:message_id>"}
    attacked = {reduce(lambda path, one: path.replace(one, ids[one]), ids, call.path[1:]) for call in CALLS}
    served = set(_addresses(get_resolver().url_patterns))
    assert {path for path in served if not path.startswith("admin/")} - ABOUT_NOBODY <= attacked


def _addresses(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[str]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _addresses(pattern.url_patterns, path)
        else:
            yield path


def test_run_that_is_told_to_end_takes_everything_away(
    server: LiveServer, rows_written: Callable[[], dict[str, str]]
) -> None:
    before = rows_written()
    command = [sys.executable, "manage.py", "verify_isolation", "--url", server.base_url]
    with subprocess.Popen(command, cwd=ROOT, env=server_environment(1), stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: rows_written() != before)
        process.terminate()
        assert process.wait(60) == 128 + signal.SIGTERM
    assert rows_written() == before
