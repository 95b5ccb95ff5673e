"""The Celery application: ``celery -A config worker``, ``celery -A config beat``."""

import os

from celery import Celery

from config import task_lines

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings.production")

app = Celery("parlour")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

__all__ = ["app", "task_lines"]
