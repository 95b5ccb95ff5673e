"""An agent's fallback in the database: whose it may be, and what its websites read of it."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, connection
from structlog.testing import capture_logs

from agents.models import Agent, ModelConnection
from agents.profiles import AgentProfile
from agents.websites import agents_of_website
from tenants.database import close_chat_pool, open_chat_pool
from tenants.errors import TenantMismatchError
from tenants.models import Tenant, Website
from tenants.scoping import tenant_scope
from tests.cast import Cast

BOTH = [("https://one.example/v1", "sk-one", "large"), ("https://two.example/v1", "sk-two", "small")]


def profile_of(website: Website) -> AgentProfile:
    async def read() -> AgentProfile:
        await open_chat_pool()
        try:
            [found] = await agents_of_website(website.tenant_id, website.id)
        finally:
            await close_chat_pool()
        return found.agent

    return asyncio.run(read())


def choices(profile: AgentProfile) -> list[tuple[str, str, str]]:
    return [(choice.connection.base_url, choice.connection.api_key, choice.model) for choice in profile.choices]


def two_choices(cast: Cast, owner: Tenant | None) -> dict[str, Any]:
    """Fields of an agent that has a fallback."""
    return {
        "connection": cast.connection(owner, "https://one.example/v1", "sk-one"),
        "model": "large",
        "fallback_connection": cast.connection(owner, "https://two.example/v1", "sk-two"),
        "fallback_model": "small",
    }


@contextmanager
def spoiled_key(spoiled: ModelConnection) -> Iterator[None]:
    """Only meanwhile: a key that does not open makes the rotation of all keys fail, which others test."""
    rows = ModelConnection.objects.filter(id=spoiled.id)
    with tenant_scope(spoiled.tenant_id):
        sealed = rows.get().api_key_sealed
        rows.update(api_key_sealed=b"nonsense")
    try:
        yield
    finally:
        with tenant_scope(spoiled.tenant_id):
            rows.update(api_key_sealed=sealed)


def through_door(tenant: Tenant, agent: Agent) -> list[tuple[str]]:
    with tenant_scope(tenant.id), connection.cursor() as cursor:
        cursor.execute("SELECT base_url FROM door_shared_fallback(%s)", [agent.id])
        rows: list[tuple[str]] = cursor.fetchall()
    return rows


def test_own_agents_fallback_is_read(cast: Cast) -> None:
    tenant = cast.tenant()
    website = cast.website(tenant, agents=[cast.agent(tenant, **two_choices(cast, tenant))])
    profile = profile_of(website)
    assert choices(profile) == BOTH
    assert [choice.connection.operator_owned for choice in profile.choices] == [False, False]


def test_shared_agents_fallback_comes_through_its_door(cast: Cast) -> None:
    website = cast.website(cast.tenant(), agents=[cast.agent(**two_choices(cast, None))])
    profile = profile_of(website)
    assert choices(profile) == BOTH
    assert [choice.connection.operator_owned for choice in profile.choices] == [True, True]


def test_shared_fallback_is_hidden_from_who_does_not_use_the_agent(cast: Cast) -> None:
    shared, outsider = cast.agent(**two_choices(cast, None)), cast.tenant()
    cast.website(outsider, agents=[cast.agent()])
    user = cast.tenant()
    cast.website(user, agents=[shared])
    assert (through_door(outsider, shared), through_door(user, shared)) == ([], [("https://two.example/v1",)])


def test_agent_without_a_fallback_has_one_choice(cast: Cast) -> None:
    fields = {**two_choices(cast, None), "fallback_connection": None, "fallback_model": ""}
    website = cast.website(cast.tenant(), agents=[cast.agent(**fields)])
    assert choices(profile_of(website)) == BOTH[:1]


def test_broken_key_of_the_first_leaves_the_fallback(cast: Cast) -> None:
    fields = two_choices(cast, None)
    website = cast.website(cast.tenant(), agents=[cast.agent(**fields)])
    with spoiled_key(fields["connection"]):
        profile = profile_of(website)
    assert (profile.is_broken, profile.is_demo, choices(profile)) == (True, False, BOTH[1:])


def test_broken_fallback_is_as_if_there_were_none(cast: Cast) -> None:
    fields = two_choices(cast, None)
    agent = cast.agent(**fields)
    website = cast.website(cast.tenant(), agents=[agent])
    with spoiled_key(fields["fallback_connection"]), capture_logs() as lines:
        profile = profile_of(website)
    assert (profile.is_broken, choices(profile)) == (False, BOTH[:1])
    assert [(line["event"], line["which"], line["agent_id"]) for line in lines] == [
        ("a connection cannot be used", "fallback", agent.id)
    ]


def test_fallback_of_another_tenant_is_refused(cast: Cast) -> None:
    tenant = cast.tenant()
    for owner in (cast.tenant(), None):
        foreign, fields = cast.connection(owner, "https://x.example/v1"), two_choices(cast, tenant)
        with pytest.raises(TenantMismatchError):
            cast.agent(tenant, **{**fields, "fallback_connection": foreign})
        del fields["fallback_connection"]
        with pytest.raises(IntegrityError, match="fallback_connection_id_fk"):
            cast.agent(tenant, **fields, fallback_connection_id=foreign.id)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"fallback_model": ""}, "agent_fallback_needs_a_first_and_a_model"),
        ({"connection": None}, "agent_fallback_needs_a_first_and_a_model"),
        ({"fallback_connection": "the first", "fallback_model": "large"}, "agent_fallback_is_another"),
    ],
)
def test_half_a_fallback_is_refused(cast: Cast, change: dict[str, Any], constraint: str) -> None:
    fields = {**two_choices(cast, None), **change}
    if change.get("fallback_connection") == "the first":
        fields["fallback_connection"] = fields["connection"]
    with pytest.raises(IntegrityError, match=constraint):
        cast.agent(**fields)


def test_first_connection_with_another_model_is_a_fallback(cast: Cast) -> None:
    fields = two_choices(cast, None)
    fields["fallback_connection"] = fields["connection"]
    website = cast.website(cast.tenant(), agents=[cast.agent(**fields)])
    assert choices(profile_of(website)) == [BOTH[0], (*BOTH[0][:2], "small")]
