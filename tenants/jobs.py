"""Beat's jobs: at most one run of each at a time, and a row that tells when it ran and how it ended.

Two workers that are asked for the same job, or two beats that ask, are harmless anyway, for every job may run twice;
here the second finds the first at work and has nothing to do.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from celery.schedules import crontab
from django.conf import settings
from django.db.models.functions import Now

from tenants.database import conninfo
from tenants.models import JobHeartbeat

Outcome = int | Mapping[str, int]

_TRY_LOCK: Final = "SELECT pg_try_advisory_xact_lock(hashtextextended('parlour job ' || %s, 0))"
_MINUTES_A_DAY: Final = 24 * 60
_LONGEST_CODE: Final = 64


def run_job(name: str, work: Callable[[], Outcome]) -> Outcome | None:
    """Runs ``work`` unless another run of the job is at it; then None. Raises what ``work`` raises.

    The row keeps counts and the kind of an error, never a sentence: that could quote what somebody wrote.
    """
    with _alone(name) as is_alone:
        if not is_alone:
            return None
        return _recorded(name, work)


def run_beside_job(name: str, work: Callable[[], Outcome]) -> Outcome | None:
    """As ``run_job``, for a part of the job's work: no run of the job meanwhile, and its row stays as it is."""
    with _alone(name) as is_alone:
        return work() if is_alone else None


def register_jobs() -> None:
    """Makes rows for jobs that have none yet. Beat calls it: from then on a job that never runs is late."""
    for name in set(settings.CELERY_BEAT_SCHEDULE) - {"heartbeat"}:  # which Redis knows of
        JobHeartbeat.objects.get_or_create(name=name, defaults={"period_seconds": period_seconds(name)})


def period_seconds(name: str) -> float:
    """The longest time between two runs of the job, by beat's schedule."""
    schedule: Any = settings.CELERY_BEAT_SCHEDULE[name]["schedule"]
    return _longest_gap(schedule) if isinstance(schedule, crontab) else float(schedule)


def _longest_gap(schedule: Any) -> float:
    """Between two times of a day, or over midnight; no job of ours knows days of the week."""
    minutes = sorted(hour * 60 + minute for hour in schedule.hour for minute in schedule.minute)
    following = [*minutes[1:], minutes[0] + _MINUTES_A_DAY]
    return 60.0 * float(max(later - earlier for earlier, later in zip(minutes, following, strict=True)))


def _recorded(name: str, work: Callable[[], Outcome]) -> Outcome:
    begun = {"last_started_at": Now(), "period_seconds": period_seconds(name)}
    JobHeartbeat.objects.update_or_create(name=name, defaults=begun)
    started = time.monotonic()
    try:
        outcome = work()
    except BaseException as error:
        _end(name, started, {}, _code_of(error))
        raise
    _end(name, started, outcome if isinstance(outcome, Mapping) else {"done": outcome}, "")
    return outcome


def _end(name: str, started: float, counts: Mapping[str, int], error_code: str) -> None:
    JobHeartbeat.objects.filter(name=name).update(
        last_finished_at=Now(),
        last_duration_ms=round((time.monotonic() - started) * 1000),
        last_outcome=dict(counts),
        last_error_code=error_code,
    )


def _code_of(error: BaseException) -> str:
    """``TenantsFailedError`` is ``tenants_failed``."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()[:_LONGEST_CODE]


@contextmanager
def _alone(name: str) -> Iterator[bool]:
    """An advisory lock on a connection of its own, in a transaction that stays open: it ends with the process however
    that ends, and a PgBouncer in transaction mode may stand between. Nothing else waits for it or is held up by it.
    """
    with psycopg.connect(conninfo("parlour-job")) as connection:
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row: Any = connection.execute(_TRY_LOCK, [name]).fetchone()
        yield bool(row[0])
