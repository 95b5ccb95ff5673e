"""Whether a long conversation costs more: the time of a late turn against that of an early one."""

from bench.plan import Plan
from bench.results import Goal
from bench.scenarios.scenario import Figures, Metric, Scenario, percentile
from bench.stage import Run, Stage, System

EARLY = 5
NEIGHBOURS = 2  # on either side: a single turn is mostly noise


def measure(stage: Stage, system: System) -> Figures:
    stage.model.behave()
    late = stage.size.flat_turn
    run = stage.drive(system, Plan(system.json, sessions=stage.size.flat_sessions, turns=late + NEIGHBOURS))
    early_ms, late_ms = _around(run, EARLY), _around(run, late)
    return {"early": early_ms, "late": late_ms, "growth": late_ms / early_ms}


def _around(run: Run, number: int) -> float:
    """The median time of the turns with about this number."""
    near = [turn.total_ms for turn in run.report.turns if abs(turn.number - number) <= NEIGHBOURS]
    return percentile(near, 50)


FLAT = Scenario(
    "flat",
    "1 client, 1 long session",
    (
        Metric("early", f"turn {EARLY}", "ms"),
        Metric("late", "turn {flat_turn}", "ms"),
        Metric("growth", f"turn {{flat_turn}} against turn {EARLY}", "times", Goal(1.5)),
    ),
    measure,
)
