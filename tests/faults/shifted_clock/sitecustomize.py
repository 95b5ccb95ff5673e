"""On the path of a process it sets the process's clock wrong, by ``CLOCK_SHIFT_SECONDS``; Python imports it itself."""

import os
from datetime import UTC, datetime, timedelta

import time_machine

_wrong = datetime.now(UTC) + timedelta(seconds=int(os.environ["CLOCK_SHIFT_SECONDS"]))
time_machine.travel(_wrong, tick=True).start()
