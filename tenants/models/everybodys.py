"""Rows that are no tenant's."""

from django.db import models
from django.db.models.functions import Now


class JobHeartbeat(models.Model):
    """When one of beat's jobs last began and ended, and how. No tenant's row: a job is everybody's.

    ``registered_at`` is when beat first knew of it: a job that has never run is late by that.
    """

    name = models.CharField(primary_key=True, max_length=64)
    period_seconds = models.FloatField()
    registered_at = models.DateTimeField(db_default=Now())
    last_started_at = models.DateTimeField(null=True)
    last_finished_at = models.DateTimeField(null=True)
    last_duration_ms = models.PositiveIntegerField(null=True)
    last_outcome = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    """Counts alone."""
    last_error_code = models.CharField(max_length=64, blank=True, default="", db_default="")

    class Meta:
        db_table = "job_heartbeats"

    def __str__(self) -> str:
        return self.name


class Throttle(models.Model):
    """How often something was tried: a login, an invitation. No tenant's row: who tries is not known yet.

    The key is a keyed hash, so that the table tells neither names nor addresses.
    """

    key = models.BinaryField(primary_key=True, max_length=32, editable=False)
    tries = models.PositiveIntegerField()
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "throttles"
