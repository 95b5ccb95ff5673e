"""The floors of the redactor, on the half its detectors were written with and on the half they never saw."""

from dataclasses import dataclass

import pytest

from sessions import privacy
from tests.privacy.evaluation.reading import Half, read_items
from tests.privacy.evaluation.scoring import by_kind, evaluate, false_hits_per_thousand, structured, tally


@dataclass(frozen=True, slots=True)
class Scores:
    """Figures alone: a test that fails must not show what is held out."""

    structured: float
    names_in_chat: float
    names_in_prose: float
    false_hits: float
    altered: int


@pytest.fixture(scope="module", params=["development", "held_out"])
def scores(request: pytest.FixtureRequest) -> Scores:
    half: Half = request.param
    outcomes = evaluate(read_items(half), privacy)
    kinds = tally(outcomes, by_kind)
    return Scores(
        structured=tally(outcomes, structured)["structured"].rate,
        names_in_chat=kinds["NAME in chat"].rate,
        names_in_prose=kinds["NAME in prose"].rate,
        false_hits=false_hits_per_thousand([outcome for outcome in outcomes if outcome.item.section == "harmless"]),
        altered=sum(outcome.hidden is None for outcome in outcomes),
    )


def test_structured_kinds_leak_at_most_4_percent(scores: Scores) -> None:
    assert scores.structured <= 0.04


def test_names_in_chat_are_hidden_at_least_90_percent(scores: Scores) -> None:
    assert scores.names_in_chat <= 0.10


def test_names_in_prose_are_hidden_at_least_75_percent(scores: Scores) -> None:
    assert scores.names_in_prose <= 0.25


def test_harmless_messages_have_at_most_50_false_hits_per_thousand(scores: Scores) -> None:
    assert scores.false_hits <= 50


def test_redaction_alters_nothing_but_what_it_hides(scores: Scores) -> None:
    assert scores.altered == 0
