"""The shape of a scenario, and from its figures to results."""

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass

from bench.results import Goal, Result
from bench.sizes import Size
from bench.stage import Stage, System

Figures = dict[str, float]
FAILED = "failed turns"


@dataclass(frozen=True, slots=True)
class Metric:
    """One line of the report: ``label`` may name fields of the size, ``unit`` says what the figure counts."""

    key: str
    label: str
    unit: str
    goal: Goal | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    title: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Stage, System], Figures]

    def results(self, stage: Stage) -> list[Result]:
        """Measures our system; failed turns are a result of every scenario."""
        stage.errors.clear()
        figures = {**self.measure(stage, stage.ours), FAILED: float(stage.errors.total())}
        metrics = (*self.metrics, Metric(FAILED, FAILED, "turns", Goal(0)))
        return self.judge(metrics, figures, stage.size)

    def judge(self, metrics: Iterable[Metric], figures: Figures, size: Size) -> list[Result]:
        names = asdict(size)
        return [
            Result(
                f"{self.title}: {metric.label}".format_map(names), figures[metric.key], metric.unit, goal=metric.goal
            )
            for metric in metrics
        ]


CPU_PER_TURN = (
    Metric("web_cpu", "CPU of the web processes per turn", "ms"),
    Metric("postgres_cpu", "CPU of PostgreSQL per turn", "ms"),
    Metric("redis_cpu", "CPU of Redis per turn", "ms"),
)

# The promise for a whole installation: 16 for two web processes, the rest for the worker and beat.
CONNECTIONS = Goal(20)


def percentile(values: Iterable[float], percent: int) -> float:
    """The smallest value that at least ``percent`` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
