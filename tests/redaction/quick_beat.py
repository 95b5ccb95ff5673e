"""A beat that asks for nothing but the redaction, all the time: ``celery -A tests.redaction.quick_beat beat``."""

import os

from config.celery import app

__all__ = ["app"]

app.conf.beat_schedule = {
    "redact-sessions": {
        "task": "sessions.tasks.redact_sessions",
        "schedule": 0.1,
        "options": {"queue": os.environ["TEST_QUEUE"]},
    }
}
