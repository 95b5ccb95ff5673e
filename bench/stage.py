"""Everything a scenario needs: the systems it measures, the model behind them, and a way to put load on either."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace

import psutil

from bench.load import READY
from bench.plan import LoadReport, Plan, Target
from bench.servers import StubModel, free_port, run_once, running, running_stub, running_web, web_environment
from bench.sizes import Size
from bench.watch import Servers, Usage, watching

# What a provider is asked at turn 10 of a session: for the model's own time, called directly.
_DIRECT_MESSAGES = [{"role": ("user", "assistant")[turn % 2], "content": f"Hello {turn}"} for turn in range(20)]


@dataclass(frozen=True, slots=True)
class System:
    """A server under measurement, as its visitors reach it."""

    name: str
    json: Target
    stream: Target
    web: psutil.Process
    stored_turns: Callable[[], int]


@dataclass(frozen=True, slots=True)
class Run:
    report: LoadReport
    usage: Usage

    def cpu_per_turn(self) -> dict[str, float]:
        """In ms: of the web processes, of PostgreSQL, of Redis."""
        ms_per_turn = 1000 / len(self.report.turns)
        return {
            "web_cpu": self.usage.web_cpu * ms_per_turn,
            "postgres_cpu": self.usage.postgres_cpu * ms_per_turn,
            "redis_cpu": self.usage.redis_cpu * ms_per_turn,
        }


@dataclass(slots=True)
class Stage:
    size: Size
    ours: System
    model: StubModel
    servers: Servers
    errors: Counter[str] = field(default_factory=Counter)
    """Of the turns since they were cleared last, all systems together; the model called directly included."""
    others_share: float = 0.0
    """Of the machine, in the load that was disturbed most by other programs."""

    def drive(self, system: System, plan: Plan) -> Run:
        """Puts the load on the system and watches. A turn that was answered but not stored counts as an error.

        Raises ``LoadFailedError`` where nothing at all was answered.
        """
        stored = system.stored_turns()
        report, usage = _generate(plan, system.web, self.servers)
        if missing := stored + len(report.turns) - system.stored_turns():
            report.count_error("answered but not stored" if missing > 0 else "stored but not answered", abs(missing))
        self.errors.update(report.errors)
        self.others_share = max(self.others_share, usage.others_share)
        if not report.turns:
            raise LoadFailedError(f"{system.name} answered nothing: {report.errors}")
        return Run(report, usage)

    def time_model(self, *, clients: int = 1, turns: int = 100) -> LoadReport:
        """The model's own time, called directly with the same load generator, streaming as the product calls it."""
        body = {"model": "stub", "stream": True, "messages": _DIRECT_MESSAGES}
        target = Target(
            self.model.port,
            "/v1/chat/completions",
            body=body,
            is_conversation=False,
            first_mark='"delta":{"content"',
            end_mark="[DONE]",
        )
        report, _ = _generate(Plan(target, clients=clients, turns=turns), self.ours.web, self.servers)
        self.errors.update(report.errors)
        return report


class LoadFailedError(RuntimeError):
    """A load that tells nothing of the system."""


def _generate(plan: Plan, web: psutil.Process, servers: Servers) -> tuple[LoadReport, Usage]:
    with running("-m", "bench.load") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(plan.to_json().decode() + "\n")
        process.stdin.flush()
        if process.stdout.readline().strip() != READY:
            raise LoadFailedError("the load generator could not prepare; its last words are above")
        with watching(web, servers) as usage:
            process.stdin.write("go\n")
            process.stdin.flush()
            text = process.stdout.readline()
    if not text:
        raise LoadFailedError("the load generator died; its last words are above")
    return LoadReport.from_json(text), usage


@contextmanager
def set_stage(size: Size, superuser_url: str, redis_url: str) -> Iterator[Stage]:
    """Migrates, makes the data, starts the stub and the web server, warms up; ends all of it."""
    with ExitStack() as stack:
        servers = stack.enter_context(Servers(superuser_url, redis_url))
        model = stack.enter_context(running_stub())
        port = free_port()
        run_once("manage.py", "migrate", "--verbosity", "0", environment=web_environment(port))
        domain = run_once("-m", "bench.seed", model.url, environment=web_environment(port)).strip()
        web = stack.enter_context(running_web(port))
        ours = System("Parlour", *_targets(port, domain), psutil.Process(web.pid), servers.stored_turns)
        stage = Stage(size, ours, model, servers)
        _warm_up(stage, ours)
        stage.others_share = 0.0
        yield stage


def _targets(port: int, domain: str) -> tuple[Target, Target]:
    """As a browser on the website would ask, for JSON and for a stream."""
    host = f"{domain}:{port}"
    as_json = Target(
        port,
        "/api/v1/chat/",
        headers={"Host": host, "Origin": f"http://{host}", "Accept": "application/json"},
        start_path="/api/v1/sessions/",
        end_mark='"message_count"',
    )
    as_stream = replace(
        as_json,
        headers={**as_json.headers, "Accept": "text/event-stream"},
        first_mark='"TEXT_MESSAGE_CONTENT"',
        end_mark='"RUN_FINISHED"',
    )
    return as_json, as_stream


def _warm_up(stage: Stage, system: System) -> None:
    """Both processes, both forms: imports, caches, connections."""
    for target in (system.json, system.stream):
        stage.drive(system, Plan(target, clients=stage.size.warm_up_clients, turns=stage.size.warm_up_turns))
