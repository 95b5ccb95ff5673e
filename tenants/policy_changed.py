"""Telling the worker that a policy has changed in what it hides: what was redacted before is gone over again."""

from functools import partial
from typing import Any, Final
from uuid import UUID

from celery import current_app
from django.db import transaction

_WHAT_IS_HIDDEN: Final = {"kinds", "replaced_kinds", "ip_storage", "stores_user_agent"}


def tell_if_it_hides_otherwise(form: Any, tenant_id: UUID, website_id: UUID | None = None) -> None:
    """Of one website, or of the tenant, whose form was saved. Where the worker cannot be told, nothing else fails."""
    if _WHAT_IS_HIDDEN & set(form.changed_data):
        website = None if website_id is None else str(website_id)
        arguments = [str(tenant_id), website]
        tell = partial(current_app.send_task, "sessions.tasks.go_over_again", args=arguments)
        transaction.on_commit(tell, robust=True)
