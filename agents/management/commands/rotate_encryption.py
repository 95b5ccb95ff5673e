from typing import Any

from django.core.management.base import BaseCommand, CommandError

from agents.rotation import Rotation, rotate_all


class Command(BaseCommand):
    help = (
        "Seals every stored credential with the first of ENCRYPTION_KEYS. Put a new key first, restart, run this,"
        " and then remove the old key. Running it again changes nothing."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = list(rotate_all())
        for rotation in done:
            self._report_broken(rotation)
            self._report_waiting(rotation)
        resealed, current = sum(r.resealed for r in done), sum(r.current for r in done)
        broken = sum(len(r.broken) for r in done)
        self.stdout.write(
            f"{len(done)} tenants: {resealed} credentials sealed anew, {current} current, {broken} broken."
        )
        if broken:
            raise CommandError("Some credentials do not open. Keep the old key until they are entered again.")

    def _report_waiting(self, rotation: Rotation) -> None:
        for prefix in rotation.waiting_api_keys:
            self.stderr.write(
                f"API key sk_{prefix}_..., tenant {rotation.tenant_id}, moves when it is next used;"
                " without the old key it will be refused."
            )

    def _report_broken(self, rotation: Rotation) -> None:
        for place in rotation.broken:
            name, tenant_id = f"{place.field} of {place.model} {place.row_id}", rotation.tenant_id
            self.stderr.write(f"The {name}, tenant {tenant_id}, does not open.")
