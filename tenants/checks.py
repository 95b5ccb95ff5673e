"""What ``manage.py check --deploy`` asks of the database."""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, connection

from tenants.role import IS_UNSAFE_ROLE
from tenants.walls import BROKEN_WALLS


@register(Tags.security, deploy=True)
def check_role(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001  Django's form
    """The connected role must not be able to pass the row policies."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(IS_UNSAFE_ROLE)
            (unsafe,) = cursor.fetchone()
    except DatabaseError as error:
        return [Error(f"The database cannot be asked for its role: {type(error).__name__}.", id="tenants.E001")]
    if not unsafe:
        return []
    hint = "DATABASE_URL must name a role that is no superuser, does not bypass row security, and owns no table."
    return [Error("The application's role could pass the row policies.", hint=hint, id="tenants.E002")]


@register(Tags.security, deploy=True)
def check_walls(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[CheckMessage]:  # noqa: ARG001  Django's form
    """Every table of tenants must have its row policy, and every definer function must be closed to others."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(BROKEN_WALLS)
            broken = [sentence for (sentence,) in cursor.fetchall()]
    except DatabaseError as error:
        return [Error(f"The database cannot be asked for its walls: {type(error).__name__}.", id="tenants.E003")]
    hint = "`manage.py migrate` makes policies and doors as they should be; what was changed by hand must be mended so."
    return [
        Error(f"A wall between tenants is broken. {sentence}.", hint=hint, id="tenants.E004") for sentence in broken
    ]
