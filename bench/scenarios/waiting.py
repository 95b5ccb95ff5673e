"""Many visitors who ask at once and wait for a slow model: nothing may be held for them but a little memory."""

from bench.plan import Plan
from bench.results import Goal
from bench.scenarios.scenario import CONNECTIONS, Figures, Metric, Scenario, percentile
from bench.stage import Stage, System

MODEL_MS = 1000
DIRECT_CLIENTS = 10

# Both processes together; a thread for each waiting turn would be hundreds.
THREADS = Goal(50)


def measure(stage: Stage, system: System) -> Figures:
    stage.model.behave(latency_ms=MODEL_MS)
    plan = Plan(system.json, clients=stage.size.waiting_clients)
    runs = [stage.drive(system, plan) for _ in range(stage.size.waiting_rounds)]
    model_ms = percentile(stage.time_model(clients=DIRECT_CLIENTS, turns=1).total_ms, 50)
    stage.model.behave()
    waits = [milliseconds for run in runs for milliseconds in run.report.total_ms]
    return {
        "added_p50": percentile(waits, 50) - model_ms,
        "added_p99": percentile(waits, 99) - model_ms,
        "connections": max(run.usage.connections for run in runs),
        "threads": max(run.usage.threads for run in runs),
        "memory": max(run.usage.memory_mb for run in runs),
    }


WAITING = Scenario(
    "waiting",
    "{waiting_clients} turns at once, 1 s model",
    (
        Metric("added_p50", "latency over the model's, p50", "ms"),
        Metric("added_p99", "latency over the model's, p99", "ms"),
        Metric("connections", "database connections at peak", "connections", CONNECTIONS),
        Metric("threads", "threads of the web processes at peak", "threads", THREADS),
        Metric("memory", "memory of the web processes at peak (PSS)", "MB"),
    ),
    measure,
)
