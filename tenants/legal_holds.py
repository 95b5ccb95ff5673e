"""Legal holds on websites and on single conversations: nothing of what is held is deleted or redacted."""

from typing import Any

from django.db.models.functions import Now


def set_hold(row: Any, *, by: str) -> bool:
    """Holds the website or session from now on, and says in whose name. False where it was held already."""
    free = type(row).objects.filter(pk=row.pk, legal_hold_at__isnull=True)
    return bool(free.update(legal_hold_at=Now(), legal_hold_by=by))


def lift_hold(row: Any) -> bool:
    """False where it was not held."""
    held = type(row).objects.filter(pk=row.pk, legal_hold_at__isnull=False)
    return bool(held.update(legal_hold_at=None, legal_hold_by=""))
