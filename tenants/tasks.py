"""What beat asks of the worker. Each task is a thin door, and may run twice."""

from celery import shared_task

from tenants import proving


@shared_task
def recheck_domains() -> int:
    return proving.recheck_domains()
