"""As many turns as the machine gives, a model that takes no time."""

from bench.plan import Plan
from bench.scenarios.scenario import CONNECTIONS, CPU_PER_TURN, Figures, Metric, Scenario, percentile
from bench.stage import Stage, System

MORE_THAN_FIT = 100_000  # turns of a client; the time ends them


def measure(stage: Stage, system: System) -> Figures:
    stage.model.behave()
    size = stage.size
    run = stage.drive(
        system, Plan(system.json, clients=size.busy_clients, turns=MORE_THAN_FIT, seconds=size.busy_seconds)
    )
    return {
        "rate": len(run.report.turns) / run.report.seconds,
        **run.cpu_per_turn(),
        "p95": percentile(run.report.total_ms, 95),
        "connections": run.usage.connections,
    }


BUSY = Scenario(
    "busy",
    "{busy_clients} clients",
    (
        Metric("rate", "turns per second", "turns/s"),
        *CPU_PER_TURN,
        Metric("p95", "latency, p95", "ms"),
        Metric("connections", "database connections at peak", "connections", CONNECTIONS),
    ),
    measure,
)
