"""Staff erase conversations: what they see before, who may, what goes, what stays, and how it goes on after a crash."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client

from agents.models import WebsiteAgent
from sessions import erasing
from sessions.erasing import ask_for_erasure, run_erasures_of
from sessions.models import AgentSession, Erasure, HistorySegment, Look, Turn
from sessions.redaction.job import redact_due_sessions
from sessions.targets import Target, preview_of
from tenants.legal_holds import set_hold
from tenants.models import RefusedOrigin, Tenant, Website, WebsiteOrigin
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, exchange, make_session, make_turn, roll
from tests.cast import Cast
from tests.live_server import ROOT, database_url, server_environment
from tests.redaction.conversations import silent_session
from tests.waiting import wait_until

Enter = Callable[[User], Client]

LIST = f"{ADMIN}agent_sessions/erasure/"
PERSON = f"{LIST}add/"


def left_of(shop: Shop) -> tuple[int, int, int]:
    with tenant_scope(shop.tenant.pk):
        return AgentSession.objects.count(), Turn.objects.count(), HistorySegment.objects.count()


def the_erasure(tenant: Tenant) -> Erasure:
    with tenant_scope(tenant.pk):
        return Erasure.objects.get()


def talk(shop: Shop, number: int, website: Website | None = None, **fields: Any) -> AgentSession:
    """A session of four messages and three turns, half of it in a segment."""
    history = exchange(1, "Canary question", "Canary answer") + exchange(2, "Canary again", "Yes")
    session = make_session(website or shop.website, shop.agent, history, session_id=f"session_{number:04d}", **fields)
    roll(session, 2)
    make_turn(session, 3, "message_lost", state="failed", message="Canary lost", partial_reply="Canary cut")
    return session


def test_owner_erases_one_conversation_after_typing_the_word(enter: Enter, alice: Shop, bob: Shop) -> None:
    session = talk(alice, 1)
    client, address = enter(alice.owner), f"{ADMIN}agent_sessions/agentsession/{session.pk}/delete/"
    assert address in client.get(address.replace("delete", "change")).text
    asked = client.get(address).text
    assert figures(asked)[:3] == [("Conversations", "1"), ("Messages", "4"), ("Turns", "3")]
    assert "Canary" not in asked
    for fields in ({"post": "yes"}, {"word": "Erase"}, {"word": ""}):
        refused = client.post(address, fields)
        assert (refused.status_code, "Type <code>erase</code>" in refused.text) == (200, True)
    assert left_of(alice) == (2, 4, 1)

    response = client.post(address, {"word": " erase "})
    erasure = the_erasure(alice.tenant)
    page = f"{LIST}{erasure.pk}/change/"
    assert (response.status_code, response["Location"]) == (302, page)
    shown = client.get(page).text
    assert ("Waiting" in shown, '<meta http-equiv="refresh"' in shown, "0 of 1" in shown) == (True, True, True)
    run_erasures_of(alice.tenant.pk)
    assert (left_of(alice), left_of(bob)) == ((1, 1, 0), (1, 1, 0))
    shown = client.get(page).text
    assert ("Done" in shown, '<meta http-equiv="refresh"' in shown) == (True, False)
    assert figures(shown)[:3] == [("Conversations", "1"), ("Messages", "4"), ("Turns", "3")]
    assert names_nobody(the_erasure(alice.tenant))


def test_persons_conversations_go_on_all_websites_of_the_tenant(
    cast: Cast, enter: Enter, alice: Shop, bob: Shop
) -> None:
    elsewhere = cast.website(alice.tenant, agents=[alice.agent])
    for number, website in enumerate((alice.website, elsewhere), start=1):
        talk(alice, number, website, user_id="ada@example.com", user_verified=number == 1)
    talk(alice, 3, user_id="ada@example.com.evil")
    talk(bob, 4, user_id="ada@example.com")
    client = enter(alice.owner)
    found = client.post(PERSON, {"user_id": "ada@example.com"}).text
    assert figures(found)[:3] == [("Conversations", "2"), ("Messages", "8"), ("Turns", "6")]
    assert "1 of 2 is proved to be theirs" in found
    assert "There is no conversation" in client.post(PERSON, {"user_id": "nobody"}).text
    wrong = client.post(PERSON, {"user_id": "ada@example.com", "word": "ada"})
    assert "That is not the word" in wrong.text
    assert client.post(PERSON, {"user_id": "ada@example.com", "word": "ada@example.com"}).status_code == 302
    run_erasures_of(alice.tenant.pk)
    assert (left_of(alice)[0], left_of(bob)[0]) == (2, 2)
    erasure = the_erasure(alice.tenant)
    assert (erasure.sessions_total, erasure.sessions_done, erasure.messages_done, erasure.turns_done) == (2, 2, 8, 6)
    assert names_nobody(erasure)


def test_person_is_found_by_the_address_that_was_redacted(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    """A claimed id that is an address becomes a placeholder; who asks types the address."""
    address = "Ada@Example.com"
    for shop in (alice, bob):
        silent_session(shop.website, shop.agent, session_id="session_redacted", user_id="ada@example.com")
    redact_due_sessions([alice.tenant.pk, bob.tenant.pk])
    client = enter(alice.owner)
    found = client.post(PERSON, {"user_id": address}).text
    assert figures(found)[0] == ("Conversations", "1")
    assert (
        client.post(f"{ADMIN}agent_sessions/erasure/export/", {"user_id": address, "form": "json"}).status_code == 200
    )
    assert client.post(PERSON, {"user_id": address, "word": address}).status_code == 302
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        kinds = list(Look.objects.order_by("number").values_list("kind", "count"))
        assert AgentSession.objects.filter(session_id="session_redacted").count() == 0
    assert kinds == [("search", 1), ("export", 1), ("erasure", 1)]
    with tenant_scope(bob.tenant.pk):
        assert AgentSession.objects.filter(session_id="session_redacted").count() == 1


def test_websites_conversations_go_and_it_stays_in_use(cast: Cast, enter: Enter, alice: Shop) -> None:
    elsewhere = cast.website(alice.tenant, agents=[alice.agent])
    kept = talk(alice, 1, elsewhere)
    client, address = enter(alice.owner), alice.pages()["website"] + "erase/"
    assert address in client.get(alice.pages()["website"] + "change/").text
    assert client.post(address, {"scope": "conversations", "word": str(alice.website)}).status_code == 302
    later = talk(alice, 2)
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        assert set(AgentSession.objects.values_list("pk", flat=True)) == {kept.pk, later.pk}
        assert Website.objects.get(pk=alice.website.pk).is_active
    assert names_nobody(the_erasure(alice.tenant))


def test_website_goes_with_everything(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    elsewhere = cast.website(alice.tenant, agents=[alice.agent])
    client, page = enter(alice.owner), alice.pages()["website"]
    title = {"title": "Canary", "website_agents-TOTAL_FORMS": "0", "website_agents-INITIAL_FORMS": "0"}
    assert client.post(page + "change/", {**title, "double_send": "enqueue"}).status_code == 302
    assert client.post(page + "erase/", {"scope": "website", "word": str(alice.website)}).status_code == 302
    with tenant_scope(alice.tenant.pk):
        assert not Website.objects.get(pk=alice.website.pk).is_active
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        assert [website.pk for website in Website.objects.all()] == [elsewhere.pk]
        left = [model.objects.filter(website_id=alice.website.pk).count() for model in (WebsiteOrigin, WebsiteAgent)]
        assert (left, RefusedOrigin.objects.count(), AgentSession.objects.count()) == ([0, 0], 0, 0)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM django_admin_log WHERE object_id = %s", [str(alice.website.pk)])
        assert cursor.fetchone() == (0,)
    assert names_nobody(the_erasure(alice.tenant))
    assert left_of(bob) == (1, 1, 0)


@pytest.mark.parametrize("role", ["auditor", "nobody"])
def test_auditor_is_offered_neither_erasure_nor_file(enter: Enter, alice: Shop, bob: Shop, role: str) -> None:
    person = alice.auditor if role == "auditor" else bob.owner
    client, session, website = enter(person), alice.pages()["session"], alice.pages()["website"]
    posted: dict[str, dict[str, str]] = {
        session + "delete/": {"word": "erase"},
        session + "export/": {"form": "json"},
        website + "erase/": {"word": str(alice.website)},
    }
    if role == "auditor":
        page = client.get(session + "change/").text
        assert [word for word in ("Erase", "Download", "visitor's data") if word in page] == []
        posted |= {PERSON: {"user_id": "x", "word": "x"}, f"{LIST}export/": {"form": "csv", "user_id": "x"}}
    expected = 403 if role == "auditor" else 302
    assert [client.post(address, fields).status_code for address, fields in posted.items()] == [expected] * len(posted)
    assert left_of(alice) == (1, 1, 0)
    with tenant_scope(alice.tenant.pk):
        assert not Erasure.objects.exists()


def test_pages_of_erasures_only_tell(enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        erasure = ask_for_erasure(Target.user("ada@example.com"))
    client, page = enter(alice.owner), f"{LIST}{erasure.pk}/"
    assert [client.post(page + what, {"post": "yes"}).status_code for what in ("change/", "delete/")] == [403, 403]
    assert "ada@example.com" not in client.get(page + "change/").text + client.get(LIST).text
    assert erasure.receipt_id in client.get(f"{LIST}?q={erasure.receipt_id}").text
    assert erasure.receipt_id not in client.get(f"{LIST}?q=er_{'0' * 32}").text


def test_export_needs_a_form_and_a_person(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    asked = [
        (alice.pages()["session"] + "export/", {}),
        (alice.pages()["session"] + "export/", {"form": "pdf"}),
        (f"{LIST}export/", {"form": "json"}),
        (f"{LIST}export/", {"form": "", "user_id": "ada"}),
    ]
    assert [client.post(address, fields).status_code for address, fields in asked] == [400] * 4
    assert client.get(alice.pages()["session"] + "export/").status_code == 405


# -- the work itself


def test_erasures_of_a_tenant_wait_for_each_other(alice: Shop) -> None:
    """And nobody begins a second one while a worker is at the first: also not in the database itself."""
    for number in range(3):
        talk(alice, number, user_id="ada")
    with tenant_scope(alice.tenant.pk):
        first, second = ask_for_erasure(Target.user("ada")), ask_for_erasure(Target.session(alice.session))
    with psycopg.connect(database_url("default")) as worker:
        worker.execute("SELECT set_config('app.tenant_id', %s, true)", [str(alice.tenant.pk)])
        worker.execute(erasing._ALONE, [str(alice.tenant.pk)])
        assert run_erasures_of(alice.tenant.pk) == 0
        with pytest.raises(psycopg.errors.UniqueViolation):
            worker.execute("UPDATE erasures SET state = 'running' WHERE tenant_id = %s", [alice.tenant.pk])
    assert run_erasures_of(alice.tenant.pk) == 3 + 1 + 1 + 1
    with tenant_scope(alice.tenant.pk):
        ended = list(Erasure.objects.order_by("finished_at").values_list("pk", "state", "sessions_done"))
    assert ended == [(first.pk, "done", 3), (second.pk, "done", 1)]


def test_website_that_a_visitor_still_got_into_goes_in_the_next_round(
    alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a door that was remembered: the session comes when all others are gone already."""
    with tenant_scope(alice.tenant.pk):
        ask_for_erasure(Target.website(alice.website, whole=True))
    with monkeypatch.context() as patched:
        patched.setattr(erasing, "_lock_due", lambda *_: [])
        assert run_erasures_of(alice.tenant.pk) == 0
    assert (left_of(alice)[0], the_erasure(alice.tenant).state) == (1, "running")
    assert run_erasures_of(alice.tenant.pk) == 1 + 1
    with tenant_scope(alice.tenant.pk):
        assert not Website.objects.exists()
    assert names_nobody(the_erasure(alice.tenant))


def test_held_conversations_stay_and_are_counted(alice: Shop) -> None:
    held = talk(alice, 1, user_id="ada")
    talk(alice, 2, user_id="ada")
    with tenant_scope(alice.tenant.pk):
        set_hold(held, by="owner")
        preview = preview_of(Target.user("ada"))
        assert (preview.sessions, preview.held, preview.would_go) == (2, 1, 1)
        ask_for_erasure(Target.website(alice.website, whole=True))
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        assert [session.pk for session in AgentSession.objects.all()] == [held.pk]
        assert Website.objects.filter(pk=alice.website.pk).exists()
    erasure = the_erasure(alice.tenant)
    assert (erasure.state, erasure.sessions_done, erasure.sessions_held) == ("done", 2, 1)


@pytest.mark.parametrize("holds_any", [True, False])
def test_held_website_stays_with_all_its_conversations(enter: Enter, alice: Shop, *, holds_any: bool) -> None:
    """A hold that was set after its erasure was asked for counts, too; before, nobody is offered it."""
    client, address = enter(alice.owner), alice.pages()["website"] + "erase/"
    with tenant_scope(alice.tenant.pk):
        if not holds_any:
            alice.session.delete()
        ask_for_erasure(Target.website(alice.website, whole=True))
        set_hold(alice.website, by="owner")
    assert address not in client.get(alice.pages()["website"] + "change/").text
    assert client.post(address, {"scope": "website", "word": str(alice.website)}).status_code == 403
    run_erasures_of(alice.tenant.pk)
    with tenant_scope(alice.tenant.pk):
        assert Website.objects.filter(pk=alice.website.pk).exists()
    erasure = the_erasure(alice.tenant)
    assert (erasure.state, erasure.sessions_done, erasure.sessions_held) == ("done", 0, int(holds_any))
    assert left_of(alice)[0] == int(holds_any)


_KILLED_WORKER = """
import django, os, signal
django.setup()
from uuid import UUID
from django.db import connection
from sessions import erasing
erasing._CHUNK = 4
erase, left = erasing._erase, [2]
def then_die(erasure, ids):
    erase(erasure, ids)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
erasing._erase = then_die
erasing.run_erasures_of(UUID({tenant!r}))
"""


def test_killed_worker_has_done_whole_pieces_and_the_next_goes_on(alice: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """It dies in its second piece, after its statements and before their commit."""
    for number in range(10):
        talk(alice, number, user_id="ada")
    with tenant_scope(alice.tenant.pk):
        ask_for_erasure(Target.user("ada"))
    program = _KILLED_WORKER.format(tenant=str(alice.tenant.pk))
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=server_environment(1), check=False)
    assert ended.returncode == -signal.SIGKILL
    wait_until(lambda: the_erasure(alice.tenant).sessions_done == 4)
    assert left_of(alice) == (7, 19, 6)
    assert (the_erasure(alice.tenant).state, the_erasure(alice.tenant).messages_done) == ("running", 16)

    wait_until(lambda: run_erasures_of(alice.tenant.pk) > 0)  # the dead one's lock goes with its connection
    erasure = the_erasure(alice.tenant)
    assert (erasure.state, erasure.sessions_total, erasure.sessions_done) == ("done", 10, 10)
    assert (erasure.messages_done, erasure.turns_done, left_of(alice)) == (40, 30, (1, 1, 0))
    assert run_erasures_of(alice.tenant.pk) == 0


def figures(page: str) -> list[tuple[str, str]]:
    return re.findall(r"<dt>([^<]+)</dt><dd>([^<]+)</dd>", page)


def names_nobody(erasure: Erasure) -> bool:
    emptied = (erasure.session_pk, erasure.website_pk, erasure.user_id, erasure.receipt_hmac)
    return (erasure.state, emptied) == ("done", (None, None, "", None))
