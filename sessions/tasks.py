"""What beat asks of the worker. Each task is a thin door, and may run twice."""

from uuid import UUID

from celery import shared_task

from sessions import cleanup, erasing, refusal_counts
from sessions.heartbeats import BEAT_KEY, WORKER_KEY, record_signs_of_life
from sessions.redaction import again
from sessions.redaction.job import redact_due_sessions
from tenants.jobs import run_job


@shared_task
def record_heartbeat() -> None:
    """That this ran at all shows that beat asks and a worker answers."""
    record_signs_of_life(WORKER_KEY, BEAT_KEY)


@shared_task
def abandon_lapsed_turns() -> None:
    run_job("abandon-lapsed-turns", cleanup.abandon_lapsed_turns)


@shared_task
def run_erasures() -> None:
    run_job("run-erasures", erasing.run_erasures)


@shared_task
def run_erasures_of(tenant_id: str) -> int:
    return erasing.run_erasures_of(UUID(tenant_id))


@shared_task
def flush_refused_origins() -> None:
    run_job("flush-refused-origins", refusal_counts.flush_refused_origins)


@shared_task
def redact_sessions() -> None:
    run_job("redact-sessions", redact_due_sessions)


@shared_task
def go_over_again(tenant_id: str, website_id: str | None) -> None:
    again.go_over_again(UUID(tenant_id), None if website_id is None else UUID(website_id))


@shared_task
def delete_expired_sessions() -> None:
    run_job("delete-expired-sessions", cleanup.delete_expired_sessions)


@shared_task
def forget_old_turns() -> None:
    run_job("forget-old-turns", cleanup.forget_old_turns)
