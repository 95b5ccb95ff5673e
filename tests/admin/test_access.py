"""Ending a visitor's access from the session's page, and seeing whose a session is."""

import base64
import hashlib
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from sessions.models import AgentSession
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, make_session, sentences, switch_to
from tests.admin.test_conversations import LIST, listed
from tests.live_server import LiveServer
from tests.visitor import Visitor

Enter = Callable[[User], Client]


def end(client: Client, shop: Shop) -> object:
    return client.post(shop.pages()["session"] + "end-access/")


def has_ended(shop: Shop) -> bool:
    with tenant_scope(shop.tenant.pk):
        return AgentSession.objects.get(pk=shop.session.pk).access_ended_at is not None


def test_owner_ends_access_and_it_is_recorded(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    page = alice.pages()["session"] + "change/"
    assert "End access" in client.get(page).text
    answer = client.post(alice.pages()["session"] + "end-access/")
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert sentences(answer) == ["The visitor cannot come back to this conversation."]
    assert has_ended(alice)
    shown = client.get(page).text
    assert ("End access" in shown, '<span class="state state-off">Ended</span>' in shown) == (False, True)
    assert ("Question of Alpha" in shown, "Answer of Alpha" in shown) == (True, True)
    end(client, alice)
    entries = LogEntry.objects.filter(user=alice.owner).values_list("object_id", "change_message")
    assert list(entries) == [(str(alice.session.pk), "Ended the visitor's access.")]


def test_auditor_cannot_end_access(enter: Enter, alice: Shop) -> None:
    client = enter(alice.auditor)
    assert "End access" not in client.get(alice.pages()["session"] + "change/").text
    assert client.post(alice.pages()["session"] + "end-access/").status_code == 403
    assert not has_ended(alice)


def test_foreign_session_is_answered_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    foreign = client.post(bob.pages()["session"] + "end-access/")
    unknown = client.post(f"{LIST}{alice.agent.pk}/end-access/")
    assert (foreign.status_code, foreign["Location"]) == (unknown.status_code, unknown["Location"]) == (302, ADMIN)
    assert not has_ended(bob)


def test_ending_access_needs_a_post_and_the_forms_own_token(enter: Enter, alice: Shop) -> None:
    assert enter(alice.owner).get(alice.pages()["session"] + "end-access/").status_code == 405
    client = Client(headers={"Host": "localhost"}, enforce_csrf_checks=True)
    client.force_login(alice.owner)
    assert client.post(alice.pages()["session"] + "end-access/").status_code == 403
    assert not has_ended(alice)


def test_operator_ends_access_where_it_has_entered(enter: Enter, operator: User, alice: Shop) -> None:
    client = enter(operator)
    end(client, alice)
    assert not has_ended(alice)
    switch_to(client, alice.tenant)
    end(client, alice)
    assert has_ended(alice)


def test_visitors_next_request_is_refused_and_the_pages_show_no_credential(
    server: LiveServer, enter: Enter, alice: Shop
) -> None:
    visitor = Visitor(server, alice.website.domain)
    visitor.start()
    visitor.say("My name is Alice")
    with tenant_scope(alice.tenant.pk):
        session = AgentSession.objects.get(session_id=visitor.session_id)
    page = f"{LIST}{session.pk}/"
    client = enter(alice.owner)
    pages = [unescape(client.get(address).text) for address in (LIST, page + "change/", page + "history/", ADMIN)]
    client.post(page + "end-access/")
    pages += [unescape(client.get(address).text) for address in (LIST, page + "change/", page + "history/", ADMIN)]
    token = visitor.token or ""
    digest = hashlib.sha256(token.encode()).digest()
    shapes = [token, token[3:], digest.hex(), base64.b64encode(digest).decode(), repr(digest)[2:-1], "<memory"]
    assert [(shape, at) for shape in shapes for at, text in enumerate(pages) if shape in text] == []
    assert [entry for entry in LogEntry.objects.all() if any(shape in str(entry.__dict__) for shape in shapes)] == []
    refused = visitor.post("Hello?")
    assert (refused.status_code, refused.json()["code"]) == (403, "session_token_invalid")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("verified", ["session_verified"]),
        ("claimed", ["session_claimed"]),
        ("anonymous", ["session_anonymous"]),
        ("nonsense", ["session_anonymous", "session_claimed", "session_verified"]),
    ],
)
def test_list_is_filtered_by_whose_sessions_are(enter: Enter, alice: Shop, kind: str, found: list[str]) -> None:
    sessions: dict[str, dict[str, Any]] = {
        "session_verified": {"user_id": "ada", "user_verified": True},
        "session_claimed": {"user_id": "ada"},
        "session_anonymous": {},
    }
    for name, fields in sessions.items():
        make_session(alice.website, alice.agent, [], session_id=name, **fields)
    page = enter(alice.owner).get(LIST, {"visitor": kind}).text
    assert sorted(set(listed(page)) - {alice.session.session_id}) == found


def test_session_page_says_whether_the_visitor_is_proved(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    for verified, word in ((True, "verified"), (False, "claimed")):
        session = make_session(
            alice.website, alice.agent, [], session_id=f"session_{word}", user_id="ada", user_verified=verified
        )
        page = client.get(f"{LIST}{session.pk}/change/").text
        assert f'ada <span class="state state-{word}">{word}</span>' in page
