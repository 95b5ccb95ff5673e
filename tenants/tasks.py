"""What beat asks of the worker. Each task is a thin door, and may run twice."""

from typing import Any

from celery import shared_task
from celery.signals import beat_init

from tenants import proving
from tenants.jobs import register_jobs, run_job


@shared_task
def recheck_domains() -> None:
    run_job("recheck-domains", proving.recheck_domains)


@beat_init.connect
def _beat_begins(**_: Any) -> None:
    register_jobs()
