"""Proving that a website's domain is its tenant's: when somebody asks, again every day, and to take it over.

The network is called outside any transaction and with no connection held; what was found is written in a scope of its
own, onto the row as it is then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, Q, When
from django.db.models.functions import Coalesce, Now

from tenants.errors import CheckedJustNowError, DomainTakenError
from tenants.models import Website
from tenants.proof.prober import DomainProber
from tenants.proof.report import ProofReport
from tenants.registration import prove_website, unprove_website
from tenants.rounds import each_tenant_outside_scopes
from tenants.scoping import tenant_scope

PAUSE_BETWEEN_CHECKS: Final = timedelta(seconds=5)
CHECKED_EVERY: Final = timedelta(days=1)
FAILURES_TO_LAPSE: Final = 3
LAPSES_AFTER: Final = timedelta(days=3)
"""From the first of the failed checks on."""
GRACE: Final = timedelta(days=7)
"""A lapsed proof still serves for so long."""

_CHECKED_AT_ONCE: Final = 10
_LOOKED_FOR: Final = (Website.ProofMethod.META, Website.ProofMethod.FILE, Website.ProofMethod.DNS)


class Verdict(Enum):
    """What a check came to."""

    PROVED = auto()
    NOT_FOUND = auto()
    TAKEN = auto()
    """The proof is there, but another website holds the domain."""
    MAY_BE_TAKEN_OVER = auto()
    """So it is, but that website's own proof lapsed."""
    GONE = auto()
    """The website was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class _Question:
    website_id: UUID
    domain: str
    token: str


def check_domain(tenant_id: UUID, website_id: UUID, prober: DomainProber | None = None) -> Verdict:
    """Looks for the proof now, and proves the website where it is found. To be called outside any scope.

    Takes up to some 5 seconds. Raises ``CheckedJustNowError`` and Django's ``Website.DoesNotExist``.
    """
    with tenant_scope(tenant_id):
        question = _ask_now(website_id)
    [report] = _look([question], prober)
    with tenant_scope(tenant_id):
        return _conclude(website_id, report)


def take_over_domain(tenant_id: UUID, website_id: UUID, prober: DomainProber | None = None) -> Verdict:
    """Looks for the proof now; where it is found, takes the domain from the website whose own proof lapsed.

    That website is switched off for visitors in the same transaction; its conversations stay its tenant's. To be
    called outside any scope. Raises Django's ``Website.DoesNotExist``.
    """
    with tenant_scope(tenant_id):
        claimant = Website.objects.get(pk=website_id)
        if not may_be_taken_over(claimant):
            return Verdict.PROVED if claimant.is_proved else Verdict.TAKEN
    [report] = _look([_question(claimant)], prober)
    with tenant_scope(tenant_id):
        if (website := _note(website_id, report)) is None:
            return Verdict.GONE
        if not report.found:
            return Verdict.NOT_FOUND
        if not _release_domain(website):
            return Verdict.TAKEN
        # Raises where the domain was taken within this moment, and the release is undone with it.
        prove_website(website, Website.ProofMethod(report.found[0]))
        return Verdict.PROVED


def recheck_domains(prober: DomainProber | None = None) -> int:
    """Looks again at what was proved by something that can be looked for, once a day; gives the number of checks."""
    return each_tenant_outside_scopes(
        "door_tenants_with_proofs_due", lambda tenant_id: _recheck_some(tenant_id, prober), reason="domain proofs"
    )


def may_be_taken_over(website: Website) -> bool:
    """Whether this website's tenant showed within the hour that the domain is theirs, and its holder's proof lapsed."""
    if website.is_proved:
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT door_domain_has_lapsed(%s)", [website.pk])
        return bool(cursor.fetchone()[0])


def _recheck_some(tenant_id: UUID, prober: DomainProber | None) -> int:
    with tenant_scope(tenant_id):
        questions = _due()
    for question, report in zip(questions, _look(questions, prober), strict=True):
        with tenant_scope(tenant_id):
            _conclude(question.website_id, report)
    return len(questions)


def _ask_now(website_id: UUID) -> _Question:
    website = Website.objects.get(pk=website_id)
    rested = Q(proof_checked_at__isnull=True) | Q(proof_checked_at__lt=Now() - PAUSE_BETWEEN_CHECKS)
    if not Website.objects.filter(rested, pk=website_id).update(proof_checked_at=Now()):
        raise CheckedJustNowError
    return _question(website)


def _due() -> list[_Question]:
    """Marked as checked at once, so that two workers do not look at the same ones."""
    due = list(
        Website.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(proved_at__isnull=False, proof_method__in=_LOOKED_FOR, proof_checked_at__lt=Now() - CHECKED_EVERY)
        .order_by("proof_checked_at")[:_CHECKED_AT_ONCE]
    )
    Website.objects.filter(pk__in=[website.pk for website in due]).update(proof_checked_at=Now())
    return [_question(website) for website in due]


def _question(website: Website) -> _Question:
    return _Question(website.pk, website.domain, website.proof_token)


def _look(questions: Sequence[_Question], prober: DomainProber | None) -> list[ProofReport]:
    connection.close()  # back to the pool: the others need it while the network is waited for
    return asyncio.run(_look_at_all(questions, prober or DomainProber())) if questions else []


async def _look_at_all(questions: Sequence[_Question], prober: DomainProber) -> list[ProofReport]:
    return list(await asyncio.gather(*(prober.probe(question.domain, question.token) for question in questions)))


def _note(website_id: UUID, report: ProofReport) -> Website | None:
    """Keeps the report with the website, which is locked; None where it was deleted meanwhile."""
    website = Website.objects.select_for_update(of=("self",)).filter(pk=website_id).first()
    if website is not None:
        passed = {"proof_passed_at": Now()} if report.found else {}
        Website.objects.filter(pk=website_id).update(
            proof_checked_at=Now(), proof_report=report.model_dump(mode="json"), **passed
        )
    return website


def _conclude(website_id: UUID, report: ProofReport) -> Verdict:
    website = _note(website_id, report)
    if website is None:
        return Verdict.GONE
    if website.is_proved and not website.is_checked_again:
        return Verdict.PROVED  # the operator's word stands
    if report.found:
        return _prove(website, report)
    if website.is_proved:
        _count_failure(website)
    return Verdict.NOT_FOUND


def _prove(website: Website, report: ProofReport) -> Verdict:
    """By the way that proved it before, where that is still there."""
    way = website.proof_method if website.proof_method in report.found else report.found[0]
    try:
        prove_website(website, Website.ProofMethod(way))
    except DomainTakenError:
        # Its own last word is in the database: the row that is in the way may be lapsed.
        return Verdict.MAY_BE_TAKEN_OVER if may_be_taken_over(website) else Verdict.TAKEN
    return Verdict.PROVED


def _count_failure(website: Website) -> None:
    """All moments are the database's: clocks of processes differ."""
    lapses = When(
        proof_lapsed_at__isnull=True,
        proof_failures__gte=FAILURES_TO_LAPSE - 1,
        proof_failing_since__lte=Now() - LAPSES_AFTER,
        then=Now(),
    )
    this = Website.objects.filter(pk=website.pk)
    this.update(
        proof_failures=F("proof_failures") + 1,
        proof_failing_since=Coalesce("proof_failing_since", Now()),
        proof_lapsed_at=Case(lapses, default=F("proof_lapsed_at")),
    )
    if this.filter(proof_lapsed_at__lte=Now() - GRACE).exists():
        unprove_website(website)


def _release_domain(website: Website) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT door_release_lapsed_domain(%s)", [website.pk])
        return bool(cursor.fetchone()[0])
