"""The command line of the embedded system."""

import sys
from collections.abc import Sequence
from typing import Final

from config.embedded.errors import EmbeddedError
from config.embedded.execute import execute
from config.embedded.ports import port_from_environment
from config.embedded.run import parlour, run
from config.embedded.terminal import accept_any_letter, complain, say
from config.embedded.workspace import RUN_DIR, clean

_USAGE: Final = """usage: python -m config.embedded run
       python -m config.embedded exec -- COMMAND [ARGUMENT ...]
       python -m config.embedded clean"""
_USAGE_ERROR: Final = 2


def main(arguments: Sequence[str]) -> int:
    accept_any_letter()
    try:
        return _dispatch(arguments)
    except EmbeddedError as error:
        complain(f"parlour: {error}")
        return 1


def _dispatch(arguments: Sequence[str]) -> int:
    match arguments:
        case ["run"]:
            port = port_from_environment()
            return run(parlour(RUN_DIR, port), RUN_DIR, port)
        case ["exec", "--", _, *_]:
            return execute(arguments[2:], RUN_DIR)
        case ["clean"]:
            clean(RUN_DIR)
            say("Local data is gone.")
            return 0
        case _:
            complain(_USAGE)
            return _USAGE_ERROR


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
