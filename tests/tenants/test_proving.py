"""Proving websites: when asked, again every day, one holder at a time, and taken over where a proof lapsed."""

import asyncio
import secrets
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from tenants.errors import CheckedJustNowError, DomainTakenError
from tenants.models import Tenant, Website
from tenants.proof.prober import DomainProber
from tenants.proof.report import ProofReport
from tenants.proving import Verdict, check_domain, may_be_taken_over, recheck_domains, take_over_domain
from tenants.registration import prove_website, register_website
from tenants.scoping import tenant_scope
from tests.cast import Cast
from tests.tenants.internet import Internet


@pytest.fixture(autouse=True)
def _nothing_due_before(database: None) -> None:
    """Other tests' leftovers would be looked for on the real internet."""
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE websites SET proof_checked_at = now() WHERE proof_checked_at IS NOT NULL")


@pytest.fixture
def domain() -> str:
    return f"shop-{secrets.token_hex(4)}.example"


def registered(tenant: Tenant, domain: str, **fields: Any) -> Website:
    with tenant_scope(tenant.pk):
        return register_website(domain, **fields)


def now(website: Website) -> Website:
    with tenant_scope(website.tenant_id):
        return Website.objects.get(pk=website.pk)


def origins_proved(website: Website) -> set[bool]:
    with tenant_scope(website.tenant_id):
        return {row.proved_at is not None for row in website.origins.all()}


def rest(cast: Cast, website: Website, **since: float) -> None:
    """Lets so much time have passed since the last check."""
    cast.change(website, proof_checked_at=timezone.now() - timedelta(**since))


def check(website: Website, internet: Internet) -> Verdict:
    return check_domain(website.tenant_id, website.pk, internet.prober())


@pytest.fixture
def proved(cast: Cast, domain: str, internet: Internet) -> Website:
    website = registered(cast.tenant(), domain, extra_origins=[f"https://www.{domain}"])
    internet.prove(domain, website.proof_token, "dns")
    assert check(website, internet) is Verdict.PROVED
    return now(website)


@pytest.mark.parametrize("way", ["meta", "file", "dns"])
def test_website_is_proved_by_each_way(cast: Cast, internet: Internet, domain: str, way: str) -> None:
    website = registered(cast.tenant(), domain, extra_origins=[f"https://www.{domain}"])
    internet.prove(domain, website.proof_token, way)
    assert check(website, internet) is Verdict.PROVED
    saved = now(website)
    assert (saved.is_proved, saved.proof_method, origins_proved(website)) == (True, way, {True})
    report = ProofReport.read(saved.proof_report)
    assert report is not None
    assert report.found == (way,)


def test_website_without_proof_stays_unproved_and_tells_what_was_found(
    cast: Cast, internet: Internet, domain: str
) -> None:
    website = registered(cast.tenant(), domain)
    internet.put_host(domain)
    assert check(website, internet) is Verdict.NOT_FOUND
    saved = now(website)
    assert (saved.is_proved, saved.proof_method, saved.proof_failures, origins_proved(website)) == (
        False,
        "",
        0,
        {False},
    )
    report = ProofReport.read(saved.proof_report)
    assert report is not None
    assert [finding.outcome for finding in report.findings] == ["bad_status", "bad_status", "missing"]


def test_token_of_another_tenants_website_proves_nothing(cast: Cast, internet: Internet, domain: str) -> None:
    theirs, mine = registered(cast.tenant(), domain), registered(cast.tenant(), domain)
    assert theirs.proof_token != mine.proof_token
    internet.prove(domain, theirs.proof_token)
    assert check(mine, internet) is Verdict.NOT_FOUND
    assert check(theirs, internet) is Verdict.PROVED
    assert (now(mine).is_proved, now(theirs).is_proved) == (False, True)


def test_check_after_a_check_is_refused_for_a_moment(cast: Cast, internet: Internet, domain: str) -> None:
    website = registered(cast.tenant(), domain)
    check(website, internet)
    asked = len(internet.questions)
    rest(cast, website, minutes=-1)  # as if no moment had passed
    with pytest.raises(CheckedJustNowError):
        check(website, internet)
    assert len(internet.questions) == asked
    rest(cast, website, seconds=6)
    assert check(website, internet) is Verdict.NOT_FOUND


def test_foreign_website_is_not_checked(cast: Cast, internet: Internet, domain: str) -> None:
    website = registered(cast.tenant(), domain)
    for attempt in (check_domain, take_over_domain):
        with pytest.raises(Website.DoesNotExist):
            attempt(cast.tenant().pk, website.pk, internet.prober())
    assert internet.questions == []


def test_network_is_called_outside_any_transaction(cast: Cast, domain: str) -> None:
    seen: list[tuple[bool, bool]] = []

    class Watching(DomainProber):
        async def probe(self, domain: str, token: str) -> ProofReport:  # noqa: ARG002  as it is asked
            seen.append((connection.in_atomic_block, connection.connection is None))
            return ProofReport(findings=())

    website = registered(cast.tenant(), domain)
    check_domain(website.tenant_id, website.pk, Watching())
    assert seen == [(False, True)]


@pytest.mark.parametrize("method", [Website.ProofMethod.OPERATOR, Website.ProofMethod.LOCAL])
def test_operators_word_is_not_looked_for_again(
    cast: Cast, internet: Internet, domain: str, method: Website.ProofMethod
) -> None:
    website = registered(cast.tenant(), domain)
    with tenant_scope(website.tenant_id):
        prove_website(website, method)
    rest(cast, website, days=400)
    assert recheck_domains(internet.prober()) == 0
    assert check(website, internet) is Verdict.PROVED
    assert (now(website).is_proved, now(website).proof_method, now(website).proof_failures) == (True, method, 0)


def test_local_host_is_proved_by_itself_in_development_alone(cast: Cast, settings: Any, internet: Internet) -> None:
    local = registered(cast.tenant(), f"{secrets.token_hex(6)}.localhost")
    assert (local.is_proved, local.proof_method) == (True, "local")
    settings.LOCAL_ORIGIN_PORT = None
    elsewhere = registered(cast.tenant(), f"{secrets.token_hex(6)}.localhost")
    assert (elsewhere.is_proved, elsewhere.proof_method) == (False, "")
    internet.prove(elsewhere.domain, elsewhere.proof_token)
    internet.put_host(elsewhere.domain, ["127.0.0.1"])
    assert check(elsewhere, internet) is Verdict.NOT_FOUND
    assert internet.dialled == []


# -- again every day


def test_proof_is_looked_for_once_a_day(cast: Cast, internet: Internet, proved: Website) -> None:
    assert recheck_domains(internet.prober()) == 0
    rest(cast, proved, hours=25)
    assert recheck_domains(internet.prober()) == 1
    assert recheck_domains(internet.prober()) == 0
    assert now(proved).proved_at == proved.proved_at


def test_proof_that_moved_is_followed(cast: Cast, internet: Internet, proved: Website) -> None:
    internet.take_proofs_away(proved.domain)
    internet.prove(proved.domain, proved.proof_token, "meta")
    rest(cast, proved, hours=25)
    recheck_domains(internet.prober())
    assert now(proved).proof_method == "meta"


def fail_days(cast: Cast, internet: Internet, website: Website, days: int) -> None:
    """So many daily checks find nothing, the first of them so many days ago."""
    internet.take_proofs_away(website.domain)
    for _ in range(days):
        saved = now(website)
        back = {name: getattr(saved, name) for name in ("proof_failing_since", "proof_lapsed_at")}
        moved = {name: at - timedelta(days=1) for name, at in back.items() if at is not None}
        cast.change(saved, proof_checked_at=timezone.now() - timedelta(hours=25), **moved)
        assert recheck_domains(internet.prober()) == 1


def test_proof_lapses_after_three_days_without_it_and_serves_for_seven_more(
    cast: Cast, internet: Internet, proved: Website
) -> None:
    states = []
    for _ in range(12):
        fail_days(cast, internet, proved, 1)
        saved = now(proved)
        states.append((saved.proof_failures, saved.proof_lapsed_at is not None, saved.is_proved))
        if not saved.is_proved:
            break
    assert states == [
        *[(day, False, True) for day in range(1, 4)],
        *[(day, True, True) for day in range(4, 11)],
        (11, True, False),
    ]
    assert (now(proved).proof_method, origins_proved(proved)) == ("", {False})
    assert recheck_domains(internet.prober()) == 0


def test_three_failures_within_a_day_do_not_lapse(cast: Cast, internet: Internet, proved: Website) -> None:
    internet.take_proofs_away(proved.domain)
    for _ in range(5):
        rest(cast, proved, seconds=6)
        assert check(proved, internet) is Verdict.NOT_FOUND
    assert (now(proved).proof_failures, now(proved).proof_lapsed_at) == (5, None)


def test_process_whose_clock_is_ahead_lapses_nothing(
    cast: Cast, internet: Internet, proved: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    internet.take_proofs_away(proved.domain)
    ahead = iter([0, 5, 10, 20])
    clock = timezone.now
    for _ in range(4):
        rest(cast, proved, seconds=6)
        with monkeypatch.context() as wrong:
            days = timedelta(days=next(ahead))
            wrong.setattr(timezone, "now", lambda days=days: clock() + days)
            assert check(proved, internet) is Verdict.NOT_FOUND
    saved = now(proved)
    assert (saved.proof_failures, saved.proof_lapsed_at, saved.is_proved) == (4, None, True)


@pytest.mark.parametrize("days", [2, 5, 11])
def test_proof_that_came_back_counts_from_the_beginning(
    cast: Cast, internet: Internet, proved: Website, days: int
) -> None:
    fail_days(cast, internet, proved, days)
    internet.prove(proved.domain, proved.proof_token, "dns")
    rest(cast, proved, seconds=6)
    assert check(proved, internet) is Verdict.PROVED
    saved = now(proved)
    assert (saved.proof_failures, saved.proof_failing_since, saved.proof_lapsed_at) == (0, None, None)
    assert (saved.is_proved, origins_proved(saved)) == (True, {True})


def test_one_tenants_websites_are_all_looked_at(cast: Cast, internet: Internet) -> None:
    tenant = cast.tenant()
    for _ in range(12):
        website = registered(tenant, f"{secrets.token_hex(6)}.example")
        internet.prove(website.domain, website.proof_token, "dns")
        check(website, internet)
        rest(cast, website, hours=25)
    assert recheck_domains(internet.prober()) == 12


# -- one holder


def test_domain_that_is_held_is_refused_to_whoever_proves_it_too(
    cast: Cast, internet: Internet, proved: Website
) -> None:
    mine = registered(cast.tenant(), proved.domain)
    internet.put_texts(proved.domain, f'"parlour-verify={mine.proof_token}"')
    assert check(mine, internet) is Verdict.TAKEN
    with tenant_scope(mine.tenant_id):
        assert may_be_taken_over(mine) is False
    assert take_over_domain(mine.tenant_id, mine.pk, internet.prober()) is Verdict.TAKEN
    assert (now(mine).is_proved, now(proved).is_proved, origins_proved(proved)) == (False, True, {True})


def _at_once(*deeds: Callable[[], Any]) -> list[Any]:
    """What each came to, an error included, all of them begun together."""
    outcomes: list[Any] = [None] * len(deeds)
    gate = threading.Barrier(len(deeds))

    def run(number: int) -> None:
        gate.wait()
        try:
            outcomes[number] = deeds[number]()
        except Exception as error:  # noqa: BLE001  the test looks at it
            outcomes[number] = type(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(deeds))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_many_who_prove_at_once_one_holds_the_domain(cast: Cast, domain: str, django_db_blocker: Any) -> None:
    websites = [registered(cast.tenant(), domain, extra_origins=[f"https://www.{domain}"]) for _ in range(5)]

    def deed(website: Website) -> Callable[[], None]:
        def prove() -> None:
            with tenant_scope(website.tenant_id):
                prove_website(website)

        return prove

    outcomes = _at_once(*map(deed, websites))
    assert sorted(map(str, outcomes)) == sorted(map(str, [None, *[DomainTakenError] * 4]))
    assert [now(website).is_proved for website in websites] == [outcome is None for outcome in outcomes]
    assert [origins_proved(website) for website in websites] == [{outcome is None} for outcome in outcomes]


# -- taking over


@pytest.fixture
def lapsed(cast: Cast, internet: Internet, proved: Website) -> Website:
    fail_days(cast, internet, proved, 4)
    assert now(proved).proof_lapsed_at is not None
    return now(proved)


@pytest.fixture
def claimant(cast: Cast, internet: Internet, lapsed: Website) -> Website:
    website = registered(cast.tenant(), lapsed.domain)
    internet.prove(website.domain, website.proof_token, "file")
    return website


def test_lapsed_domain_is_taken_over_only_when_asked(
    cast: Cast, internet: Internet, lapsed: Website, claimant: Website
) -> None:
    assert check(claimant, internet) is Verdict.MAY_BE_TAKEN_OVER
    assert (now(claimant).is_proved, now(lapsed).is_proved) == (False, True)
    assert take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()) is Verdict.PROVED
    assert (now(claimant).is_proved, now(claimant).proof_method, origins_proved(claimant)) == (True, "file", {True})
    assert (now(lapsed).is_proved, now(lapsed).proof_method, origins_proved(lapsed)) == (False, "", {False})
    assert take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()) is Verdict.PROVED


def test_takeover_looks_for_the_proof_again(internet: Internet, lapsed: Website, claimant: Website) -> None:
    check(claimant, internet)
    internet.take_proofs_away(claimant.domain)
    assert take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()) is Verdict.NOT_FOUND
    assert (now(claimant).is_proved, now(lapsed).is_proved) == (False, True)


def test_takeover_without_a_check_before_is_refused(internet: Internet, lapsed: Website, claimant: Website) -> None:
    asked = list(internet.requests)
    with tenant_scope(claimant.tenant_id):
        assert may_be_taken_over(claimant) is False
    assert take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()) is Verdict.TAKEN
    assert (internet.requests, now(lapsed).is_proved) == (asked, True)


def test_takeover_of_a_proof_that_came_back_is_refused(
    cast: Cast, internet: Internet, lapsed: Website, claimant: Website
) -> None:
    check(claimant, internet)
    internet.prove(lapsed.domain, lapsed.proof_token, "dns")
    rest(cast, lapsed, seconds=6)
    assert check(lapsed, internet) is Verdict.PROVED
    assert take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()) is Verdict.TAKEN
    assert (now(claimant).is_proved, now(lapsed).is_proved) == (False, True)


def test_of_many_who_take_over_at_once_one_holds_the_domain(cast: Cast, internet: Internet, lapsed: Website) -> None:
    claimants = [registered(cast.tenant(), lapsed.domain) for _ in range(4)]
    internet.put_host(lapsed.domain)
    texts = [f'"parlour-verify={website.proof_token}"' for website in claimants]
    internet.put_texts(lapsed.domain, *texts)
    assert {check(website, internet) for website in claimants} == {Verdict.MAY_BE_TAKEN_OVER}
    outcomes = _at_once(
        *(
            lambda website=website: take_over_domain(website.tenant_id, website.pk, internet.prober())
            for website in claimants
        )
    )
    held = [now(website).is_proved for website in claimants]
    assert (sum(held), now(lapsed).is_proved) == (1, False)
    assert [outcome is Verdict.PROVED for outcome in outcomes] == held
    assert {outcome for outcome, holds in zip(outcomes, held, strict=True) if not holds} <= {
        Verdict.TAKEN,
        DomainTakenError,
    }


def test_check_that_was_under_way_does_not_undo_a_takeover(
    cast: Cast, internet: Internet, lapsed: Website, claimant: Website
) -> None:
    """The holder's proof is found just before, and written just after the domain went."""
    check(claimant, internet)
    internet.put_texts(lapsed.domain, f'"parlour-verify={lapsed.proof_token}"')

    class Overtaken(DomainProber):
        async def probe(self, domain: str, token: str) -> ProofReport:
            report = await internet.prober().probe(domain, token)
            [verdict] = await _in_thread(lambda: take_over_domain(claimant.tenant_id, claimant.pk, internet.prober()))
            assert verdict is Verdict.PROVED
            return report

    rest(cast, lapsed, seconds=6)
    assert check_domain(lapsed.tenant_id, lapsed.pk, Overtaken()) is Verdict.TAKEN
    assert (now(claimant).is_proved, now(lapsed).is_proved, origins_proved(lapsed)) == (True, False, {False})


async def _in_thread(deed: Callable[[], Any]) -> list[Any]:
    return await asyncio.to_thread(_at_once, deed)


@pytest.mark.parametrize("extra", ["https://shop.{}", "http://shop.{}", "https://shop.{}:8443"])
def test_host_listed_by_a_lapsed_website_is_released_with_it(
    cast: Cast, internet: Internet, domain: str, extra: str
) -> None:
    holder = registered(cast.tenant(), domain, extra_origins=[extra.format(domain)])
    internet.prove(domain, holder.proof_token)
    check(holder, internet)
    mine = registered(cast.tenant(), f"shop.{domain}")
    internet.prove(mine.domain, mine.proof_token)
    assert check(mine, internet) is Verdict.TAKEN
    fail_days(cast, internet, holder, 4)
    assert take_over_domain(mine.tenant_id, mine.pk, internet.prober()) is Verdict.PROVED
    assert (now(mine).is_proved, now(holder).is_proved, origins_proved(holder)) == (True, False, {False})


def test_doors_answer_for_the_active_tenants_website_alone(
    cast: Cast, internet: Internet, lapsed: Website, claimant: Website
) -> None:
    check(claimant, internet)
    answers = []
    for tenant_id in (claimant.tenant_id, lapsed.tenant_id, cast.tenant().pk):
        with tenant_scope(tenant_id), connection.cursor() as cursor:
            for website in (claimant, lapsed):
                cursor.execute("SELECT door_domain_has_lapsed(%s)", [website.pk])
                answers.append(cursor.fetchone()[0])
    with tenant_scope(lapsed.tenant_id), connection.cursor() as cursor:
        cursor.execute("SELECT door_release_lapsed_domain(%s)", [claimant.pk])
        answers.append(cursor.fetchone()[0])
    with connection.cursor() as cursor:
        cursor.execute("SELECT door_release_lapsed_domain(%s)", [claimant.pk])
        answers.append(cursor.fetchone()[0])
    assert answers == [True, *[False] * 7]
    assert now(lapsed).is_proved
