from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from sessions.redaction.job import JOB, redact_due_sessions
from sessions.redaction.preview import Preview, preview_redaction
from tenants.domains import DomainError, normalise_domain
from tenants.errors import ParlourError
from tenants.identifiers import OPERATOR_ID
from tenants.jobs import run_beside_job, run_job
from tenants.models import Tenant, Website
from tenants.privacy_choices import PERSONAL_DATA
from tenants.scoping import tenant_scope

_SECONDS_A_TENANT: Final = 60.0
_WORDS: Final = dict(PERSONAL_DATA)


class Command(BaseCommand):
    help = (
        "Replaces personal data in conversations, as beat does: in those that are due by their website's policy."
        " With --dry-run nothing is written: it tells how much would be replaced in the newest conversations."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Write nothing, and tell what would be replaced.")
        parser.add_argument("--tenant", metavar="SLUG", help="This tenant alone.")
        parser.add_argument("--website", metavar="DOMAIN", help="With --dry-run: this website alone.")
        parser.add_argument(
            "--newest", type=int, default=200, metavar="N", help="With --dry-run: the N newest conversations of each."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = _tenants(options["tenant"])
        if options["dry_run"]:
            self._preview(tenants, options["website"], options["newest"])
        elif options["website"]:
            raise CommandError("--website goes with --dry-run: what is due is redacted tenant by tenant.")
        else:
            self._redact([tenant.id for tenant in tenants], is_whole=options["tenant"] is None)

    def _redact(self, tenant_ids: list[UUID], *, is_whole: bool) -> None:
        """Of one tenant alone it is no run of the job: what failed for another one stays to be told."""
        run = run_job if is_whole else run_beside_job
        try:
            counts: Any = run(JOB, lambda: redact_due_sessions(tenant_ids))
        except ParlourError as error:
            raise CommandError(str(error)) from error
        if counts is None:
            raise CommandError("The job is at work already.")
        sessions, replaced, messages = counts["sessions"], counts["replaced"], counts["messages"]
        self.stdout.write(f"{sessions} sessions gone over, {replaced} of their {messages} messages changed.")
        if counts["skipped"]:
            raise CommandError(f"{counts['skipped']} sessions could not be redacted: the log names them.")

    def _preview(self, tenants: list[Tenant], domain: str | None, newest: int) -> None:
        told = 0
        for tenant in tenants:
            for name, website_id in _places(tenant, domain):
                preview = preview_redaction(tenant.id, website_id=website_id, newest=newest, seconds=_SECONDS_A_TENANT)
                self._tell(name, preview)
                told += 1
        if domain is not None and not told:
            raise CommandError(f"There is no website {domain}.")

    def _tell(self, name: str, preview: Preview) -> None:
        cut = " (no more in the time)" if preview.is_cut else ""
        self.stdout.write(
            f"{name}: {preview.sessions_changed} of the {preview.sessions} newest sessions and"
            f" {preview.messages_changed} of their {preview.messages} messages would change{cut}."
        )
        if preview.skipped:
            self.stdout.write(f"  {preview.skipped} more could not be read by the redactor: the log names them.")
        for kind, times in preview.found.most_common():
            word = _WORDS.get(kind.name.lower(), kind.name)
            self.stdout.write(f"  {word}: {times}, such as {', '.join(preview.samples.get(kind, []))}")


def _tenants(slug: str | None) -> list[Tenant]:
    with tenant_scope(OPERATOR_ID):
        tenants = list(Tenant.objects.filter(**({"slug": slug} if slug else {})))
    if not tenants:
        raise CommandError(f"There is no tenant with the slug {slug}.")
    return tenants


def _places(tenant: Tenant, domain: str | None) -> Iterator[tuple[str, UUID | None]]:
    if domain is None:
        yield tenant.slug, None
        return
    try:
        wanted = normalise_domain(domain)
    except DomainError as error:
        raise CommandError(str(error)) from error
    with tenant_scope(tenant.id):
        found = list(Website.objects.filter(domain=wanted))
    for website in found:
        yield f"{tenant.slug}, {website}", website.id
