"""One visitor at a time, a model that takes no time: what a turn costs, and what it adds to the model's latency."""

from bench.plan import Plan, Target
from bench.scenarios.scenario import CPU_PER_TURN, Figures, Metric, Scenario, percentile
from bench.stage import Run, Stage, System


def measure_json(stage: Stage, system: System) -> Figures:
    run = _one_client(stage, system, system.json)
    model_ms = percentile(stage.time_model().total_ms, 50)
    return {
        **run.cpu_per_turn(),
        "added_p50": percentile(run.report.total_ms, 50) - model_ms,
        "added_p95": percentile(run.report.total_ms, 95) - model_ms,
    }


def measure_stream(stage: Stage, system: System) -> Figures:
    run = _one_client(stage, system, system.stream)
    model_ms = percentile(stage.time_model().first_token_ms, 50)
    return {
        **run.cpu_per_turn(),
        "first_p50": percentile(run.report.first_token_ms, 50) - model_ms,
        "first_p95": percentile(run.report.first_token_ms, 95) - model_ms,
    }


def _one_client(stage: Stage, system: System, target: Target) -> Run:
    stage.model.behave()
    size = stage.size
    return stage.drive(system, Plan(target, sessions=size.one_client_sessions, turns=size.one_client_turns))


ONE_CLIENT = Scenario(
    "one-client",
    "1 client, sessions of {one_client_turns} turns, JSON",
    (
        *CPU_PER_TURN,
        Metric("added_p50", "latency over the model's, p50", "ms"),
        Metric("added_p95", "latency over the model's, p95", "ms"),
    ),
    measure_json,
)

ONE_STREAM = Scenario(
    "one-stream",
    "1 client, sessions of {one_client_turns} turns, SSE",
    (
        *CPU_PER_TURN,
        Metric("first_p50", "first token after the model's, p50", "ms"),
        Metric("first_p95", "first token after the model's, p95", "ms"),
    ),
    measure_stream,
)
