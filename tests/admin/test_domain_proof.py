"""Proving a domain as a person does it in the browser, and taking one over."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from tenants import proving
from tenants.models import Website
from tenants.proof.report import PROOF_FILE
from tenants.registration import register_website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, sentences, switch_to
from tests.cast import Cast
from tests.tenants.internet import Internet, running_internet

Enter = Callable[[User], Client]
TAKEN = "{} or a host among its extra origins is in use by another website already."


@pytest.fixture
def internet(monkeypatch: pytest.MonkeyPatch) -> Iterator[Internet]:
    """In place of the real one, also for whoever names no other."""
    with running_internet() as internet:
        monkeypatch.setattr(proving, "DomainProber", internet.prober)
        yield internet


def website_of(shop: Shop, domain: str) -> Website:
    with tenant_scope(shop.tenant.pk):
        return register_website(domain)


@pytest.fixture
def website(alice: Shop, internet: Internet) -> Website:
    website = website_of(alice, f"real-{alice.tenant.slug}.example")
    internet.put_host(website.domain)
    return website


def now(website: Website) -> Website:
    with tenant_scope(website.tenant_id):
        return Website.objects.get(pk=website.pk)


def page_of(website: Website, page: str = "change") -> str:
    return f"{ADMIN}tenants/website/{website.pk}/{page}/"


def check(client: Client, website: Website) -> list[str]:
    response = client.post(page_of(website, "check-domain"))
    assert (response.status_code, response["Location"]) == (302, page_of(website))
    return sentences(response)


def test_page_tells_the_three_ways(enter: Enter, alice: Shop, website: Website) -> None:
    page = enter(alice.owner).get(page_of(website)).text
    token = website.proof_token
    tag = f"&lt;meta name=&quot;parlour-verify&quot; content=&quot;{token}&quot;&gt;"
    for code in (tag, f"parlour-verify={token}"):
        assert f">{code}</code>" in page
    for place in (f"https://{website.domain}/", f"https://{website.domain}{PROOF_FILE}", f"_parlour.{website.domain}"):
        assert place in page
    assert ("Check now" in page, "Take over" in page, "Confirm domain" in page) == (True, False, False)


def test_owner_proves_the_domain(enter: Enter, alice: Shop, internet: Internet, website: Website) -> None:
    client = enter(alice.owner)
    assert check(client, website) == [f"No proof was found on {website}. What was looked for, and where, stands below."]
    page = client.get(page_of(website)).text
    assert page.count("The server answered with status 404.") == 2
    assert page.count("There is no such TXT record yet.") == 1
    assert now(website).is_proved is False

    internet.prove(website.domain, website.proof_token, "meta")
    client_of(enter, alice, website)
    assert check(client, website) == [f"{website} is proved."]
    assert (now(website).is_proved, now(website).proof_method) == (True, "meta")
    page = client.get(page_of(website)).text
    assert "Proved by its page on " in page
    assert "<dt>Proof method</dt>" in client.get(page_of(website, "history")).text


def client_of(enter: Enter, shop: Shop, website: Website) -> Client:
    """The owner, after the pause between two checks."""
    with tenant_scope(website.tenant_id):
        Website.objects.filter(pk=website.pk).update(proof_checked_at=timezone.now() - timedelta(seconds=6))
    return enter(shop.owner)


def test_second_check_at_once_is_a_sentence(
    cast: Cast, enter: Enter, alice: Shop, internet: Internet, website: Website
) -> None:
    cast.change(website, proof_checked_at=timezone.now() + timedelta(minutes=1))  # as if no moment had passed
    assert check(enter(alice.owner), website) == ["This domain was checked a moment ago. Please wait a few seconds."]
    assert internet.questions == []


@pytest.mark.parametrize("page", ["check-domain", "take-over/confirmed"])
def test_auditor_and_stranger_cannot_ask(
    enter: Enter, alice: Shop, bob: Shop, internet: Internet, website: Website, page: str
) -> None:
    internet.prove(website.domain, website.proof_token)
    assert enter(alice.auditor).post(page_of(website, page)).status_code == 403
    assert "Check now" not in enter(alice.auditor).get(page_of(website)).text
    nobody = Client(headers={"Host": "localhost"}).post(page_of(website, page))
    assert (nobody.status_code, nobody["Location"].startswith(f"{ADMIN}login/")) == (302, True)
    assert (now(website).is_proved, internet.questions) == (False, [])


@pytest.mark.parametrize(
    ("page", "method"), [("check-domain", "post"), ("take-over", "get"), ("take-over/confirmed", "post")]
)
def test_foreign_website_is_answered_as_an_unknown_one(
    enter: Enter, bob: Shop, internet: Internet, website: Website, page: str, method: str
) -> None:
    internet.prove(website.domain, website.proof_token)
    answers = []
    for website_id in (website.pk, uuid4(), "nonsense"):
        client = enter(bob.owner)
        response = getattr(client, method)(f"{ADMIN}tenants/website/{website_id}/{page}/")
        said = [sentence.replace(str(website_id), "ID") for sentence in sentences(response)]
        answers.append((response.status_code, response["Location"], said))
    assert answers[0] == answers[1] == answers[2]
    assert (now(website).is_proved, internet.questions) == (False, [])


@pytest.mark.parametrize("page", ["check-domain", "take-over/confirmed"])
def test_asking_is_a_post(enter: Enter, alice: Shop, website: Website, page: str) -> None:
    assert enter(alice.owner).get(page_of(website, page)).status_code == 405
    with_csrf = Client(enforce_csrf_checks=True, headers={"Host": "localhost"})
    with_csrf.force_login(alice.owner)
    assert with_csrf.post(page_of(website, page)).status_code == 403


@pytest.fixture
def held(cast: Cast, bob: Shop, website: Website, internet: Internet) -> Website:
    """Bob's website, which proved the domain and then lost its proof."""
    held = website_of(bob, website.domain)
    internet.prove(held.domain, held.proof_token, "dns")
    assert proving.check_domain(held.tenant_id, held.pk) is proving.Verdict.PROVED
    internet.take_proofs_away(held.domain)
    return now(held)


def lapse(cast: Cast, website: Website) -> None:
    long_ago = timezone.now() - timedelta(days=4)
    cast.change(website, proof_failures=4, proof_failing_since=long_ago, proof_lapsed_at=timezone.now())


def test_held_domain_is_refused_and_nothing_tells_whose_it_is(
    enter: Enter, alice: Shop, bob: Shop, internet: Internet, website: Website, held: Website
) -> None:
    internet.prove(website.domain, website.proof_token)
    client = enter(alice.owner)
    assert check(client, website) == [TAKEN.format(website)]
    page = client.get(page_of(website)).text
    assert [text for text in (bob.tenant.name, bob.website.title, held.proof_token, str(held.pk)) if text in page] == []
    assert "Take over" not in page
    for response, sentence in (
        (client.get(page_of(website, "take-over")), "This domain cannot be taken over now. Check it first."),
        (client.post(page_of(website, "take-over/confirmed")), TAKEN.format(website)),
    ):
        assert sentences(response)[-1] == sentence
    assert (now(website).is_proved, now(held).is_proved) == (False, True)


def test_lapsed_domain_is_taken_over_after_a_question(
    cast: Cast, enter: Enter, alice: Shop, bob: Shop, internet: Internet, website: Website, held: Website
) -> None:
    lapse(cast, held)
    internet.prove(website.domain, website.proof_token)
    client = enter(alice.owner)
    [said] = check(client, website)
    assert said.startswith(f"Your proof was found on {website}. Another website holds the domain, but")
    assert page_of(website, "take-over") in client.get(page_of(website)).text
    question = client.get(page_of(website, "take-over"))
    assert (question.status_code, page_of(website, "take-over/confirmed") in question.text) == (200, True)
    assert (now(website).is_proved, now(held).is_proved) == (False, True)

    response = client.post(page_of(website, "take-over/confirmed"))
    assert sentences(response) == [f"{website} is proved."]
    assert (now(website).is_proved, now(held).is_proved) == (True, False)
    assert "<dt>Proof method</dt>" in client.get(page_of(website, "history")).text
    theirs = enter(bob.owner).get(page_of(held)).text
    assert "Visitors are refused: the proof was gone for too long." in theirs
    assert [text for text in (alice.tenant.name, website.proof_token) if text in theirs] == []


def test_auditor_cannot_open_the_question(
    cast: Cast, enter: Enter, alice: Shop, internet: Internet, website: Website, held: Website
) -> None:
    lapse(cast, held)
    internet.prove(website.domain, website.proof_token)
    check(enter(alice.owner), website)
    assert enter(alice.auditor).get(page_of(website, "take-over")).status_code == 403
    assert "Take over" not in enter(alice.auditor).get(page_of(website)).text


@pytest.mark.parametrize(
    ("failing_days", "is_lapsed", "words"),
    [
        (1, False, ["Proof missing", "Visitors may chat meanwhile."]),
        (4, True, ["Proof lapsed", "whoever proves the domain meanwhile may take it over."]),
    ],
)
def test_page_tells_that_a_proof_is_gone(
    cast: Cast, enter: Enter, bob: Shop, held: Website, failing_days: int, is_lapsed: bool, words: list[str]
) -> None:
    since = timezone.now() - timedelta(days=failing_days)
    cast.change(
        held,
        proof_failures=failing_days,
        proof_failing_since=since,
        proof_lapsed_at=timezone.now() if is_lapsed else None,
    )
    page = enter(bob.owner).get(page_of(held)).text
    assert [word for word in words if word not in page] == []
    assert f'<span class="state state-{"lapsed" if is_lapsed else "failing"}">{words[0]}</span>' in page
    listed = enter(bob.owner).get(f"{ADMIN}tenants/website/").text
    assert listed.count('">Proof lapsed</span>') == is_lapsed
    for state, count in (("lapsed", int(is_lapsed)), ("live", 2 - is_lapsed), ("waiting", 0)):
        page = enter(bob.owner).get(f"{ADMIN}tenants/website/?state={state}").text
        assert page.count('class="field-shown_domain"') == count


def test_operators_word_leaves_nothing_to_check(
    enter: Enter, operator: User, alice: Shop, internet: Internet, website: Website
) -> None:
    client = enter(operator)
    switch_to(client, alice.tenant)
    client.post(page_of(website, "confirm-domain"))
    assert (now(website).is_proved, now(website).proof_method) == (True, "operator")
    page = client.get(page_of(website)).text
    assert "Proved by the operator on " in page
    assert ("Check now" in page, website.proof_token in page) == (False, False)


def test_page_holds_no_transaction_while_it_waits(
    enter: Enter, alice: Shop, website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(*_: Any) -> Any:
        seen.append(connection.in_atomic_block)
        raise InterruptedError

    monkeypatch.setattr(proving, "_look", look)
    with pytest.raises(InterruptedError):
        enter(alice.owner).post(page_of(website, "check-domain"))
    assert seen == [False]
