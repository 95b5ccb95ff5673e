"""Staff of one tenant meet nothing of another's, whichever page they try."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client

from agents.models import Agent, ModelConnection, WebsiteAgent
from sessions.models import AgentSession
from tenants.identifiers import OPERATOR_ID
from tenants.models import ApiKey, Membership, Tenant, Website
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, TENANTS_FIELDS, Shop, sentences, switch_to
from tests.cast import Cast

Enter = Callable[[User], Client]

LISTS = [
    "tenants/website/",
    "agents/agent/",
    "agents/modelconnection/",
    "agent_sessions/agentsession/",
    "tenants/membership/",
    "tenants/apikey/",
]
ROWS = ["website", "agent", "connection", "api key", "session", "tenant"]


def _says(response: Any) -> tuple[int, str, list[str]]:
    return response.status_code, response.headers.get("Location", ""), sentences(response)


@pytest.mark.parametrize("path", LISTS)
def test_list_shows_the_own_rows_alone(enter: Enter, alice: Shop, bob: Shop, path: str) -> None:
    page = enter(alice.owner).get(ADMIN + path).text
    own = [alice.website.title, alice.agent.name, alice.connection.name, alice.session.session_id, str(alice.owner)]
    own.append(alice.api_key.name)
    foreign = [
        bob.website.title,
        bob.agent.name,
        bob.connection.name,
        bob.api_key.name,
        bob.api_key.prefix,
        bob.session.session_id,
        str(bob.owner),
        bob.tenant.name,
        bob.website.domain,
    ]
    assert any(text in page for text in own)
    assert [text for text in foreign if text in page] == []


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("action", ["change/", "delete/", "history/"])
def test_foreign_row_is_answered_as_an_unknown_one(enter: Enter, alice: Shop, bob: Shop, row: str, action: str) -> None:
    client = enter(alice.owner)
    address = bob.pages()[row] + action
    foreign_id, unknown_id = address.split("/")[-3], str(uuid4())
    foreign = _says(client.get(address))
    client.get(ADMIN)  # takes the sentence off the session
    unknown = _says(client.get(address.replace(foreign_id, unknown_id)))
    assert foreign == (unknown[0], unknown[1], [text.replace(unknown_id, foreign_id) for text in unknown[2]])


@pytest.mark.parametrize("action", ["change/", "delete/", "history/", "password/"])
def test_accounts_are_not_told_apart_from_no_accounts(enter: Enter, alice: Shop, bob: Shop, action: str) -> None:
    client, unknown_id = enter(alice.owner), 10**9 + 7
    pages = [client.get(f"{ADMIN}auth/user/{pk}/{action}") for pk in (bob.owner.pk, alice.owner.pk, unknown_id)]
    assert [page.status_code for page in pages] == [403, 403, 403]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("action", ["change/", "delete/"])
def test_foreign_row_cannot_be_written(enter: Enter, alice: Shop, bob: Shop, row: str, action: str) -> None:
    enter(alice.owner).post(bob.pages()[row] + action, {"name": "Stolen", "title": "Stolen", "post": "yes"})
    with tenant_scope(bob.tenant.pk):
        left = [
            Website.objects.get().title,
            Agent.objects.get().name,
            ModelConnection.objects.get().name,
            ApiKey.objects.get().name,
            AgentSession.objects.get().session_id,
        ]
    assert left == ["Title Bravo", "Agent Bravo", bob.connection.name, "Key of Bravo", bob.session.session_id]


def test_choices_are_the_own_agents_and_the_operators(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    shared = cast.agent(name="Shared agent")
    page = enter(alice.owner).get(alice.pages()["website"] + "change/").text
    offered = [f'value="{agent.pk}"' in page for agent in (alice.agent, shared, bob.agent)]
    assert offered == [True, True, False]
    page = enter(alice.owner).get(alice.pages()["agent"] + "change/").text
    assert [f'value="{one.pk}"' in page for one in (alice.connection, bob.connection)] == [True, False]


def test_foreign_agent_cannot_be_chosen(enter: Enter, alice: Shop, bob: Shop) -> None:
    response = enter(alice.owner).post(
        alice.pages()["website"] + "change/",
        {
            "title": "Title Alpha",
            "is_active": "on",
            "website_agents-TOTAL_FORMS": "1",
            "website_agents-INITIAL_FORMS": "0",
            "website_agents-0-website": str(alice.website.pk),
            "website_agents-0-agent": str(bob.agent.pk),
            "website_agents-0-position": "right",
        },
    )
    assert "That choice is not one of the available choices." in response.text
    with tenant_scope(alice.tenant.pk):
        assert [row.agent_id for row in WebsiteAgent.objects.all()] == [alice.agent.pk]


def test_autocomplete_offers_the_own_agents_and_the_operators(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    shared = cast.agent(name=f"Agent shared with {alice.tenant.slug}")
    client = enter(alice.owner)
    query = {"app_label": "agents", "model_name": "websiteagent", "field_name": "agent", "term": "Agent "}
    offered, page, more = set[str](), 0, True
    while more:  # the operator's agents of other tests are there, too
        page += 1
        answer = client.get(f"{ADMIN}autocomplete/", {**query, "page": str(page)}).json()
        offered |= {row["id"] for row in answer["results"]}
        more = answer["pagination"]["more"]
    assert offered & {str(one.pk) for one in (alice.agent, bob.agent, shared)} == {
        str(alice.agent.pk),
        str(shared.pk),
    }


def test_filter_and_search_do_not_reach_further(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    sessions = f"{ADMIN}agent_sessions/agentsession/"
    for query in (
        f"?q={bob.session.session_id}",
        f"?website__id__exact={bob.website.pk}",
        f"?website={bob.website.pk}",
        f"?agent={bob.agent.pk}",
        f"?tenant__id__exact={bob.tenant.pk}",
    ):
        assert bob.session.session_id not in client.get(sessions + query, follow=True).text.replace(query[3:], "")


def test_operators_agent_is_shown_without_its_connection_and_stays_as_it_is(
    cast: Cast, enter: Enter, alice: Shop
) -> None:
    connection = cast.connection(None, "https://secret-host.example.com/v1", "sk-operator-canary")
    shared = cast.agent(name="Shared", instructions="Be brief.", connection=connection, model="secret-model")
    client = enter(alice.owner)
    address = f"{ADMIN}agents/agent/{shared.pk}/"
    page = client.get(address + "change/").text
    assert ("Be brief." in page, "Shared" in page) == (True, True)
    everything = page + client.get(f"{ADMIN}agents/agent/").text
    secrets = ("secret-model", "secret-host", connection.name, "canary")
    assert [secret for secret in secrets if secret in everything] == []
    assert client.post(address + "change/", {"name": "Mine", "key": "mine"}).status_code == 403
    assert client.post(address + "delete/", {"post": "yes"}).status_code == 403
    assert client.get(address + "history/").status_code == 302
    with tenant_scope(OPERATOR_ID):
        assert Agent.objects.get(pk=shared.pk).name == "Shared"


def test_home_page_tells_nothing_of_what_was_done_elsewhere(cast: Cast, enter: Enter, alice: Shop, bob: Shop) -> None:
    """Django's list of recent actions would: it knows no tenants."""
    user = cast.staff((alice.tenant, "owner"), (bob.tenant, "owner"))
    client = enter(user)
    switch_to(client, bob.tenant)
    fields = {"name": "Bravo renamed", "time_zone": "UTC", "retention_days": "30", **TENANTS_FIELDS}
    assert client.post(bob.pages()["tenant"] + "change/", fields).status_code == 302
    client.get(ADMIN)
    switch_to(client, alice.tenant)
    menu, _, rest = client.get(ADMIN).text.partition("</select>")
    assert ("Bravo renamed" in menu, "Bravo renamed" in rest) == (True, False)


WRITES = [
    ("website", "change/"),
    ("website", "delete/"),
    ("agent", "change/"),
    ("agent", "delete/"),
    ("connection", "change/"),
    ("connection", "delete/"),
    ("api key", "change/"),
    ("api key", "delete/"),
    ("session", "change/"),
    ("session", "delete/"),
    ("tenant", "change/"),
]


@pytest.mark.parametrize(("row", "action"), WRITES)
def test_auditor_reads_and_cannot_write(enter: Enter, alice: Shop, row: str, action: str) -> None:
    client = enter(alice.auditor)
    assert client.get(alice.pages()[row] + "change/").status_code == 200
    before = _everything_of(alice)
    assert client.post(alice.pages()[row] + action, {"name": "Changed", "post": "yes"}).status_code == 403
    assert _everything_of(alice) == before


@pytest.mark.parametrize(
    "path", ["tenants/website/", "agents/agent/", "agents/modelconnection/", "tenants/membership/", "tenants/apikey/"]
)
def test_auditor_cannot_add(enter: Enter, alice: Shop, path: str) -> None:
    before = _everything_of(alice)
    client = enter(alice.auditor)
    assert client.get(f"{ADMIN}{path}add/").status_code == 403
    assert client.post(f"{ADMIN}{path}add/", {"domain": "new.example", "name": "New"}).status_code == 403
    assert _everything_of(alice) == before


def test_nobody_writes_conversations(enter: Enter, operator: User, alice: Shop) -> None:
    for client in (enter(alice.owner), enter(operator)):
        switch_to(client, alice.tenant)
        before = _everything_of(alice)
        assert client.post(alice.pages()["session"] + "change/", {"post": "yes"}).status_code == 403
        assert _everything_of(alice) == before


def _everything_of(shop: Shop) -> list[Any]:
    with tenant_scope(shop.tenant.pk):
        models = (Website, Agent, ModelConnection, AgentSession, Membership, WebsiteAgent, ApiKey)
        rows = [list(model._base_manager.filter(tenant_id=shop.tenant.pk).values()) for model in models]
        return [*rows, list(Tenant.objects.filter(pk=shop.tenant.pk).values())]


def test_offered_filter_still_works(enter: Enter, alice: Shop) -> None:
    page = enter(alice.owner).get(f"{ADMIN}agent_sessions/agentsession/?website__id__exact={alice.website.id}")
    assert page.status_code == 200
    assert alice.session.session_id in page.text


def test_shortcut_to_an_objects_own_page_does_not_exist(enter: Enter, alice: Shop) -> None:
    assert enter(alice.owner).get(f"{ADMIN}r/1/1/").status_code == 404
