"""How the figures of a redactor are shown."""

from collections.abc import Callable
from typing import Final

from bench.redaction.goals import LEAKS, STRUCTURED
from bench.redaction.measuring import Measured
from bench.results import aligned
from tests.privacy.evaluation.reading import Span
from tests.privacy.evaluation.scoring import Outcome, Tally, by_kind, false_hits_by, tally

WORST_SHOWN: Final = 5


def leaks(measured: Measured) -> str:
    """The table of kinds, with what was hidden but as something else."""
    mistaken = [by_kind(outcome, span) for outcome in measured.outcomes for span in outcome.mistaken]
    rows = [
        (*_row(kind, counted), f"<= {goal.bound:.0f} %", "yes" if goal.is_met(100 * counted.rate, None) else "NO")
        for kind, goal, counted in (
            *((kind, LEAKS[kind], counted) for kind, counted in measured.kinds.items()),
            ("all kinds but names", STRUCTURED, measured.structured),
        )
    ]
    counts = [str(mistaken.count(row[0])) for row in rows[:-1]] + [str(sum("NAME" not in kind for kind in mistaken))]
    heading = ("kind", "spans", "leaked", "rate", "target", "met", "as another kind")
    return aligned([heading, *((*row, count) for row, count in zip(rows, counts, strict=True))])


def by(measured: Measured, title: str, key: Callable[[Outcome, Span], str]) -> str:
    rows = [_row(name, counted) for name, counted in tally(measured.outcomes, key).items()]
    return aligned([(title, "spans", "leaked", "rate"), *rows])


def false_hits(measured: Measured, title: str, key: Callable[[Outcome], str]) -> str:
    rows = [
        (name, str(messages), str(hits), f"{1000 * hits / messages:,.0f}")
        for name, (messages, hits) in false_hits_by(measured.outcomes, key).items()
    ]
    return aligned([(title, "messages", "false hits", "per 1,000"), *rows])


def failures(measured: Measured) -> str:
    lines = []
    for outcome in measured.outcomes:
        if outcome.item.half == "development" and (outcome.leaked or outcome.false_hits or outcome.hidden is None):
            place = f"{outcome.item.section}/{outcome.item.language}"
            leaked = [outcome.message.text[span.start : span.end] for span in outcome.leaked]
            lines.append(f"{place}: {outcome.message.text!r}\n    {outcome.output!r}")
            lines += [f"    leaked {leaked}"] if leaked else []
            lines += [f"    false {outcome.false_hits}"] if outcome.false_hits else []
            lines += ["    altered"] if outcome.hidden is None else []
    return "\n".join(lines)


def slowest(measured: Measured) -> str:
    worst = list(measured.hostile_seconds.items())[:WORST_SHOWN]
    return ", ".join(f"{name} {seconds:.3f} s" for name, seconds in worst)


def _row(name: str, counted: Tally) -> tuple[str, str, str, str]:
    return name, str(counted.spans), str(counted.leaked), f"{100 * counted.rate:.1f} %"
