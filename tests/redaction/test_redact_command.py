"""``manage.py redact``: what it would do, and doing it."""

import re
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from sessions.redaction import preview, replace
from sessions.redaction.job import JOB
from sessions.redaction.preview import Preview, preview_redaction
from sessions.redaction.replace import Replacing
from tenants.errors import TenantsFailedError
from tenants.jobs import run_job
from tenants.models import JobHeartbeat, RedactionKey, Tenant
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.redaction.conversations import ALICE, BOB, everything_stored, silent_session


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("redact", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_dry_run_tells_how_much_and_writes_nothing(cast: Cast) -> None:
    tenant, agent = cast.tenant(redact_when="never"), cast.agent()
    first, second = cast.website(tenant, agents=[agent]), cast.website(tenant, agents=[agent])
    sessions = [silent_session(first, agent, 1), silent_session(second, agent, 1)]
    before = list(map(everything_stored, sessions))

    told = run("--dry-run", "--tenant", tenant.slug)
    assert told[0] == f"{tenant.slug}: 2 of the 2 newest sessions and 6 of their 12 messages would change."
    assert re.fullmatch(r"  E-mail addresses: 6, such as \[EMAIL_\w+\], \[EMAIL_\w+\]", told[1])
    assert len(told) == 2
    told = run("--dry-run", "--tenant", tenant.slug, "--website", first.domain)
    assert told[0].startswith(f"{tenant.slug}, {first.domain}: 1 of the 1 newest sessions and 3 of their 6 messages")
    assert run("--dry-run", "--tenant", tenant.slug, "--newest", "1")[0].startswith(f"{tenant.slug}: 1 of the 1 newest")
    assert list(map(everything_stored, sessions)) == before
    assert [word for word in (ALICE, BOB) if word in "".join(told)] == []
    with tenant_scope(tenant.id):
        assert RedactionKey.objects.count() == 0


def test_command_redacts_what_is_due_now(cast: Cast) -> None:
    tenant, agent = cast.tenant(), cast.agent()
    website = cast.website(tenant, agents=[agent])
    due, fresh = silent_session(website, agent, 25), silent_session(website, agent, 1)
    assert run("--tenant", tenant.slug) == ["1 sessions gone over, 3 of their 6 messages changed."]
    assert (ALICE in everything_stored(due), ALICE in everything_stored(fresh)) == (False, True)
    JobHeartbeat.objects.all().delete()


def test_command_leaves_a_job_at_work_alone_and_refuses_what_does_not_exist(cast: Cast) -> None:
    tenant = cast.tenant()

    def meanwhile() -> int:
        with pytest.raises(CommandError, match="at work already"):
            run("--tenant", tenant.slug)
        return 0

    run_job(JOB, meanwhile)
    JobHeartbeat.objects.all().delete()
    for wrong in (["--tenant", "nobody"], ["--dry-run", "--website", "nobody.example"], ["--website", "x.example"]):
        with pytest.raises(CommandError):
            run(*wrong)


def test_command_for_one_tenant_leaves_the_jobs_row_alone(cast: Cast) -> None:
    tenant = cast.tenant()

    def fail() -> int:
        raise TenantsFailedError(1)

    with pytest.raises(TenantsFailedError):
        run_job(JOB, fail)
    before = JobHeartbeat.objects.values().get(name=JOB)
    run("--tenant", tenant.slug)
    assert JobHeartbeat.objects.values().get(name=JOB) == before
    JobHeartbeat.objects.all().delete()


def preview_of(tenant: Tenant, seconds: float = 60) -> Preview:
    return preview_redaction(tenant.id, newest=10, seconds=seconds)


def test_preview_ends_in_time_within_a_session_too(monkeypatch: pytest.MonkeyPatch, cast: Cast) -> None:
    tenant, agent = cast.tenant(), cast.agent()
    for _ in range(2):
        silent_session(cast.website(tenant, agents=[agent]), agent)
    assert (preview_of(tenant, seconds=-1).sessions, preview_of(tenant, seconds=-1).is_cut) == (0, True)
    monkeypatch.setattr(replace, "_MESSAGES_AT_ONCE", 1)
    clock = iter([0.0, 1.0, 99.0])  # it begins, a session begins, its first stretch is done
    monkeypatch.setattr(preview, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    told = preview_of(tenant, seconds=3)
    assert (told.sessions, told.messages, told.messages_changed, told.is_cut) == (1, 2, 1, True)


def test_preview_skips_what_breaks_the_redactor_and_holds_no_transaction(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], cast: Cast
) -> None:
    tenant, agent = cast.tenant(), cast.agent()
    website = cast.website(tenant, agents=[agent])
    broken, _ = silent_session(website, agent), silent_session(website, agent)
    rest, in_transaction = Replacing.rest, list[bool]()

    def rest_or_break(self: Any) -> Any:
        in_transaction.append(connection.in_atomic_block)
        if self._session.id == broken.pk:
            raise RecursionError(f"cannot read {ALICE}")
        return rest(self)

    monkeypatch.setattr(Replacing, "rest", rest_or_break)
    told = preview_of(tenant)
    assert (told.sessions, told.skipped, told.messages_changed, in_transaction) == (1, 1, 3, [False, False])
    assert "  1 more could not be read by the redactor: the log names them." in run(
        "--dry-run", "--tenant", tenant.slug
    )
    logged = capfd.readouterr().err
    assert (str(broken.pk) in logged, ALICE in logged) == (True, False)
