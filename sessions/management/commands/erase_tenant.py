from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions.errors import ErasureHeldError
from sessions.tenant_erasure import DoomedTenant, erase_tenant, find_tenant

_LONGEST_REASON: Final = 300


class Command(BaseCommand):
    help = (
        "Erases a tenant with everything that is its own: websites, agents, keys, conversations, its record of looks,"
        " and the people who belong to no other tenant. Works as the owner of the tables (DATABASE_OWNER_URL). It"
        " cannot be undone; broken off, it is run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant, as the operator's list shows it")
        parser.add_argument("--yes", action="store_true", help="does not ask")
        parser.add_argument(
            "--reason", default="", help=f"for the operator's record of looks, {_LONGEST_REASON} letters at most"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if "owner" not in settings.DATABASES:
            raise CommandError("DATABASE_OWNER_URL is missing: only the owner of the tables may erase a tenant.")
        if len(options["reason"]) > _LONGEST_REASON:
            raise CommandError(f"The reason is longer than {_LONGEST_REASON} letters. Nothing was erased.")
        tenant = find_tenant(options["slug"])
        if tenant is None:
            raise CommandError("There is no tenant with this slug; the operator itself cannot be erased.")
        self._preview(tenant)
        if not options["yes"] and input(f"Type {options['slug']} to erase it: ").strip() != options["slug"]:
            raise CommandError("Nothing was erased.")
        self._erase(tenant, options["reason"])

    def _preview(self, tenant: DoomedTenant) -> None:
        self.stdout.write(
            f"{tenant.name}: {tenant.websites} websites, {tenant.sessions} conversations, and {len(tenant.people)}"
            " people who belong to no other tenant."
        )

    def _erase(self, tenant: DoomedTenant, reason: str) -> None:
        done = 0

        def progress(sessions: int) -> None:
            nonlocal done
            done += sessions
            self.stdout.write(f"{done} of {tenant.sessions} conversations erased.")

        try:
            receipt_id = erase_tenant(tenant, progress, reason=reason)
        except ErasureHeldError:
            raise CommandError(_held_in_words(tenant)) from None
        self.stdout.write(f"The tenant is erased. Receipt: er_{receipt_id.hex}")


def _held_in_words(tenant: DoomedTenant) -> str:
    if tenant.held:
        return f"Nothing was erased: {tenant.held} of its websites and conversations are under a legal hold."
    return (
        "Somebody set a legal hold meanwhile. What is held is still there, and so is the tenant, suspended; other"
        " conversations are gone. Once the hold is lifted, run this again."
    )
