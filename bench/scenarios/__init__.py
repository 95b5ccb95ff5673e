"""What is measured: one module a scenario, each with the figures it gives and what they should be."""

from bench.scenarios.busy import BUSY
from bench.scenarios.flat import FLAT
from bench.scenarios.many_sessions import MANY_SESSIONS
from bench.scenarios.one_client import ONE_CLIENT, ONE_STREAM
from bench.scenarios.redacting import REDACTING
from bench.scenarios.redaction import REDACTION
from bench.scenarios.retention import RETENTION
from bench.scenarios.scenario import Scenario
from bench.scenarios.waiting import WAITING

SCENARIOS: tuple[Scenario, ...] = (
    ONE_CLIENT,
    ONE_STREAM,
    BUSY,
    WAITING,
    FLAT,
    MANY_SESSIONS,
    REDACTING,
    REDACTION,
    RETENTION,
)
