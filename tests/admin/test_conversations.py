"""The list of sessions and the transcript, as staff read them."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from sessions import bounded_pages
from sessions.models import AgentSession, Turn
from sessions.transcript_view import transcript_page
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, exchange, make_session, make_shop, make_turn, roll
from tests.cast import Cast

Enter = Callable[[User], Client]

LIST = f"{ADMIN}agent_sessions/agentsession/"


def session_in(shop: Shop, history: list[dict[str, Any]], session_id: str, **fields: Any) -> AgentSession:
    return make_session(shop.website, shop.agent, history, session_id=session_id, **fields)


def transcript(client: Client, session: AgentSession, query: str = "") -> str:
    response = client.get(f"{LIST}{session.pk}/change/{query}")
    assert response.status_code == 200
    return response.text


def said(page: str) -> list[str]:
    """What stands in the bubbles and notices, from top to bottom."""
    return [
        unescape(text) for text in re.findall(r'<div class="(?:said|words|notice)"[^>]*>(.*?)</div>', page, re.DOTALL)
    ]


def listed(page: str) -> list[str]:
    return re.findall(r'<code class="session-id" title="([^"]+)"', page)


def test_list_shows_who_spoke_where_and_how_it_ended(enter: Enter, alice: Shop) -> None:
    claimed = session_in(alice, exchange(1, "Hi", "Hello"), "session_claimed", user_id="customer-7")
    make_turn(claimed, 2, "message_0002", state="failed", message="And?")
    session_in(alice, [], "session_verified", user_id="customer-8", user_verified=True)
    page = enter(alice.owner).get(LIST).text
    assert sorted(listed(page)) == sorted([alice.session.session_id, "session_claimed", "session_verified"])

    assert 'customer-7 <span class="state state-claimed">claimed</span>' in page
    assert 'customer-8 <span class="state state-verified">verified</span>' in page
    assert [page.count(f">{state}</span>") for state in ("Completed", "Failed")] == [1, 1]


def test_list_shows_times_in_the_tenants_time_zone(enter: Enter, alice: Shop) -> None:
    moment = datetime(2020, 5, 1, 20, 30, tzinfo=UTC)
    session_in(alice, [], "session_old", last_activity_at=moment)
    assert "2 May 2020, 05:30" in enter(alice.owner).get(LIST).text  # Tokyo


@pytest.mark.parametrize("term", ["session_needle_1", "session_need"])
def test_search_finds_a_session_by_its_id_or_the_beginning(enter: Enter, alice: Shop, term: str) -> None:
    session_in(alice, [], "session_needle_1")
    assert listed(enter(alice.owner).get(LIST, {"q": term}).text) == ["session_needle_1"]


def test_filters_narrow_the_list(cast: Cast, enter: Enter, alice: Shop) -> None:
    shared = cast.agent(name="Shared")
    other = cast.website(alice.tenant, agents=[shared])
    make_session(other, shared, [], session_id="session_other")
    session_in(alice, [], "session_old", last_activity_at=datetime(2020, 1, 1, tzinfo=UTC))
    client = enter(alice.owner)
    assert listed(client.get(LIST, {"website__id__exact": str(other.pk)}).text) == ["session_other"]
    assert listed(client.get(LIST, {"agent": str(shared.pk)}).text) == ["session_other"]
    recent = client.get(LIST, {"last_activity_at__gte": "2025-01-01 00:00:00+00:00"}).text
    assert sorted(listed(recent)) == sorted([alice.session.session_id, "session_other"])


def test_list_asks_the_database_as_often_for_three_as_for_one(
    cast: Cast, enter: Enter, django_assert_num_queries: Any
) -> None:
    shop = make_shop(cast, "Counted")
    client = enter(shop.owner)
    for more in (0, 2):
        for number in range(more):
            session_in(shop, exchange(1, "Hi", "Hello"), f"session_more_{number}")
        with django_assert_num_queries(LIST_QUERIES):
            assert client.get(LIST).status_code == 200


LIST_QUERIES = 11


def test_list_neither_counts_everything_nor_reads_conversations(
    enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded_pages, "LISTED_AT_MOST", 2)
    for number in range(3):
        session_in(alice, [], f"session_{number:04d}")
    with CaptureQueriesContext(connection) as queries:
        page = enter(alice.owner).get(LIST).text
    assert "The newest 2 sessions." in page
    statements = [query["sql"] for query in queries if "agent_sessions" in query["sql"]]
    assert [sql for sql in statements if '"history"' in sql] == []
    counts = [sql for sql in statements if "COUNT(*)" in sql]
    assert [("LIMIT 2" in sql, "turns" in sql) for sql in counts] == [(True, False)]


def test_empty_list_says_what_to_do(cast: Cast, enter: Enter) -> None:
    owner = cast.staff((cast.tenant(), "owner"))
    page = enter(owner).get(LIST).text
    assert "A conversation appears here with the first message a visitor sends." in page


def test_transcript_shows_what_was_said_in_order(enter: Enter, alice: Shop) -> None:
    history = [*exchange(1, "One?", "First."), *exchange(2, "Two?", "Second.")]
    page = transcript(enter(alice.auditor), session_in(alice, history, "session_two"))
    assert said(page) == ["One?", "First.", "Two?", "Second."]
    assert page.count("after 1.2 s \N{MIDDLE DOT} model-x") == 2


def test_transcript_escapes_everything(enter: Enter, alice: Shop) -> None:
    nasty = "<script>alert(1)</script>\n<img src=x onerror=alert(2)>"
    session = session_in(
        alice,
        exchange(1, nasty, nasty),
        "session_nasty",
        user_id=nasty,
        context={nasty: {"deep": nasty}},
    )
    make_turn(session, 2, "message_0002", state="failed", message=nasty, error_code="<b>", error_reason="<i>")
    client = enter(alice.owner)
    page = transcript(client, session) + client.get(LIST).text
    assert [tag for tag in ("<script>alert", "<img src=x", "<b>", "<i>") if tag in page] == []
    assert said(page)[:2] == [nasty, nasty]


def test_transcript_shows_days_and_times_in_the_tenants_time_zone(enter: Enter, alice: Shop) -> None:
    page = transcript(enter(alice.owner), alice.session)
    assert "Monday, 2 March 2026" in page  # 20:10 UTC on the first is the next morning in Tokyo
    assert page.count(">05:10:01</time>") == 2


@pytest.mark.parametrize(
    ("fields", "notice"),
    [
        (
            {"state": "failed", "error_code": "model_timeout", "error_reason": "first_token"},
            "No answer: The model took too long to begin its answer.",
        ),
        ({"state": "failed", "error_code": "model_unavailable"}, "No answer: The model could not answer."),
        (
            {"state": "abandoned", "error_code": "abandoned"},
            "No answer: The server that was answering went away, and nobody asked again.",
        ),
        ({"state": "stopped"}, "Stopped by the visitor"),
        ({"state": "queued", "lease_expires_at": datetime.now(UTC)}, "Waiting for its turn"),
    ],
)
def test_transcript_shows_unanswered_messages_in_their_place(
    enter: Enter, alice: Shop, fields: dict[str, Any], notice: str
) -> None:
    history = [*exchange(1, "One?", "First."), *exchange(3, "Three?", "Third.")]
    session = session_in(alice, history, "session_gap")
    with tenant_scope(alice.tenant.pk):
        Turn.objects.filter(agent_session=session, number=2).update(number=3)
    make_turn(session, 2, "message_0002", message="Two?", total_ms=30_000, **fields)
    page = transcript(enter(alice.owner), session)
    assert said(page) == ["One?", "First.", "Two?", notice, "Three?", "Third."]
    assert "after 30.0 s" in page


def test_transcript_shows_a_running_turn_at_its_end(enter: Enter, alice: Shop) -> None:
    make_turn(alice.session, 2, "message_0002", state="running", message="Now?", lease_expires_at=datetime.now(UTC))
    page = transcript(enter(alice.owner), alice.session)
    assert said(page)[2:] == ["Now?", "Being answered right now"]


def test_long_transcript_is_paged_and_opens_at_its_end(enter: Enter, alice: Shop) -> None:
    history = [message for number in range(1, 126) for message in exchange(number, f"Q{number}", f"A{number}")]
    session = session_in(alice, history, "session_long")
    client = enter(alice.owner)
    pages = {query: said(transcript(client, session, query)) for query in ("", "?page=1", "?page=2", "?page=99")}
    assert [len(pages[query]) for query in ("", "?page=1", "?page=2", "?page=99")] == [50, 100, 100, 50]
    assert (pages["?page=1"][0], pages["?page=2"][0], pages[""][-1]) == ("Q1", "Q51", "A125")
    assert pages[""] == pages["?page=99"]


def test_transcript_puts_an_unanswered_message_on_one_page_only(enter: Enter, alice: Shop) -> None:
    history = [message for number in range(1, 76) for message in exchange(number, f"Q{number}", f"A{number}")]
    session = session_in(alice, history[:100], "session_split")
    make_turn(session, 51, "message_lost", state="failed", message="Lost")
    with tenant_scope(alice.tenant.pk):
        AgentSession.objects.filter(pk=session.pk).update(history=history, message_count=len(history))
    for number in range(51, 76):
        make_turn(session, number + 1, f"message_{number:04d}", state="completed")
    make_turn(session, 100, "message_late", state="failed", message="Late")
    client = enter(alice.owner)
    first, second = said(transcript(client, session, "?page=1")), said(transcript(client, session, "?page=2"))
    assert (len(first), first[-2:]) == (102, ["Lost", "No answer"])
    assert (len(second), second[0], second[-2:]) == (52, "Q51", ["Late", "No answer"])


PAGES = ["", "?page=1", "?page=2", "?page=3", "?page=4"]


@pytest.mark.parametrize("sizes", [(2,), (52, 52, 52, 52, 52, 40), (99, 1, 1, 99, 100), (140, 110), (2,) * 100])
def test_transcript_of_segments_and_history_reads_as_one(enter: Enter, alice: Shop, sizes: tuple[int, ...]) -> None:
    history = [message for number in range(1, 176) for message in exchange(number, f"Q{number}", f"A{number}")]
    session = session_in(alice, history, "session_rolled")
    client = enter(alice.owner)
    before = [said(transcript(client, session, query)) for query in PAGES]
    assert [len(page) for page in before] == [50, 100, 100, 100, 50]
    roll(session, *sizes)
    assert [said(transcript(client, session, query)) for query in PAGES] == before


def test_transcript_asks_as_often_however_many_segments_there_are(enter: Enter, alice: Shop) -> None:
    history = [message for number in range(1, 301) for message in exchange(number, f"Q{number}", f"A{number}")]
    few, many = session_in(alice, history, "session_few"), session_in(alice, history, "session_many")
    roll(few, 250, 250)
    roll(many, *[2] * 250)
    client = enter(alice.owner)
    asked = [[statements(client, session, query) for query in ("?page=2", "")] for session in (few, many)]
    assert asked[0] == asked[1]
    assert [among.count("history_segments") for among in asked[0]] == [1, 0]


def statements(client: Client, session: AgentSession, query: str) -> list[str]:
    """The table that each statement of a page reads from."""
    with CaptureQueriesContext(connection) as queries:
        transcript(client, session, query)
    return [match[1] if (match := re.search(r'FROM "(\w+)"', each["sql"])) else "" for each in queries]


def test_transcript_is_of_one_moment_though_the_history_rolls_meanwhile(alice: Shop) -> None:
    history = [message for number in range(1, 61) for message in exchange(number, f"Q{number}", f"A{number}")]
    session = session_in(alice, history[:100], "session_moving")
    roll(session, 10)
    with tenant_scope(alice.tenant.pk):
        seen = AgentSession.objects.get(pk=session.pk)
    session.history, session.message_count = history[10:], 120
    roll(session, 60)
    with tenant_scope(alice.tenant.pk):
        shown = transcript_page(seen, 1)
    assert [bubble.text for bubble in shown.bubbles] == [message["content"] for message in history[:100]]


@pytest.mark.parametrize(
    ("fields", "notice"),
    [
        ({"state": "failed", "error_code": "model_unavailable"}, "Broken off: The model could not answer."),
        (
            {"state": "abandoned", "error_code": "abandoned"},
            "Broken off: The server that was answering went away, and nobody asked again.",
        ),
        ({"state": "stopped"}, "Stopped by the visitor"),
    ],
)
def test_transcript_shows_what_a_turn_had_come_to_and_marks_it(
    enter: Enter, alice: Shop, fields: dict[str, str], notice: str
) -> None:
    make_turn(alice.session, 2, "message_0002", message="Now?", partial_reply="We are <open", **fields)
    page = transcript(enter(alice.owner), alice.session)
    assert said(page)[2:] == ["Now?", "We are <open", notice]
    assert page.count(">Unfinished answer<") == 1


@pytest.mark.parametrize("state", ["queued", "running"])
def test_transcript_of_a_turn_tried_again_shows_nothing_of_the_earlier_try(
    enter: Enter, alice: Shop, state: str
) -> None:
    lease = datetime.now(UTC)
    make_turn(alice.session, 2, "message_0002", state=state, message="Now?", partial_reply="We", lease_expires_at=lease)
    page = transcript(enter(alice.owner), alice.session)
    assert (said(page)[2], ">Unfinished answer<" in page) == ("Now?", False)


def test_transcript_marks_an_answer_that_the_visitor_stopped(enter: Enter, alice: Shop) -> None:
    history = [*exchange(1, "One?", "Fir"), *exchange(2, "Two?", "Second.")]
    history[1]["stopped"] = True
    session = session_in(alice, history, "session_stopped")
    with tenant_scope(alice.tenant.pk):
        Turn.objects.filter(agent_session=session, number=1).update(state="stopped", reply_id="reply_0001")
    page = transcript(enter(alice.owner), session)
    assert said(page) == ["One?", "Fir", "Stopped by the visitor", "Two?", "Second."]


def test_transcript_shows_a_stopped_answer_on_its_own_page_alone(enter: Enter, alice: Shop) -> None:
    history = [message for number in range(1, 102) for message in exchange(number, f"Q{number}", f"A{number}")]
    history[1]["stopped"] = True
    session = session_in(alice, history, "session_stopped")
    with tenant_scope(alice.tenant.pk):
        Turn.objects.filter(agent_session=session, number=1).update(state="stopped", reply_id="reply_0001")
    client = enter(alice.owner)
    pages = [said(transcript(client, session, query)) for query in ("?page=1", "?page=2", "?page=3")]
    assert [(len(page), page.count("Stopped by the visitor")) for page in pages] == [(101, 1), (100, 0), (2, 0)]


def test_transcript_reads_context_as_a_table(enter: Enter, alice: Shop) -> None:
    context = {"page": {"title": "Bread"}, "member": True, "basket": ["rye", "bun"], "note": None}
    page = transcript(enter(alice.owner), session_in(alice, [], "session_context", context=context))
    rows = re.findall(r'<th scope="row">(.*?)</th><td dir="auto">(.*?)</td>', page)
    assert sorted((unescape(name), value) for name, value in rows) == [
        ("basket", "rye, bun"),
        ("member", "yes"),
        ("note", "-"),
        ("page > title", "Bread"),
    ]


def test_empty_transcript_says_so(enter: Enter, alice: Shop) -> None:
    page = transcript(enter(alice.owner), session_in(alice, [], "session_empty"))
    assert "Nothing was said yet" in page


def test_transcript_needs_few_queries(enter: Enter, alice: Shop, django_assert_max_num_queries: Any) -> None:
    client = enter(alice.owner)
    with django_assert_max_num_queries(13):
        transcript(client, alice.session)
