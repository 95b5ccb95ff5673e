"""``python -m tests.config.stand_in RUN_DIR PORT PLAN``: the run loop with other processes than Parlour's."""

import json
import sys
from pathlib import Path

from config.embedded.errors import EmbeddedError
from config.embedded.processes import PartSpec
from config.embedded.run import Plan, run


def main(run_dir: str, port: str, plan: str) -> int:
    described = json.loads(plan)
    parts = [PartSpec(name, command) for name, command in described["parts"].items()]
    try:
        return run(Plan(described["preparation"], parts), Path(run_dir), int(port))
    except EmbeddedError as error:
        print(f"parlour: {error}", file=sys.stderr)  # noqa: T201
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
