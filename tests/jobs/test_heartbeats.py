"""Each job runs once at a time, and leaves a row that readiness reads."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db.models.functions import Now

from tenants.errors import TenantsFailedError
from tenants.jobs import period_seconds, register_jobs, run_job
from tenants.models import JobHeartbeat
from tests.live_server import LiveServer

JOB = "delete-expired-sessions"
HOURLY = 3600.0


def row() -> JobHeartbeat:
    return JobHeartbeat.objects.get(name=JOB)


def jobs_part(server: LiveServer) -> tuple[str, str]:
    answer = server.http.get("/readyz").json()
    return answer["status"], answer["parts"]["jobs"]


def test_run_leaves_its_times_and_counts() -> None:
    assert run_job(JOB, lambda: {"sessions": 3, "messages": 8}) == {"sessions": 3, "messages": 8}
    left = row()
    assert (left.last_outcome, left.last_error_code, left.period_seconds) == ({"sessions": 3, "messages": 8}, "", 3600)
    assert left.last_started_at is not None
    assert left.last_finished_at is not None
    assert left.last_finished_at >= left.last_started_at
    assert left.last_duration_ms is not None
    run_job(JOB, lambda: 5)
    assert row().last_outcome == {"done": 5}


def test_failed_run_leaves_the_kind_of_its_error_and_no_sentence() -> None:
    def fail() -> int:
        raise TenantsFailedError(3)

    with pytest.raises(TenantsFailedError):
        run_job(JOB, fail)
    left = row()
    assert (left.last_error_code, left.last_outcome) == ("tenants_failed", {})
    assert left.last_finished_at is not None
    run_job(JOB, lambda: 0)
    assert row().last_error_code == ""


def test_second_run_at_the_same_time_has_nothing_to_do() -> None:
    def meanwhile() -> int:
        assert run_job(JOB, never) is None
        assert run_job("forget-old-turns", lambda: 7) == 7
        return 1

    def never() -> int:
        raise AssertionError("it ran twice at once")

    assert run_job(JOB, meanwhile) == 1
    assert run_job(JOB, lambda: 2) == 2


def age(**fields: Any) -> None:
    JobHeartbeat.objects.filter(name=JOB).update(**fields)


@pytest.mark.parametrize(
    ("aged", "said"),
    [
        (lambda: age(registered_at=Now() - timedelta(seconds=1.9 * HOURLY)), "ok"),
        (lambda: age(registered_at=Now() - timedelta(seconds=2.1 * HOURLY)), f"{JOB} is late"),
        (lambda: age(last_finished_at=Now() - timedelta(seconds=2.1 * HOURLY)), f"{JOB} is late"),
        (lambda: age(last_finished_at=Now(), last_error_code="tenants_failed"), f"{JOB} failed (tenants_failed)"),
        (
            lambda: age(last_finished_at=Now(), last_outcome={"sessions": 4, "skipped": 2}),
            f"{JOB} skipped 2, see the log",
        ),
        (lambda: age(last_finished_at=Now(), last_outcome={"sessions": 4, "skipped": 0}), "ok"),
        (lambda: age(name="a-job-of-before", registered_at=Now() - timedelta(days=9)), "ok"),
    ],
)
def test_readiness_tells_of_a_job_that_is_late_or_failed(
    server: LiveServer, aged: Callable[[], None], said: str
) -> None:
    register_jobs()
    register_jobs()
    aged()
    assert jobs_part(server)[1] == said
    assert said == "ok" or jobs_part(server)[0] == "degraded"
    assert server.http.get("/readyz").status_code == 200


def test_every_job_but_the_heartbeat_is_registered_with_its_period() -> None:
    register_jobs()
    known = dict(JobHeartbeat.objects.values_list("name", "period_seconds"))
    assert known == {name: period_seconds(name) for name in settings.CELERY_BEAT_SCHEDULE if name != "heartbeat"}
    assert (known["redact-sessions"], known["forget-old-turns"], known["abandon-lapsed-turns"]) == (300, 3600, 60)


def test_every_task_of_the_schedule_runs_as_the_job_of_that_name(monkeypatch: pytest.MonkeyPatch) -> None:
    from config.celery import app  # noqa: PLC0415  the tasks are registered with it

    ran: list[str] = []
    for module in ("sessions.tasks", "tenants.tasks"):
        monkeypatch.setattr(f"{module}.run_job", lambda name, _: ran.append(name))
    app.loader.import_default_modules()
    jobs = [name for name in settings.CELERY_BEAT_SCHEDULE if name != "heartbeat"]
    for name in jobs:
        app.tasks[str(settings.CELERY_BEAT_SCHEDULE[name]["task"])]()
    assert ran == jobs
