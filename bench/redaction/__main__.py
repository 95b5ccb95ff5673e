"""``python -m bench.redaction``: the redactor alone; it needs no database and no server.

Its exit status is 0 whatever the figures: the tests hold the floors. ``--failures`` shows what leaked and what went for
no reason in the development half; the held-out half stays unseen.
"""

import argparse
import sys
from pathlib import Path

from bench.redaction.goals import LEAKS
from bench.redaction.measuring import measure
from bench.redaction.report import by, failures, false_hits, leaks, slowest
from bench.results import table, write_json
from bench.scenarios.redaction import REDACTION, figures_of
from bench.servers import ROOT
from bench.sizes import DEFAULT
from sessions import privacy
from tests.privacy.evaluation.scoring import by_kind


def main() -> int:
    options = parse_options()
    measured = measure(privacy, rate_seconds=DEFAULT.redaction_seconds, hostile_kb=DEFAULT.hostile_kb)
    results = REDACTION.judge(REDACTION.metrics, figures_of(measured), DEFAULT)
    parts = [
        *([failures(measured)] if options.failures else []),
        leaks(measured),
        by(measured, "language", lambda outcome, _: outcome.item.language),
        by(measured, "half, kind", lambda outcome, span: f"{outcome.item.half}, {by_kind(outcome, span)}"),
        false_hits(measured, "section", lambda outcome: outcome.item.section),
        false_hits(measured, "half, section", lambda outcome: f"{outcome.item.half}, {outcome.item.section}"),
        false_hits(measured, "language", lambda outcome: outcome.item.language),
        table(results[len(LEAKS) :]),
        f"The slowest {DEFAULT.hostile_kb} KB: {slowest(measured)}",
        f"Written to {write_json(results, options.results)}.",
    ]
    print("\n\n".join(parts))
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.redaction", description="Measures the redactor alone.")
    parser.add_argument("--failures", action="store_true", help="show what failed in the development half")
    parser.add_argument(
        "--results", type=Path, default=ROOT / "bench" / "results" / "redaction", help="the folder for the JSON"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
