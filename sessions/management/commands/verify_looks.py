"""Verifies the record of looks, tenant by tenant."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions.look_verification import Head, Verdict, verify_record
from sessions.models import Look
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant
from tenants.scoping import tenant_scope

Anchors = dict[UUID, Head]


class Command(BaseCommand):
    help = (
        "Verifies that the record of looks is what was written: each line follows from the one before it, and the "
        "newest is the one that was written last. Prints a line a tenant with the first line that is broken, and ends "
        "with status 1 where one is. Kept heads (--save) show later (--against) what the database alone cannot."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", metavar="SLUG", help="verifies this tenant's alone")
        parser.add_argument("--save", type=Path, metavar="FILE", help="writes each record's newest line into this file")
        parser.add_argument("--against", type=Path, metavar="FILE", help="holds the records to a file that was saved")

    def handle(self, *args: Any, **options: Any) -> None:
        anchors = _read(options["against"]) if options["against"] else {}
        tenants = _tenants(options["tenant"])
        verdicts = {tenant_id: self._verify(tenant_id, slug, anchors) for tenant_id, slug in tenants.items()}
        gone = [] if options["tenant"] else _erased_in_silence(anchors, set(tenants))
        for tenant_id in gone:
            self.stdout.write(f"BROKEN  {tenant_id}: it is gone, and the operator's record does not tell why")
        broken = sum(bool(verdict.broken) for verdict in verdicts.values()) + len(gone)
        if broken:
            raise CommandError(f"The record of looks is broken for {broken} of the tenants.", returncode=1)
        if options["save"]:
            _write(options["save"], verdicts)

    def _verify(self, tenant_id: UUID, slug: str, anchors: Anchors) -> Verdict:
        verdict = verify_record(tenant_id, anchors.get(tenant_id))
        sentence = f"BROKEN  {slug}: {verdict.broken}" if verdict.broken else f"ok      {slug}: {verdict.lines} lines"
        self.stdout.write(sentence)
        return verdict


def _tenants(slug: str | None) -> dict[UUID, str]:
    """Names by ids. The list of tenants is visible in the operator's scope alone."""
    with tenant_scope(OPERATOR_ID):
        tenants = Tenant.objects.filter(slug=slug) if slug else Tenant.objects.all()
        found = dict(tenants.order_by("slug").values_list("id", "slug"))
    if slug and not found:
        raise CommandError(f"There is no tenant {slug}.", returncode=2)
    return found


def _erased_in_silence(anchors: Anchors, there: set[UUID]) -> list[UUID]:
    with tenant_scope(OPERATOR_ID):
        told = set(
            Look.objects.filter(
                kind=Look.Kind.TENANT_ERASURE, subject__in=[str(tenant_id) for tenant_id in set(anchors) - there]
            ).values_list("subject", flat=True)
        )
    return [tenant_id for tenant_id in anchors if tenant_id not in there and str(tenant_id) not in told]


def _read(file: Path) -> Anchors:
    try:
        saved = json.loads(file.read_text())
        return {UUID(tenant_id): Head(int(head["number"]), str(head["hash"])) for tenant_id, head in saved.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandError(f"{file} is no file that --save wrote.", returncode=2) from error


def _write(file: Path, verdicts: dict[UUID, Verdict]) -> None:
    heads = {
        str(tenant_id): {"number": verdict.head.number, "hash": verdict.head.hash}
        for tenant_id, verdict in verdicts.items()
        if verdict.head
    }
    file.write_text(json.dumps(heads, indent=2) + "\n")
