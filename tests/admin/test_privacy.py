"""The privacy policy, legal holds, the key of placeholders and the preview, as staff meet them in the browser."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.test import Client
from django.utils.html import strip_tags

from sessions.models import AgentSession
from sessions.redaction.replace import Replacing
from tenants.models import RedactionKey, Tenant, Website
from tenants.privacy_choices import NEVER_WARNING
from tenants.redaction_keys import redaction_key
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, TENANTS_FIELDS, Shop, sentences
from tests.admin.test_every_address import at_rest, compare
from tests.admin.test_websites import kept
from tests.cast import Cast
from tests.redaction.conversations import ALICE, silent_session

Enter = Callable[[User], Client]

SETTINGS = {"name": "Tenant Alpha", "time_zone": "UTC", "retention_days": "7", **TENANTS_FIELDS}
OWN = {
    "redact_when": "never",
    "redact_after_hours": "5",
    "kinds": "own",
    "replaced_kinds": ["email", "name"],
    "retention_days": "9",
    "turn_retention_days": "8",
    "ip_storage": "truncated",
    "stores_user_agent": "yes",
}


def tenant_of(shop: Shop) -> Tenant:
    with tenant_scope(shop.tenant.pk):
        return Tenant.objects.get(pk=shop.tenant.pk)


def website_of(shop: Shop) -> Website:
    with tenant_scope(shop.tenant.pk):
        return Website.objects.get(pk=shop.website.pk)


def session_of(shop: Shop) -> AgentSession:
    with tenant_scope(shop.tenant.pk):
        return AgentSession.objects.get(pk=shop.session.pk)


def admin_of(cast: Cast, shop: Shop) -> User:
    return cast.staff((shop.tenant, "admin"))


def but_for_looks(digests: dict[str, str]) -> dict[str, str]:
    """Opening a transcript writes a line."""
    return {table: digest for table, digest in digests.items() if table not in {"looks", "look_heads"}}


def own_policy(website: Website) -> dict[str, Any]:
    names = ("redact_when", "redact_after_hours", "kinds_kept", "retention_days", "turn_retention_days", "ip_storage")
    return {name: getattr(website, name) for name in (*names, "stores_user_agent")}


def test_owner_sets_the_tenants_policy(enter: Enter, alice: Shop) -> None:
    chosen = {"redact_when": "at_turn_end", "redact_after_hours": "3", "turn_retention_days": "5"}
    chosen |= {"ip_storage": "truncated", "stores_user_agent": "on"}
    fields = {**SETTINGS, **chosen, "replaced_kinds": ["email", "card"]}
    assert enter(alice.owner).post(alice.pages()["tenant"] + "change/", fields).status_code == 302
    saved = tenant_of(alice)
    assert (saved.redact_when, saved.redact_after_hours, saved.retention_days, saved.turn_retention_days) == (
        "at_turn_end",
        3,
        7,
        5,
    )
    assert (saved.ip_storage, saved.stores_user_agent) == ("truncated", True)
    assert {"email", "card"} & set(saved.kinds_kept) == set()
    assert len(saved.kinds_kept) == 9


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("replaced_kinds", [], "Choose at least one kind. To replace nothing at all, choose “Never” above."),
        ("replaced_kinds", ["shoes"], "Select a valid choice. shoes is not one of the available choices."),
        ("redact_after_hours", "0", "Ensure this value is greater than or equal to 1."),
        ("turn_retention_days", "3651", "Ensure this value is less than or equal to 3650."),
        ("redact_when", "sometimes", "Select a valid choice. sometimes is not one of the available choices."),
        ("ip_storage", "", "This field is required."),
    ],
)
def test_policy_that_makes_no_sense_is_refused(
    enter: Enter, alice: Shop, field: str, typed: Any, sentence: str
) -> None:
    before = at_rest()
    response = enter(alice.owner).post(alice.pages()["tenant"] + "change/", {**SETTINGS, field: typed})
    assert response.context["adminform"].form.errors == {field: [sentence]}
    assert at_rest() == before


def test_never_is_warned_of_where_it_is_chosen_and_wherever_it_holds(enter: Enter, alice: Shop) -> None:
    client, page = enter(alice.owner), alice.pages()["tenant"] + "change/"
    warned = client.post(page, {**SETTINGS, "redact_when": "never"})
    assert NEVER_WARNING in sentences(warned)
    for shown in (page, alice.pages()["website"] + "change/"):
        assert client.get(shown).text.count(NEVER_WARNING) >= 1
    client.post(page, SETTINGS)
    client.get(ADMIN)
    assert NEVER_WARNING not in client.get(page).text


def test_owner_lets_a_website_depart_from_its_tenant_and_follow_it_again(enter: Enter, alice: Shop) -> None:
    client, page = enter(alice.owner), alice.pages()["website"] + "change/"
    fields = {"title": "Title Alpha", "is_active": "on", **kept(alice)}
    assert client.post(page, {**fields, **OWN}).status_code == 302
    saved = own_policy(website_of(alice))
    assert {"email", "name"} & set(saved.pop("kinds_kept")) == set()
    assert saved == {
        "redact_when": "never",
        "redact_after_hours": 5,
        "retention_days": 9,
        "turn_retention_days": 8,
        "ip_storage": "truncated",
        "stores_user_agent": True,
    }
    # What a browser sends of fields that were emptied, and what comes without them at all.
    for emptied in (dict.fromkeys(set(OWN) - {"replaced_kinds"}, ""), {}):
        assert client.post(page, {**fields, **emptied}).status_code == 302
        assert set(own_policy(website_of(alice)).values()) == {None}
    refused = client.post(page, {**fields, **OWN, "replaced_kinds": []})
    assert list(refused.context["adminform"].form.errors) == ["replaced_kinds"]
    assert set(own_policy(website_of(alice)).values()) == {None}


@pytest.mark.parametrize("role", ["admin", "auditor"])
def test_who_may_not_change_the_policy_reads_it(cast: Cast, enter: Enter, alice: Shop, role: str) -> None:
    client = enter(cast.staff((alice.tenant, role)))
    cast.change(alice.website, retention_days=11, kinds_kept=["ip"])
    page = alice.pages()["website"] + "change/"
    assert (
        "Days a conversation is kept: 11" in client.get(page).text,
        'name="redact_when"' in client.get(page).text,
    ) == (
        True,
        False,
    )
    client.post(page, {"title": "Title Alpha", "is_active": "on", **kept(alice), **OWN})
    assert own_policy(website_of(alice)) == {
        **dict.fromkeys(own_policy(alice.website)),
        "retention_days": 11,
        "kinds_kept": ["ip"],
    }
    assert client.post(alice.pages()["tenant"] + "change/", SETTINGS).status_code == 403
    assert "All but: IP addresses" in client.get(page).text
    assert '<div class="readonly">All</div>' in client.get(alice.pages()["tenant"] + "change/").text


def test_worker_is_told_when_a_policy_hides_otherwise(
    enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(current_app, "send_task", lambda name, args: told.append((name, args)))
    page = alice.pages()["tenant"] + "change/"
    client = enter(alice.owner)
    assert client.post(page, {**SETTINGS, "retention_days": "9"}).status_code == 302
    assert told == []
    assert client.post(page, {**SETTINGS, "replaced_kinds": ["email"]}).status_code == 302
    assert told == [("sessions.tasks.go_over_again", [str(alice.tenant.pk), None])]


# Legal holds


@pytest.mark.parametrize("row", ["website", "session"])
def test_hold_is_set_and_lifted_and_says_whose_it_is(enter: Enter, alice: Shop, row: str) -> None:
    client, page = enter(alice.owner), alice.pages()[row]
    find = website_of if row == "website" else session_of
    assert client.post(page + "legal-hold/", {"held": "yes"}).status_code == 302
    held: Any = find(alice)
    assert (held.legal_hold_by, held.legal_hold_at is not None) == (alice.owner.username, True)
    shown = client.get(page + "change/").text
    assert (f"set by {alice.owner.username}" in shown, "deletelink" in shown) == (True, False)
    assert client.post(page + "delete/", {"post": "yes"}).status_code == 403
    client.post(page + "legal-hold/", {"held": "yes"})
    again: Any = find(alice)
    assert again.legal_hold_at == held.legal_hold_at
    client.post(page + "legal-hold/", {"held": "no"})
    lifted: Any = find(alice)
    assert (lifted.legal_hold_at, lifted.legal_hold_by) == (None, "")
    history = " ".join(strip_tags(client.get(page + "history/").text).split())
    who = alice.owner.username
    said = {
        "website": [f"Legal hold by before: nothing&rarr;now: {who}", f"Legal hold by before: {who}&rarr;now: nothing"],
        "session": ["Under a legal hold from now on.", "The legal hold is lifted."],
    }
    assert [words in history for words in said[row]] == [True, True]


def test_session_of_a_held_website_is_not_deleted(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    client.post(alice.pages()["website"] + "legal-hold/", {"held": "yes"})
    page = client.get(alice.pages()["session"] + "change/").text
    assert ("under a legal hold of the website" in page, "Erase this conversation" in page) == (True, False)
    assert client.post(alice.pages()["session"] + "delete/", {"post": "yes"}).status_code == 403
    assert session_of(alice).pk == alice.session.pk


@pytest.mark.parametrize("role", ["admin", "auditor"])
@pytest.mark.parametrize("row", ["website", "session"])
def test_hold_is_not_set_by_who_may_not(cast: Cast, enter: Enter, alice: Shop, role: str, row: str) -> None:
    client, before = enter(cast.staff((alice.tenant, role))), but_for_looks(at_rest())
    for held in ("yes", "no"):
        assert client.post(alice.pages()[row] + "legal-hold/", {"held": held}).status_code == 403
    assert "Set a legal hold" not in client.get(alice.pages()[row] + "change/").text
    assert enter(alice.owner).get(alice.pages()[row] + "legal-hold/").status_code == 405
    assert enter(alice.owner).post(alice.pages()[row] + "legal-hold/", {"held": "?"}).status_code == 302
    assert but_for_looks(at_rest()) == before


# The key of the placeholders


def test_owner_removes_the_key_and_a_new_one_is_another(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    for shop in (alice, bob):
        with tenant_scope(shop.tenant.pk):
            redaction_key()
    address = alice.pages()["tenant"] + "remove-redaction-key/"
    for refused in (admin_of(cast, alice), alice.auditor, bob.auditor):
        assert enter(refused).post(address).status_code == 403
    with tenant_scope(alice.tenant.pk):
        former = redaction_key()
    assert enter(alice.owner).post(address).status_code == 302
    with tenant_scope(bob.tenant.pk):
        assert RedactionKey.objects.count() == 1
    with tenant_scope(alice.tenant.pk):
        assert RedactionKey.objects.count() == 0
        assert redaction_key() != former


# The preview

PREVIEW = f"{ADMIN}agent_sessions/agentsession/redaction-preview/"


def test_preview_tells_how_much_and_which_kinds_without_a_word(
    cast: Cast, enter: Enter, alice: Shop, bob: Shop
) -> None:
    cast.change(alice.website, kinds_kept=["name"])  # what the shops are called might be one
    silent_session(alice.website, alice.agent, session_id="session_preview")
    silent_session(bob.website, bob.agent, session_id="session_preview")
    before = but_for_looks(at_rest())
    for person in (alice.owner, alice.auditor):
        page = enter(person).get(f"{PREVIEW}?website={alice.website.pk}")
        found = page.context["preview"]
        assert (found.sessions, found.sessions_changed, found.messages, found.messages_changed) == (2, 1, 8, 3)
        assert ("E-mail addresses" in page.text, "[EMAIL_" in page.text) == (True, True)
        assert [word for word in (ALICE, "wonder", "Question of") if word in page.text] == []
    assert but_for_looks(at_rest()) == before  # no key was made


def test_preview_tells_of_what_it_could_not_read(monkeypatch: pytest.MonkeyPatch, enter: Enter, alice: Shop) -> None:
    def fail(self: Replacing) -> Any:
        raise RecursionError

    monkeypatch.setattr(Replacing, "rest", fail)
    page = enter(alice.owner).get(PREVIEW)
    assert (page.context["preview"].sessions, page.context["preview"].skipped) == (0, 1)
    assert "1 conversation could not be read by the redactor and is not counted" in page.text


def test_preview_of_a_foreign_website_is_one_of_an_unknown_one(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    compare(client, str(bob.website.pk), lambda client, value: client.get(f"{PREVIEW}?website={value}"))
    for value in (str(uuid4()), "nonsense"):
        page = client.get(f"{PREVIEW}?website={value}")
        assert (page.context["preview"].sessions, "no such website" in page.text) == (0, True)
    assert client.get(PREVIEW).context["preview"].sessions == 1
    assert client.post(PREVIEW).status_code == 405


def test_preview_needs_a_login(client: Client, alice: Shop) -> None:
    assert client.get(PREVIEW, headers={"Host": "localhost"}).status_code == 302
