"""``make bench``: measures the real server on a throw-away database, against a stub model on the same machine.

It needs the addresses that ``python -m config.embedded exec`` gives. Its exit status is 1 where a turn failed, so that
no figure is taken from a broken system; a target that is not met is shown and fails nothing.
"""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.results import Result, table, write_json
from bench.scenarios import SCENARIOS
from bench.scenarios.scenario import FAILED, Scenario
from bench.servers import ROOT, ServerNotReadyError, allow_many_sockets
from bench.sizes import DEFAULT, FULL, QUICK
from bench.stage import LoadFailedError, Stage, set_stage

INTERRUPTED = 130
QUIET_SHARE = 0.1


def main() -> int:
    options = parse_options()
    size = FULL if options.full else QUICK if options.quick else DEFAULT
    chosen = [scenario for scenario in SCENARIOS if scenario.name in (options.only or [scenario.name])]
    # However we are told to stop, all processes that we began end first.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    allow_many_sockets()
    try:
        with set_stage(size, os.environ["EMBEDDED_SUPERUSER_URL"], os.environ["REDIS_URL"]) as stage:
            results = run_all(chosen, stage)
    except (LoadFailedError, ServerNotReadyError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    print("\n" + table(results))
    if stage.others_share > QUIET_SHARE:
        print(f"\nNot a quiet machine: up to {stage.others_share:.0%} of it was busy with something else.")
    print(f"\nWritten to {write_json(results, options.results)}.")
    return 1 if any(result.scenario.endswith(FAILED) and result.ours for result in results) else 0


def run_all(chosen: Sequence[Scenario], stage: Stage) -> list[Result]:
    results = []
    for scenario in chosen:
        print(f"{scenario.name} ...", file=sys.stderr, flush=True)
        results += scenario.results(stage)
        if stage.errors:
            print(f"{scenario.name}: {dict(stage.errors)}", file=sys.stderr)
    return results


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measures what a turn costs.")
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", action="append", choices=names, help="this scenario alone; may be repeated")
    parser.add_argument("--results", type=Path, default=ROOT / "bench" / "results", help="the folder for the JSON")
    sizes = parser.add_mutually_exclusive_group()
    sizes.add_argument("--full", action="store_true", help="1,000 waiting turns, 500 turns in a session")
    sizes.add_argument("--quick", action="store_true", help="tiny: shows that it works, measures nothing")
    options = parser.parse_args()
    if "EMBEDDED_SUPERUSER_URL" not in os.environ:
        parser.error("there is no throw-away database here: begin it with `make bench`")
    return options


if __name__ == "__main__":
    sys.exit(main())
