"""``python -m bench.redaction`` counts and shows what a redactor does. The real one's figures are not judged here."""

from dataclasses import replace

import pytest

from bench.redaction.goals import LEAKS
from bench.redaction.hostile import hostile_inputs
from bench.redaction.measuring import Measured, measure
from bench.redaction.report import by, failures, false_hits, leaks, slowest
from tests.privacy.evaluation.reading import Half, Item, read_message
from tests.privacy.evaluation.scoring import Outcome, evaluate
from tests.privacy.evaluation.stand_ins import HIDES_NOTHING, StandIn


@pytest.mark.parametrize("kb", [1, 20])
def test_hostile_inputs_are_all_of_their_size_and_different(kb: int) -> None:
    inputs = hostile_inputs(kb * 1024)
    assert [name for name, text in inputs.items() if not 960 * kb < len(text.encode()) <= 1024 * kb] == []
    assert len(set(inputs.values())) == len(inputs)


def test_measure_goes_over_every_message_and_every_hostile_input() -> None:
    seen = []

    def redact(text: str) -> str:
        seen.append(text)
        return text

    measured = measure(StandIn(redact), rate_seconds=0.001, hostile_kb=1)
    assert set(measured.kinds) == set(LEAKS)
    assert set(hostile_inputs(1024)) == set(measured.hostile_seconds)
    assert {outcome.message.text for outcome in measured.outcomes} <= set(seen)
    assert set(hostile_inputs(1024).values()) <= set(seen)
    assert measured.messages_per_second > 0
    assert (measured.structured.rate, measured.false_hits, measured.altered) == (1.0, 0.0, 0)


def test_tables_show_kinds_and_what_they_are_grouped_by() -> None:
    measured = made(StandIn(lambda text: text.replace("Bob", "[IP_0]").replace("June", "[NAME_1]")))
    assert leaks(measured).splitlines() == [
        "kind                 spans  leaked     rate   target  met  as another kind",
        "--------------------------------------------------------------------------",
        "IP                       1       1  100.0 %   <= 4 %   NO                0",
        "NAME in chat             2       0    0.0 %  <= 10 %  yes                2",
        "all kinds but names      1       1  100.0 %   <= 4 %   NO                0",
    ]
    assert by(measured, "half", lambda outcome, _: outcome.item.half).splitlines() == [
        "half         spans  leaked    rate",
        "----------------------------------",
        "development      1       0   0.0 %",
        "held_out         2       1  50.0 %",
    ]
    assert false_hits(measured, "half", lambda outcome: outcome.item.half).splitlines() == [
        "half         messages  false hits  per 1,000",
        "--------------------------------------------",
        "development         1           1      1,000",
        "held_out            1           0          0",
    ]


def test_failures_show_the_development_half_alone() -> None:
    measured = made(StandIn(lambda text: text.replace("June", "[NAME_1]")))
    assert failures(measured).splitlines() == [
        "chat/en: 'Bob in June'",
        "    'Bob in [NAME_1]'",
        "    leaked ['Bob']",
        "    false ['June']",
    ]


def test_slowest_are_the_first_five() -> None:
    measured = replace(made(HIDES_NOTHING), hostile_seconds=dict.fromkeys("abcdefg", 0.25))
    assert slowest(measured) == "a 0.250 s, b 0.250 s, c 0.250 s, d 0.250 s, e 0.250 s"


def made(door: StandIn) -> Measured:
    items = [make_item("development", "⟦NAME:Bob⟧ in June"), make_item("held_out", "⟦NAME:Bob⟧ ⟦IP:192.0.2.1⟧")]
    outcomes: list[Outcome] = evaluate(items, door)
    return Measured(outcomes, 1.0, {})


def make_item(half: Half, line: str) -> Item:
    return Item(half, "chat", "en", line, (read_message(line),), ())
