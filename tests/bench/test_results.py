import json
from pathlib import Path

import pytest

from bench.results import Goal, Result, table, write_json
from bench.scenarios.scenario import percentile


@pytest.mark.parametrize(
    ("goal", "ours", "baseline", "met"),
    [
        (Goal(20), 20, None, True),
        (Goal(20), 21, None, False),
        (Goal(1.5, at_least=True), 1.5, None, True),
        (Goal(1.5, at_least=True), 1.4, None, False),
        (Goal(0.6, of="ratio"), 6, 10, True),
        (Goal(0.6, of="ratio"), 7, 10, False),
        (Goal(0.6, of="ratio"), 6, None, None),
        (None, 6, 10, None),
    ],
)
def test_result_says_whether_its_goal_is_met(
    goal: Goal | None, ours: float, baseline: float | None, met: bool | None
) -> None:
    assert Result("a turn", ours, "ms", baseline, goal).met is met


def test_result_as_json_has_the_figures_and_the_goal_in_words(tmp_path: Path) -> None:
    result = Result("a turn", 6.0004, "ms", 10, Goal(0.6, of="ratio"))
    assert json.loads(write_json([result, Result("b", 1, "ms")], tmp_path).read_text()) == [
        {
            "scenario": "a turn",
            "ours": 6.0,
            "baseline": 10,
            "ratio": 0.6,
            "target": "ratio <= 0.60",
            "met": False,
            "unit": "ms",
        },
        {"scenario": "b", "ours": 1, "baseline": None, "ratio": None, "target": None, "met": None, "unit": "ms"},
    ]


def test_table_is_aligned() -> None:
    shown = table([Result("a turn", 6.04, "ms", 1234.5, Goal(20)), Result("b", 120.4, "turns/s", 100)])
    assert shown.splitlines() == [
        "scenario         ours  baseline  ratio  target  met",
        "---------------------------------------------------",
        "a turn        6.04 ms     1,234   0.00   <= 20  yes",
        "b         120 turns/s       100   1.20       -    -",
    ]


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 2), (75, 3), (76, 4), (99, 4), (100, 4)])
def test_percentile_is_a_value_that_was_measured(percent: int, value: float) -> None:
    assert percentile([3, 1, 4, 2], percent) == value
