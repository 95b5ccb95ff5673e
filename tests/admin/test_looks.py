"""Every look that staff take is recorded where it is taken, and a look that cannot be recorded is none."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, LiteralString

import pytest
from django.contrib.auth.models import User
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sessions import bounded_pages
from sessions.erasing import run_erasures_of
from sessions.look_verification import verify_record
from sessions.looks import Actor, record_look
from sessions.models import AgentSession, Erasure, Look
from tenants.identifiers import OPERATOR_ID
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, exchange, make_session, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

LOOKS = f"{ADMIN}agent_sessions/look/"
SESSIONS = f"{ADMIN}agent_sessions/agentsession/"


def looks_of(tenant_id: Any) -> list[dict[str, Any]]:
    with tenant_scope(tenant_id):
        return [dict(row) for row in Look.objects.order_by("number").values()]


def summary(shop: Shop) -> list[tuple[str, str, int | None]]:
    return [(row["kind"], row["actor_name"], row["count"]) for row in looks_of(shop.tenant.pk)]


def transcript_of(shop: Shop) -> str:
    return shop.pages()["session"] + "change/"


def long_session(shop: Shop) -> AgentSession:
    """With three pages of a hundred messages."""
    history = [message for number in range(1, 126) for message in exchange(number, f"Q{number}", f"A{number}")]
    return make_session(shop.website, shop.agent, history, session_id="session_long")


@contextmanager
def no_record() -> Iterator[None]:
    """A database that takes no line: the application's role has lost its right to insert."""
    statements: tuple[LiteralString, LiteralString] = ("REVOKE INSERT ON looks FROM", "GRANT INSERT ON looks TO")
    role = connections["default"].settings_dict["USER"]
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"{statements[0]} {role}")
        try:
            yield
        finally:
            cursor.execute(f"{statements[1]} {role}")


# Transcripts


def test_opening_a_transcript_is_recorded_and_the_page_says_so(enter: Enter, alice: Shop) -> None:
    client = enter(alice.auditor)
    page = client.get(transcript_of(alice), REMOTE_ADDR="203.0.113.9").text
    assert "Question of Alpha" in page
    [row] = looks_of(alice.tenant.pk)
    varying = {name: row.pop(name) for name in ("id", "created_at", "hash")}
    assert row == {
        "tenant_id": alice.tenant.pk,
        "number": 1,
        "kind": "view",
        "actor_id": str(alice.auditor.pk),
        "actor_name": alice.auditor.username,
        "actor_role": "auditor",
        "subject": alice.session.session_id,
        "website": alice.website.domain,
        "count": 2,
        "reason": "",
        "address": "203.0.113.9",
    }
    [(clock, link)] = re.findall(r'was recorded at (\d\d:\d\d)\. <a href="([^"]+)">Who else looked\?</a>', page)
    assert clock == f"{(varying['created_at'].hour + 9) % 24:02}:{varying['created_at'].minute:02}"  # Tokyo
    assert alice.auditor.username in client.get(link).text
    assert verify_record(alice.tenant.pk).broken == ""


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "198.51.100.4")])
def test_address_is_believed_as_far_as_our_own_proxies_tell(
    enter: Enter, alice: Shop, settings: Any, proxies: int, address: str
) -> None:
    settings.TRUSTED_PROXY_COUNT = proxies
    enter(alice.owner).get(transcript_of(alice), headers={"X-Forwarded-For": "203.0.113.1, 198.51.100.4"})
    assert [row["address"] for row in looks_of(alice.tenant.pk)] == [address]


def test_turning_the_pages_of_an_opening_is_no_other_look(enter: Enter, alice: Shop) -> None:
    session, client = long_session(alice), enter(alice.owner)
    address = f"{SESSIONS}{session.pk}/change/"
    page, seen = client.get(address).text, ["Q125"]
    for word in ("Earlier", "Earlier", "Later"):
        [query] = re.findall(rf'<a href="\?([^"]+)">{word} messages</a>', page)
        page = client.get(f"{address}?{query.replace('&amp;', '&')}").text
        seen += re.findall(r'dir="auto">(Q\d+)</div>', page)[:1]
    assert seen == ["Q125", "Q51", "Q1", "Q51"]
    assert summary(alice) == [("view", alice.owner.username, 250)]
    client.get(address)
    assert len(looks_of(alice.tenant.pk)) == 2


def others_look(shop: Shop) -> str:
    with tenant_scope(shop.tenant.pk):
        who = Actor(str(shop.auditor.pk), shop.auditor.username, "auditor")
        look = record_look(who, Look.Kind.VIEW, subject=shop.session.session_id, website=shop.website.domain)
        return str(look.number)


def own_look(shop: Shop, **fields: str) -> str:
    """A line that would be good for this transcript but for ``fields``."""
    told: dict[str, Any] = {"subject": shop.session.session_id, "website": shop.website.domain, **fields}
    kind = Look.Kind(told.pop("kind", "view"))
    with tenant_scope(shop.tenant.pk):
        return str(record_look(Actor(str(shop.owner.pk), "x", "owner"), kind, **told).number)


def look_before_the_session(shop: Shop) -> str:
    """At one of the same id that was erased meanwhile."""
    number = own_look(shop)
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE agent_sessions SET created_at = now() WHERE tenant_id = %s", [shop.tenant.pk])
    return number


@pytest.mark.parametrize(
    "claimed",
    [
        others_look,
        look_before_the_session,
        lambda shop: own_look(shop, subject="session_another"),
        lambda shop: own_look(shop, website="another.example"),
        lambda shop: own_look(shop, kind="search"),
    ],
)
def test_page_of_no_opening_of_ones_own_is_a_look(enter: Enter, alice: Shop, claimed: Callable[[Shop], str]) -> None:
    client, number = enter(alice.owner), claimed(alice)
    before = len(looks_of(alice.tenant.pk))
    answer = client.get(transcript_of(alice), {"page": "1", "look": number})
    assert (answer.status_code, "Question of Alpha" in answer.text) == (200, True)
    assert [row["actor_name"] for row in looks_of(alice.tenant.pk)[before:]] == [alice.owner.username]


def test_page_of_an_opening_that_is_none_is_a_look(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    for number in ("999", "", "0", "-1", "9" * 40, "\N{ARABIC-INDIC DIGIT ONE}", "1 OR true"):
        assert client.get(transcript_of(alice), {"page": "1", "look": number}).status_code == 200
    assert summary(alice) == [("view", alice.owner.username, 2)] * 7


def test_own_look_is_an_opening_until_it_is_too_old(enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the cases above say something."""
    client, number = enter(alice.owner), own_look(alice)
    for lasts, looks in ((timedelta(hours=1), 1), (timedelta(0), 2)):
        monkeypatch.setattr("sessions.looks.OPENING_LASTS", lasts)
        assert "Question of Alpha" in client.get(transcript_of(alice), {"page": "1", "look": number}).text
        assert len(looks_of(alice.tenant.pk)) == looks


def test_transcript_that_cannot_be_recorded_is_not_shown(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    client.raise_request_exception = False
    with no_record():
        answers = [client.get(transcript_of(alice)), client.get(f"{SESSIONS}?q={alice.session.session_id}")]
    assert [answer.status_code for answer in answers] == [500, 500]
    words = ["Question of Alpha", "Answer of Alpha", alice.session.session_id]
    assert [word for answer in answers for word in words if word in answer.text] == []
    assert looks_of(alice.tenant.pk) == []
    assert client.get(transcript_of(alice)).status_code == 200


def test_page_that_fails_was_no_look(enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("sessions.admin.transcript_page", broken)
    client = enter(alice.owner)
    client.raise_request_exception = False
    assert (client.get(transcript_of(alice)).status_code, looks_of(alice.tenant.pk)) == (500, [])


def test_foreign_and_unknown_transcripts_are_no_looks(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    for address in (bob.pages()["session"], f"{SESSIONS}{alice.agent.pk}/"):
        for page in ("", "change/", "history/", "delete/", "end-access/"):
            client.get(address + page)
            client.post(address + page, {"post": "yes"})
    assert (looks_of(alice.tenant.pk), looks_of(bob.tenant.pk)) == ([], [])


# Searches, erasures, the operator


def test_search_is_recorded_with_what_it_found_and_without_its_words(enter: Enter, alice: Shop) -> None:
    make_session(alice.website, alice.agent, [], session_id="session_needle")
    client = enter(alice.owner)
    for query in ("", "?visitor=anonymous", "?q="):
        assert client.get(SESSIONS + query).status_code == 200
    assert looks_of(alice.tenant.pk) == []
    for term in ("session_", "session_need", "canary"):
        client.get(SESSIONS, {"q": term})
    rows = looks_of(alice.tenant.pk)
    assert [(row["kind"], row["count"], row["subject"]) for row in rows] == [
        ("search", 2, ""),
        ("search", 1, ""),
        ("search", 0, ""),
    ]
    assert [row for row in rows if "canary" in str(row)] == []


def test_erasing_a_conversation_is_recorded_once_or_not_asked_for(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    client.raise_request_exception = False
    address = alice.pages()["session"] + "delete/"
    with no_record():
        assert client.post(address, {"word": "erase"}).status_code == 500
    with tenant_scope(alice.tenant.pk):
        assert (AgentSession.objects.count(), Erasure.objects.count()) == (1, 0)
    assert client.post(address, {"word": "erase"}).status_code == 302
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        assert AgentSession.objects.count() == 0
    [row] = looks_of(alice.tenant.pk)
    told = ("erasure", alice.session.session_id, alice.website.domain, 2, "owner")
    assert tuple(row[name] for name in ("kind", "subject", "website", "count", "actor_role")) == told


@pytest.mark.parametrize("form", ["json", "csv"])
def test_export_is_recorded_before_its_first_byte_or_refused(
    cast: Cast, enter: Enter, alice: Shop, bob: Shop, form: str
) -> None:
    elsewhere = cast.website(alice.tenant, agents=[alice.agent])
    for number, website in enumerate((alice.website, elsewhere)):
        told = exchange(1, "Canary question", "Canary answer")
        names = {"user_id": "ada@example.com", "user_verified": number == 0}
        make_session(website, alice.agent, told, session_id=f"session_ada_{number}", **names)
    client, person = enter(alice.owner), {"user_id": "ada@example.com", "form": form}
    client.raise_request_exception = False
    asked = [
        (alice.pages()["session"] + "export/", {"form": form}),
        (f"{ADMIN}agent_sessions/erasure/export/", person),
        (f"{ADMIN}agent_sessions/erasure/export/", {**person, "verified_only": "on"}),
    ]
    with no_record():
        answers = [client.post(address, fields) for address, fields in asked]
        assert [(answer.status_code, "Canary" in answer.text) for answer in answers] == [(500, False)] * 3
    client.post(bob.pages()["session"] + "export/", {"form": form})
    for address, fields in asked:
        assert client.post(address, fields).status_code == 200
    rows = looks_of(alice.tenant.pk)
    written = [(row["kind"], row["subject"], row["website"], row["count"]) for row in rows]
    session = ("export", alice.session.session_id, alice.website.domain, 2)
    assert written == [session, ("export", "", "", 2), ("export", "", "", 1)]
    assert ([row for row in rows if "ada@" in str(row)], looks_of(bob.tenant.pk)) == ([], [])


def test_erasing_more_than_a_conversation_is_recorded_without_whose_it_was(enter: Enter, alice: Shop) -> None:
    told = exchange(1, "Canary question", "Canary answer")
    make_session(alice.website, alice.agent, told, session_id="session_ada", user_id="ada@example.com")
    client = enter(alice.owner)
    person = {"user_id": "ada@example.com", "word": "ada@example.com"}
    assert client.post(f"{ADMIN}agent_sessions/erasure/add/", person).status_code == 302
    website = {"scope": "website", "word": str(alice.website)}
    assert client.post(alice.pages()["website"] + "erase/", website).status_code == 302
    run_erasures_of(alice.tenant.pk)
    rows = looks_of(alice.tenant.pk)
    assert [(row["kind"], row["subject"], row["website"], row["count"]) for row in rows] == [
        ("erasure", "", "", 1),
        ("erasure", "", alice.website.domain, 2),
    ]
    assert "ada@" not in str(rows)
    assert verify_record(alice.tenant.pk).broken == ""


def test_preview_of_redaction_is_recorded_or_not_told(enter: Enter, alice: Shop, bob: Shop) -> None:
    client, address = enter(alice.owner), f"{SESSIONS}redaction-preview/"
    client.raise_request_exception = False
    with no_record():
        assert client.get(address).status_code == 500
    for website in ("", str(alice.website.pk), str(bob.website.pk)):
        assert client.get(address, {"website": website}).status_code == 200
    rows = [(row["kind"], row["subject"], row["website"], row["count"]) for row in looks_of(alice.tenant.pk)]
    assert rows == [("preview", "", "", 1), ("preview", "", alice.website.domain, 1)]
    assert looks_of(bob.tenant.pk) == []


def test_operators_look_is_in_the_tenants_record_and_the_way_there_in_its_own(
    enter: Enter, operator: User, alice: Shop, bob: Shop
) -> None:
    before, client = len(looks_of(OPERATOR_ID)), enter(operator)
    switch_to(client, alice.tenant)
    assert "Question of Alpha" in client.get(transcript_of(alice)).text
    switch_to(client, Tenant(pk=OPERATOR_ID))
    entries = [(row["kind"], row["actor_name"], row["subject"]) for row in looks_of(OPERATOR_ID)[before:]]
    assert entries == [("entry", operator.username, str(alice.tenant.pk))]
    [row] = looks_of(alice.tenant.pk)
    assert (row["kind"], row["actor_name"], row["actor_role"]) == ("view", operator.username, "operator")
    assert looks_of(bob.tenant.pk) == []
    page = enter(alice.auditor).get(LOOKS).text
    assert (operator.username in page, "Operator</span>" in page) == (True, True)


def test_tenant_that_cannot_be_recorded_is_not_entered(enter: Enter, operator: User, alice: Shop) -> None:
    client = enter(operator)
    client.raise_request_exception = False
    with no_record():
        assert switch_to(client, alice.tenant).status_code == 500
    assert "Title Alpha" not in client.get(f"{ADMIN}tenants/website/").text


def test_member_who_changes_seats_is_in_nobodys_record(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    before = looks_of(OPERATOR_ID)
    switch_to(enter(cast.staff((alice.tenant, "owner"), (bob.tenant, "owner"))), bob.tenant)
    assert (looks_of(OPERATOR_ID), looks_of(alice.tenant.pk), looks_of(bob.tenant.pk)) == (before, [], [])


# The page of the record


def fill(shop: Shop) -> None:
    with tenant_scope(shop.tenant.pk):
        record_look(Actor("1", "Ada", "owner", "203.0.113.1"), Look.Kind.VIEW, subject="session_one", count=4)
        record_look(Actor("2", "Bea", "admin", "203.0.113.2"), Look.Kind.EXPORT, count=1, reason="<b>A complaint</b>")
        record_look(Actor("1", "Ada", "owner", "203.0.113.1"), Look.Kind.SEARCH, count=0)


def listed(page: str) -> list[tuple[str, str]]:
    """Who did what, from top to bottom."""
    return re.findall(r'field-who">([^<]+) <span.*?</td>.*?field-what">([^<]+)</td>', page, re.DOTALL)


def test_record_is_read_by_all_roles_newest_first_and_shows_the_own_lines_alone(
    cast: Cast, enter: Enter, alice: Shop, bob: Shop
) -> None:
    fill(alice)
    with tenant_scope(bob.tenant.pk):
        record_look(Actor("3", "Canary", "owner"), Look.Kind.VIEW, subject="session_canary")
    admin = cast.staff((alice.tenant, "admin"))
    for user in (alice.owner, admin, alice.auditor):
        page = enter(user).get(LOOKS).text
        assert listed(page) == [
            ("Ada", "Searched conversations"),
            ("Bea", "Exported transcripts"),
            ("Ada", "Opened a transcript"),
        ]
        assert re.findall(r'field-how_many">([^<]+)</td>', page) == ["0 sessions", "1 session", "4 messages"]
        assert re.findall("(?i)canary", page) == []


FILTERS = {
    "who=Bea": ["Bea"],
    "who=Nobody": [],
    "what=view": ["Ada"],
    "what=nonsense": ["Ada", "Bea", "Ada"],
    "who=Ada&what=search": ["Ada"],
    "q=session_one": ["Ada"],
    "q=session_on": [],
    "created_at__gte=2020-01-01 00:00:00%2B00:00": ["Ada", "Bea", "Ada"],
    "created_at__lt=2020-01-01 00:00:00%2B00:00": [],
}


def test_record_is_filtered_by_who_what_and_when(enter: Enter, alice: Shop) -> None:
    fill(alice)
    client = enter(alice.auditor)
    found = {query: [name for name, _ in listed(client.get(f"{LOOKS}?{query}").text)] for query in FILTERS}
    assert found == FILTERS


def test_line_has_a_page_of_its_own_and_is_written_by_nobody(enter: Enter, operator: User, alice: Shop) -> None:
    fill(alice)
    before = looks_of(alice.tenant.pk)
    address = f"{LOOKS}{before[1]['id']}/"
    for user in (alice.owner, alice.auditor, operator):
        client = enter(user)
        switch_to(client, alice.tenant)
        page = client.get(address + "change/").text
        assert ("&lt;b&gt;A complaint&lt;/b&gt;" in page, before[1]["hash"].hex() in page) == (True, True)
        pages = [f"{LOOKS}add/", address + "delete/", address + "change/"]
        assert [client.post(page, {"reason": "x", "post": "yes"}).status_code for page in pages] == [403] * 3
        assert [client.get(page).status_code for page in pages[:2]] == [403] * 2
    assert looks_of(alice.tenant.pk) == before


def test_record_is_not_searched_by_other_columns(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    queries = ("address__startswith=2", "reason__icontains=c", "actor_id=1", "hash__startswith=a")
    answers = [client.get(f"{LOOKS}?{query}") for query in queries]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, f"{LOOKS}?e=1")] * 4


def test_record_asks_as_often_for_nine_lines_as_for_three_and_counts_no_further_than_it_lists(
    enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_pages, "LISTED_AT_MOST", 2)
    client, asked = enter(alice.owner), list[int]()
    for times in (1, 2):
        for _ in range(times):
            fill(alice)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(LOOKS).text
        asked.append(len(queries))
    counts = [query["sql"] for query in queries if "COUNT(*)" in query["sql"]]
    assert (asked[0], [sql for sql in counts if "LIMIT 2" not in sql]) == (asked[1], [])
    assert "The newest 2 looks. Filter or search to find older ones." in page


def test_empty_record_says_when_a_line_appears(enter: Enter, alice: Shop) -> None:
    assert "A line appears here when somebody opens a conversation." in enter(alice.owner).get(LOOKS).text
