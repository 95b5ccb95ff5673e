"""Agents and the connections to their models, as a person edits them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client

from agents.api_keys import api_key_place
from agents.models import Agent, ModelConnection
from tenants.keyring import open_sealed
from tenants.models import Tenant
from tenants.scoping import tenant_scope
from tests.admin.shops import ADMIN, Shop, sentences
from tests.admin.test_websites import errors
from tests.cast import Cast

Enter = Callable[[User], Client]

AGENT: dict[str, str] = {
    "key": "helper",
    "name": "Helper",
    "is_active": "on",
    "instructions": "Be kind.",
    "max_context_messages": "20",
    "max_context_tokens": "4000",
    "total_timeout_seconds": "60",
}
CONNECTION: dict[str, str] = {
    "name": "Mine",
    "base_url": "https://api.example.com/v1/",
    "api_key": "sk-new-canary",
    "connect_timeout_seconds": "5",
    "first_token_timeout_seconds": "30",
    "idle_timeout_seconds": "15",
}


def agent_called(tenant: Tenant, key: str) -> Agent | None:
    with tenant_scope(tenant.pk):
        return Agent.objects.filter(key=key).first()


def connection_called(tenant: Tenant, name: str) -> ModelConnection | None:
    with tenant_scope(tenant.pk):
        return ModelConnection.objects.filter(name=name).first()


def key_of(connection: ModelConnection) -> str:
    return open_sealed(connection.api_key_sealed, place=api_key_place(connection.tenant_id, connection.pk))


def test_agent_is_added_to_the_active_tenant(enter: Enter, alice: Shop, bob: Shop) -> None:
    fields = {**AGENT, "tenant": str(bob.tenant.pk), "context_keys": " page_title \n\nbasket\nbasket"}
    assert enter(alice.owner).post(f"{ADMIN}agents/agent/add/", fields).status_code == 302
    agent = agent_called(alice.tenant, "helper")
    assert agent is not None
    assert (agent.tenant_id, agent.context_keys) == (alice.tenant.pk, ["page_title", "basket"])
    assert agent_called(bob.tenant, "helper") is None


@pytest.mark.parametrize(
    ("change", "field", "sentence"),
    [
        ({"key": "Not plain"}, "key", "Small letters, digits, _ and -, such as agent_001."),
        ({"temperature": "3"}, "temperature", "Ensure this value is less than or equal to 2."),
        ({"context_keys": "x" * 65}, "context_keys", "A line has at most 64 characters."),
    ],
)
def test_agent_is_refused_with_a_sentence(
    enter: Enter, alice: Shop, change: dict[str, str], field: str, sentence: str
) -> None:
    response = enter(alice.owner).post(f"{ADMIN}agents/agent/add/", {**AGENT, **change})
    assert errors(response, field) == [sentence]
    assert agent_called(alice.tenant, "helper") is None


def test_agent_with_a_connection_needs_a_model(enter: Enter, alice: Shop) -> None:
    fields = {**AGENT, "connection": str(alice.connection.pk)}
    response = enter(alice.owner).post(f"{ADMIN}agents/agent/add/", fields)
    assert errors(response, "model") == ["Name the model that the connection should use, such as gpt-5-mini."]
    assert errors(response, "__all__") == []


def test_agent_is_given_a_fallback(enter: Enter, alice: Shop) -> None:
    connection = str(alice.connection.pk)
    fields = {**AGENT, "connection": connection, "model": "large"}
    fields |= {"fallback_connection": connection, "fallback_model": "small"}
    assert enter(alice.owner).post(f"{ADMIN}agents/agent/add/", fields).status_code == 302
    agent = agent_called(alice.tenant, "helper")
    assert agent is not None
    assert (agent.fallback_connection_id, agent.fallback_model) == (alice.connection.pk, "small")


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        (
            {"connection": "own", "model": "m", "fallback_connection": "own"},
            "fallback_model",
            "Name the model that the fallback should use, such as gpt-5-mini.",
        ),
        (
            {"connection": "own", "model": "m", "fallback_connection": "own", "fallback_model": "m"},
            "fallback_model",
            "This is the model that is asked first. Name another one, or choose another connection.",
        ),
        (
            {"fallback_connection": "own", "fallback_model": "m"},
            "fallback_connection",
            "Choose the connection that is asked first, too.",
        ),
        (
            {"connection": "own", "model": "m", "fallback_model": "n"},
            "fallback_connection",
            "Choose the connection for this model, or leave both empty.",
        ),
        (
            {"connection": "own", "model": "m", "fallback_connection": "foreign", "fallback_model": "n"},
            "fallback_connection",
            "Select a valid choice. That choice is not one of the available choices.",
        ),
    ],
)
def test_half_or_foreign_fallback_is_refused_with_a_sentence(
    enter: Enter, alice: Shop, bob: Shop, given: dict[str, str], field: str, sentence: str
) -> None:
    ids = {"own": str(alice.connection.pk), "foreign": str(bob.connection.pk)}
    fields = {**AGENT, **{name: ids.get(value, value) for name, value in given.items()}}
    response = enter(alice.owner).post(f"{ADMIN}agents/agent/add/", fields)
    assert (errors(response, field), errors(response, "__all__")) == ([sentence], [])
    assert agent_called(alice.tenant, "helper") is None


def test_agents_key_is_once_per_tenant_and_stays(enter: Enter, alice: Shop, bob: Shop) -> None:
    client = enter(alice.owner)
    taken = {**AGENT, "key": alice.agent.key}
    assert errors(client.post(f"{ADMIN}agents/agent/add/", taken), "key") == [
        "You have an agent with this key already."
    ]
    assert client.post(f"{ADMIN}agents/agent/add/", {**AGENT, "key": bob.agent.key}).status_code == 302
    client.post(alice.pages()["agent"] + "change/", {**AGENT, "key": "another"})
    agent = agent_called(alice.tenant, alice.agent.key)
    assert agent is not None
    assert agent.name == "Helper"


def test_foreign_connection_cannot_be_chosen(enter: Enter, alice: Shop, bob: Shop) -> None:
    fields = {**AGENT, "connection": str(bob.connection.pk), "model": "m"}
    response = enter(alice.owner).post(f"{ADMIN}agents/agent/add/", fields)
    assert errors(response, "connection") == ["Select a valid choice. That choice is not one of the available choices."]


def test_agent_with_conversations_is_not_deleted(cast: Cast, enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        alice.website.website_agents.all().delete()
    response = enter(alice.owner).post(alice.pages()["agent"] + "delete/", {"post": "yes"})
    assert sentences(response) == ["This agent has conversations, so it cannot be deleted. Switch it off instead."]
    assert agent_called(alice.tenant, alice.agent.key) == alice.agent


def test_connection_is_saved_with_its_key_sealed(enter: Enter, alice: Shop) -> None:
    assert enter(alice.owner).post(f"{ADMIN}agents/modelconnection/add/", CONNECTION).status_code == 302
    saved = connection_called(alice.tenant, "Mine")
    assert saved is not None
    assert (saved.tenant_id, saved.base_url, key_of(saved)) == (
        alice.tenant.pk,
        "https://api.example.com/v1",
        "sk-new-canary",
    )
    assert b"canary" not in bytes(saved.api_key_sealed)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("http://api.example.com/v1", "The address must begin with https://."),
        ("https://10.0.0.7/v1", "10.0.0.7 is not an address on the public internet."),
        ("https://db.internal/v1", "db.internal is a name inside a network, not on the public internet."),
        ("nonsense", "The address must be like https://api.example.com/v1."),
    ],
)
def test_connection_refuses_addresses_with_a_sentence(enter: Enter, alice: Shop, typed: str, sentence: str) -> None:
    response = enter(alice.owner).post(f"{ADMIN}agents/modelconnection/add/", {**CONNECTION, "base_url": typed})
    assert errors(response, "base_url") == [sentence]
    assert connection_called(alice.tenant, "Mine") is None
    assert "canary" not in response.text


def test_key_is_never_rendered(enter: Enter, alice: Shop) -> None:
    pages: list[Any] = []
    for user in (alice.owner, alice.auditor):
        client = enter(user)
        pages += [client.get(f"{ADMIN}agents/modelconnection/"), client.get(alice.pages()["connection"] + "change/")]
    pages.append(
        enter(alice.owner).post(alice.pages()["connection"] + "change/", {**CONNECTION, "base_url": "nonsense"})
    )
    assert [page.status_code for page in pages] == [200] * 5
    assert [page for page in pages if "canary" in page.text] == []
    assert ["A key is set" in page.text for page in pages] == [True] * 5


def change_connection(client: Client, shop: Shop, **changes: str) -> Any:
    fields = {**CONNECTION, "name": shop.connection.name, "base_url": shop.connection.base_url, "api_key": ""}
    return client.post(shop.pages()["connection"] + "change/", {**fields, **changes})


def test_blank_key_keeps_the_old_one(enter: Enter, alice: Shop) -> None:
    assert change_connection(enter(alice.owner), alice, idle_timeout_seconds="20").status_code == 302
    saved = connection_called(alice.tenant, alice.connection.name)
    assert saved is not None
    assert (saved.idle_timeout_seconds, key_of(saved)) == (20, "sk-Alpha-canary")


def test_new_key_takes_the_place_of_the_old_one(enter: Enter, alice: Shop) -> None:
    assert change_connection(enter(alice.owner), alice, api_key="sk-second-canary").status_code == 302
    saved = connection_called(alice.tenant, alice.connection.name)
    assert saved is not None
    assert key_of(saved) == "sk-second-canary"
    messages = LogEntry.objects.filter(object_id=str(saved.pk)).values_list("change_message", flat=True)
    assert [message for message in messages if "canary" in message] == []


def test_key_is_not_carried_to_another_address(enter: Enter, alice: Shop) -> None:
    """Whoever may change the address could otherwise read the key on a server of their own."""
    client = enter(alice.owner)
    response = change_connection(client, alice, base_url="https://collector.example.net/v1")
    assert errors(response, "api_key") == ["Type the key again: the one that is set was given for another address."]
    saved = connection_called(alice.tenant, alice.connection.name)
    assert saved is not None
    assert saved.base_url == alice.connection.base_url
    moved = change_connection(client, alice, base_url="https://collector.example.net/v1", api_key="sk-own")
    assert moved.status_code == 302


def test_connection_in_use_is_not_deleted(enter: Enter, alice: Shop) -> None:
    with tenant_scope(alice.tenant.pk):
        Agent.objects.filter(pk=alice.agent.pk).update(connection=alice.connection, model="m")
    enter(alice.owner).post(alice.pages()["connection"] + "delete/", {"post": "yes"})
    assert connection_called(alice.tenant, alice.connection.name) == alice.connection
