"""The demo's data, made a second time over what the operator changed."""

import io
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from agents.models import Agent
from tenants.identifiers import OPERATOR_ID
from tenants.scoping import tenant_scope
from tests.cast import Cast

AGENT = {"tenant_id": OPERATOR_ID, "key": "agent_001"}


def seed() -> None:
    call_command("seed_demo", verbosity=0, stdout=io.StringIO())


def answering() -> tuple[Any, ...]:
    """The agent's connection and model, and the words of its own."""
    with tenant_scope(OPERATOR_ID):
        return Agent.objects.values_list("connection__name", "model", "name").get(**AGENT)


@pytest.fixture(autouse=True)
def _as_it_was(database: None, settings: LazySettings) -> Any:
    """The other tests of this run know the agent without a model."""
    settings.OPENAI_API_KEY = None
    seed()
    yield
    with tenant_scope(OPERATOR_ID):
        Agent.objects.filter(**AGENT).update(connection=None, model="", name="Robin")


def test_seeding_again_keeps_the_model_that_the_operator_chose(cast: Cast) -> None:
    assert answering() == (None, "", "Robin")
    connection = cast.connection(None, "https://models.example/v1")
    with tenant_scope(OPERATOR_ID):
        Agent.objects.filter(**AGENT).update(connection=connection, model="chosen", name="Wren")
    seed()
    assert answering() == (connection.name, "chosen", "Wren")


def test_seeding_with_a_key_lets_its_model_answer(settings: LazySettings) -> None:
    settings.OPENAI_API_KEY, settings.OPENAI_MODEL = "a key", "named-model"
    seed()
    assert answering() == ("OpenAI", "named-model", "Robin")
