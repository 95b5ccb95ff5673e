"""The pages of the record of changes: what changed, by whom and when, in words, and each tenant its own."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.utils.html import strip_tags
from psycopg import sql

from agents.models import Agent, ModelConnection
from tenants import changes, roles
from tenants.authors import Author, writing_as
from tenants.identifiers import OPERATOR_ID
from tenants.invitations import invite
from tenants.models import Membership, Tenant, Website
from tenants.roles import Thing
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, TENANTS_FIELDS, Shop
from tests.cast import Cast

Enter = Callable[[User], Client]
CHANGES = f"{ADMIN}changes/"


def shown(client: Client, address: str = CHANGES) -> list[str]:
    """The lines of a page, without when they were made."""
    response = client.get(address)
    assert response.status_code == 200
    lines = re.findall(r'<li>\s*<div class="by">(.*?)</li>', response.text, re.DOTALL)
    return [" ".join(strip_tags(re.sub("<time.*?</time>", "", line)).split()) for line in lines]


def test_row_shows_what_was_changed_by_whom_from_where(enter: Enter, alice: Shop) -> None:
    client = enter(alice.owner)
    page = alice.pages()["agent"]
    fields = {"name": "Robin", "instructions": "Be brief.", "max_context_messages": "20", "max_context_tokens": "900"}
    fields |= {"total_timeout_seconds": "60", "context_keys": "cart\nplan"}
    assert client.post(page + "change/", fields, headers={"X-Forwarded-For": "198.51.100.1"}).status_code == 302
    line = shown(client, page + "history/")[0]
    assert line == (
        f"{alice.owner.username} Owner from 127.0.0.1 Changed agent Robin Name before: Agent Alpha&rarr;now: Robin"
        " Instructions before: Secret of Alpha&rarr;now: Be brief. Max context messages before: 50&rarr;now: 20"
        " Max context tokens before: 8000&rarr;now: 900 Context keys before: nothing&rarr;now: cart, plan"
        " Is active before: yes&rarr;now: no"
    )
    assert shown(client)[0] == line


def test_website_shows_its_origins_and_agents_too(enter: Enter, alice: Shop) -> None:
    lines = shown(enter(alice.owner), alice.pages()["website"] + "history/")
    assert [re.sub(" (As it|Proved at) .*", "", line) for line in lines] == [
        f"The system Added website agent Agent Alpha ({alice.agent.key}) on {alice.website}",
        f"The system Changed website origin https://{alice.website.domain}",
        f"The system Changed website {alice.website.domain}",
        f"The system Added website origin https://{alice.website.domain}",
        f"The system Added website {alice.website.domain}",
    ]


def test_references_are_named_also_when_they_are_gone(enter: Enter, alice: Shop) -> None:
    with writing_as(Author.system("tenants.tasks.recheck_domains")), tenant_scope(alice.tenant.pk):
        Agent.objects.filter(pk=alice.agent.pk).update(connection=alice.connection, model="one")
        Agent.objects.filter(pk=alice.agent.pk).update(connection=None)
        ModelConnection.objects.filter(pk=alice.connection.pk).update(api_key_sealed=b"other")
        ModelConnection.objects.filter(pk=alice.connection.pk).delete()
    gone, replaced, off, on, *_ = shown(enter(alice.auditor))
    name, system = alice.connection.name, "The system: recheck domains"
    assert gone.startswith(f"{system} Removed model connection {name} As it was Name before: {name}")
    assert replaced == f"{system} Changed model connection {name} The key was replaced, or sealed anew."
    assert off.endswith(f"Connection before: {name}&rarr;now: nothing")
    assert on.endswith(f"Connection before: nothing&rarr;now: {name} Model before: nothing&rarr;now: one")


def test_privacy_policy_is_told_in_words(enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        Website.objects.update(redact_when="never", kinds_kept=["email", "iban"], ip_storage="not")
        Website.objects.update(redact_when=None)
    back, own, *_ = shown(enter(alice.owner))
    never = "Never: what visitors write stays readable until it is deleted"
    assert back.endswith(f"Personal data is replaced before: {never}&rarr;now: as the tenant")
    assert own.endswith(
        f"Personal data is replaced before: as the tenant&rarr;now: {never}"
        " Kinds left as they are before: as the tenant&rarr;now: E-mail addresses, Bank accounts"
        " Visitors&#x27; IP addresses before: as the tenant&rarr;now: Not stored"
    )


def test_each_tenant_sees_its_own_lines_alone(enter: Enter, alice: Shop, bob: Shop) -> None:
    for person in (alice.owner, alice.auditor):
        client = enter(person)
        for address in (CHANGES, *(page + "history/" for page in alice.pages().values())):
            text = client.get(address).text
            foreign = [bob.website.domain, bob.agent.name, bob.connection.name, bob.tenant.name, bob.owner.username]
            assert [word for word in foreign if word in text] == []
        assert alice.website.domain in client.get(CHANGES).text


def test_operator_in_a_tenant_is_named_to_the_operator_alone(
    enter: Enter, operator: User, alice: Shop, cast: Cast
) -> None:
    client = enter(operator)
    fields: dict[str, Any] = {
        "name": "Renamed",
        "slug": alice.tenant.slug,
        "time_zone": "Asia/Tokyo",
        "retention_days": "30",
    }
    limits = ("session_turns_per_minute", "network_turns_per_minute", "turns_per_minute")
    fields |= dict.fromkeys(limits, "100") | TENANTS_FIELDS
    assert client.post(alice.pages()["tenant"] + "change/", fields).status_code == 302
    tenants, operators = shown(enter(alice.owner))[0], shown(client, alice.pages()["tenant"] + "history/")[0]
    assert tenants.startswith("The operator Operator Changed tenant Renamed")
    assert operators.startswith(f"{operator.username} Operator from 127.0.0.1 Changed tenant Renamed")
    assert ("Is active before: yes&rarr;now: no" in tenants, "Retention days" in tenants) == (True, False)
    assert operator.username not in enter(alice.owner).get(CHANGES).text
    assert [line for line in shown(client) if "Renamed" in line] == []  # at home: the operator's own record


FILTERS: dict[str, list[str]] = {
    "": ["Changed member", "Removed agent", "Changed tenant"],
    "kind=Agent": ["Removed agent"],
    "who=operator": ["Changed tenant"],
    "who=system": ["Removed agent"],
    "kind=Website": [],
    "since=2026-03-05": ["Changed member"],
    "until=2026-03-04": ["Removed agent", "Changed tenant"],
    "since=2026-03-04&until=2026-03-04&kind=Agent": ["Removed agent"],
}


@pytest.mark.parametrize("query", FILTERS)
def test_list_is_filtered(cast: Cast, enter: Enter, monkeypatch: pytest.MonkeyPatch, query: str) -> None:
    """In the tenant's own days: 15:30 UTC is tomorrow in Tokyo."""
    tenant = cast.tenant(time_zone="Asia/Tokyo")
    owner, agent = cast.staff((tenant, "owner")), cast.agent(tenant)
    with writing_as(Author(role="operator", user_id=1)), tenant_scope(OPERATOR_ID):
        Tenant.objects.filter(pk=tenant.pk).update(retention_days=7)
    with tenant_scope(tenant.pk):
        Agent.objects.filter(pk=agent.pk).delete()
    with writing_as(Author(role="owner", user_id=owner.pk)), tenant_scope(tenant.pk):
        Membership.objects.update(role="admin")
    moments = {"tenant": "2026-03-03 16:00", "agent": "2026-03-04 14:30", "membership": "2026-03-04 15:30"}
    backdate(tenant, moments)
    lines = shown(enter(owner), f"{CHANGES}?{query}")
    deeds = [match[0] for line in lines if (match := re.search(r"(Changed|Removed) \w+", line))]
    assert deeds == FILTERS[query]
    by_owner = shown(enter(owner), f"{CHANGES}?who={owner.pk}&since=2026-03-01")
    assert [line.partition(" As it")[0] for line in by_owner if "Changed member" in line] == by_owner


def backdate(tenant: Tenant, moments: dict[str, str]) -> None:
    """As the owner of the tables; the lines of making them go to the year before."""
    statement = sql.SQL(
        "UPDATE {} SET pgh_created_at = CASE pgh_label WHEN 'added' THEN '2025-01-01Z' ELSE %s::timestamptz END"
        " WHERE tenant_id = %s"
    )
    with connections["owner"].cursor() as cursor:
        for table, moment in moments.items():
            cursor.execute(statement.format(sql.Identifier(f"{table}_changes")), [f"{moment}Z", tenant.pk])


NONSENSE = ["kind=Nothing", "who=99999999", "who=x", "since=soon", "page=0", "page=x", "page=201"]


@pytest.mark.parametrize("query", NONSENSE)
def test_filter_that_makes_no_sense_is_refused(enter: Enter, alice: Shop, query: str) -> None:
    response = enter(alice.owner).get(f"{CHANGES}?{query}")
    assert (response.status_code, "<time" in response.text, 'role="alert"' in response.text) == (400, False, True)


def test_person_of_another_tenant_is_no_choice(enter: Enter, alice: Shop, bob: Shop) -> None:
    answers = [enter(alice.owner).get(f"{CHANGES}?who={pk}") for pk in (bob.owner.pk, 2_099_999_999)]
    assert [answer.status_code for answer in answers] == [400, 400]
    assert bob.owner.username not in answers[0].text


def test_pages_follow_each_other_without_a_gap(enter: Enter, alice: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAGE_SIZE", 4)
    client, pages, number = enter(alice.owner), [], 1
    while (lines := shown(client, f"{CHANGES}?page={number}")) and number < 10:
        pages.append(lines)
        number += 1
    monkeypatch.setattr(changes, "PAGE_SIZE", 50)
    assert [line for page in pages for line in page] == shown(client)
    assert [len(page) for page in pages[:-1]] == [4] * (len(pages) - 1)


def test_page_costs_the_same_for_many_lines(enter: Enter, alice: Shop, django_assert_max_num_queries: Any) -> None:
    with tenant_scope(alice.tenant.pk):
        for number in range(20):
            Agent.objects.filter(pk=alice.agent.pk).update(name=f"Name {number}")
    client = enter(alice.owner)
    with django_assert_max_num_queries(60):
        client.get(CHANGES)


def test_nobody_else_reads_and_nobody_writes(
    enter: Enter, alice: Shop, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Client().get(CHANGES).status_code == 302
    assert enter(cast.staff()).get(CHANGES).status_code == 302
    with tenant_scope(alice.tenant.pk):
        before = sum(model.objects.count() for model in changes.kinds().values())
    client = enter(alice.owner)
    for fields in ({}, {"delete": "1", "action": "delete_selected"}):
        client.post(CHANGES, fields)
        client.post(alice.pages()["agent"] + "history/", fields)
    with tenant_scope(alice.tenant.pk):
        assert sum(model.objects.count() for model in changes.kinds().values()) == before
    monkeypatch.setitem(roles._POLICY, Thing.CHANGES, {})
    assert client.get(CHANGES).status_code == 403
    assert CHANGES not in client.get(ADMIN).text


def test_text_is_escaped(enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        Website.objects.filter(pk=alice.website.pk).update(title="<b>x</b>", quota_message="<script>")
    page = enter(alice.owner).get(CHANGES).text
    assert ("<b>x</b>" in page, "&lt;b&gt;x" in page) == (False, True)


def test_new_members_own_name_stands_at_their_joining(enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        _, token = invite("auditor", invited_by=alice.owner)
    client, name = Client(headers={"Host": "localhost"}), f"new-{datetime.now(UTC):%H%M%S%f}"
    client.post("/invitation/open/", {"token": token})
    fields = {"username": name, "password1": "seven wet horses", "password2": "seven wet horses"}
    assert client.post("/invitation/sign-up/", fields).status_code == 302
    lines = shown(enter(alice.owner))
    begun = f"{name} Auditor from 127.0.0.1"
    assert lines[0].startswith(f"{begun} Added member {name} As it began User now: {name} Role now: Auditor")
    assert lines[1].startswith(f"{begun} Changed invitation Accepted at before: nothing&rarr;now:")
