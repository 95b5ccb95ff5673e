"""What beat asks of the worker. Each task is a thin door, and may run twice."""

from celery import shared_task

from tenants import proving
from tenants.jobs import run_job


@shared_task
def recheck_domains() -> None:
    run_job("recheck-domains", proving.recheck_domains)
