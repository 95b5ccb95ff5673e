"""What the redactor lets through, what it takes for no reason, and its CPU time, also over hostile inputs.

No server takes part: ``python -m bench.redaction`` measures the same alone, and shows more.
"""

from bench.redaction.goals import ALTERED, FALSE_HITS, HOSTILE, LEAKS, RATE, STRUCTURED
from bench.redaction.measuring import Measured, measure
from bench.scenarios.scenario import Figures, Metric, Scenario
from bench.stage import Stage, System
from sessions import privacy


def measure_redaction(stage: Stage, system: System) -> Figures:  # noqa: ARG001  no server takes part
    size = stage.size
    return figures_of(measure(privacy, rate_seconds=size.redaction_seconds, hostile_kb=size.hostile_kb))


def figures_of(measured: Measured) -> Figures:
    kinds = measured.kinds
    return {
        **{kind: 100 * kinds[kind].rate for kind in LEAKS},
        "structured": 100 * measured.structured.rate,
        "false_hits": measured.false_hits,
        "false_hits_elsewhere": measured.false_hits_elsewhere,
        "altered": measured.altered,
        "rate": measured.messages_per_second,
        "hostile": max(measured.hostile_seconds.values()),
    }


REDACTION = Scenario(
    "redaction",
    "redaction",
    (
        *(Metric(kind, f"leaked, {kind}", "%", goal) for kind, goal in LEAKS.items()),
        Metric("structured", "leaked, all kinds but names", "%", STRUCTURED),
        Metric("false_hits", "false hits in harmless messages", "per 1,000", FALSE_HITS),
        Metric("false_hits_elsewhere", "false hits beside real ones", "per 1,000"),
        Metric("altered", "messages altered otherwise", "messages", ALTERED),
        Metric("rate", "messages on one core", "messages/s", RATE),
        Metric("hostile", "CPU of the worst {hostile_kb} KB", "s", HOSTILE),
    ),
    measure_redaction,
)
