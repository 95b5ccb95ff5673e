"""What redaction costs a turn in each mode, and whether a long message makes others wait."""

import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg

from bench.plan import Plan
from bench.scenarios.scenario import Figures, Metric, Scenario, percentile
from bench.stage import Stage, System

AS_SEEDED: Final = "after_silence"
MODES: Final = (AS_SEEDED, "at_turn_end", "before_model")
LONG_CHARACTERS: Final = 8_000
_TURNS: Final = 6  # more of them make the stub, which repeats all that was said, talk of little but personal data
_SECONDS_REMEMBERED: Final = 6
"""A web process remembers a website's policy for a little less."""
_SECONDS_BETWEEN_PROBES: Final = 0.02

USUAL: Final = (
    "Hello, my name is Ada Lovelace and my order no. 48151623-{number} has not come. Write to ada@example.com or call"
    " +49 170 1234567, please."
)
LONG: Final = (USUAL + " ") * (LONG_CHARACTERS // len(USUAL))


def measure(stage: Stage, system: System) -> Figures:
    stage.model.behave()
    figures: Figures = {}
    for mode in MODES:
        if mode != AS_SEEDED:
            _choose(mode)
            time.sleep(_SECONDS_REMEMBERED)
        # Both processes read the redactor's lists when they first need them.
        stage.drive(system, Plan(system.json, clients=8, turns=2, message=USUAL))
        usual = Plan(system.json, sessions=stage.size.redacting_sessions, turns=_TURNS, message=USUAL)
        figures[f"{mode}_cpu"] = stage.drive(system, usual).cpu_per_turn()["web_cpu"]
        long = Plan(system.json, sessions=2 * stage.size.redacting_sessions, turns=2, message=LONG)
        with _probing(system.json.port) as waits:
            figures[f"{mode}_long_cpu"] = stage.drive(system, long).cpu_per_turn()["web_cpu"]
        figures[f"{mode}_wait"] = percentile(waits, 99)
    _choose(AS_SEEDED)
    return figures


def _choose(mode: str) -> None:
    with psycopg.connect(os.environ["EMBEDDED_SUPERUSER_URL"], autocommit=True) as superuser:
        superuser.execute("UPDATE tenants SET redact_when = %s WHERE slug LIKE 'bench-%%'", [mode])


@contextmanager
def _probing(port: int) -> Iterator[list[float]]:
    """Asks ``/healthz``, which needs nothing but the event loop, again and again; gives the times in ms."""
    waits: list[float] = []
    ended = threading.Event()

    def probe() -> None:
        while not ended.wait(_SECONDS_BETWEEN_PROBES):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
            began_at = time.perf_counter()
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            waits.append((time.perf_counter() - began_at) * 1000)
            connection.close()

    thread = threading.Thread(target=probe)
    thread.start()
    try:
        yield waits
    finally:
        ended.set()
        thread.join()


REDACTING = Scenario(
    "redacting",
    "personal data is replaced",
    tuple(
        metric
        for mode in MODES
        for metric in (
            Metric(f"{mode}_cpu", f"{mode}: CPU of the web processes per turn", "ms"),
            Metric(f"{mode}_long_cpu", f"{mode}: the same, messages of 8 KB", "ms"),
            Metric(f"{mode}_wait", f"{mode}: /healthz meanwhile, p99", "ms"),
        )
    ),
    measure,
)
