"""``migrate``, as the owner of the tables, and then the application role's rights on what is new."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.core.management.commands import migrate

from tenants.grants import grant_application_role


class Command(migrate.Command):
    help = "Migrates as the database's owner (DATABASE_OWNER_URL) and grants the application's role its rights."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in settings.DATABASES:
            raise CommandError("DATABASE_OWNER_URL is missing: migrations run as the owner of the tables.")
        super().handle(*args, **{**options, "database": "owner"})
        grant_application_role(settings.DATABASES["default"]["USER"])
