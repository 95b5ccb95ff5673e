"""The load generator against the stub: what is answered is timed, what fails is counted."""

import subprocess
import sys

from bench.load import READY
from bench.plan import LoadReport, Plan, Target
from tests.live_server import ROOT, free_port
from tests.stub_model import StubModel


def target_at(port: int, model: str = "stub", *, end_mark: str = "[DONE]") -> Target:
    body = {"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]}
    return Target(
        port,
        "/v1/chat/completions",
        body=body,
        is_conversation=False,
        first_mark='"delta":{"content"',
        end_mark=end_mark,
    )


def run_load(plan: Plan) -> LoadReport:
    done = subprocess.run(
        [sys.executable, "-m", "bench.load"],
        cwd=ROOT,
        input=plan.to_json() + b"\ngo\n",
        capture_output=True,
        timeout=60,
        check=True,
    )
    ready, report = done.stdout.splitlines()
    assert ready.decode() == READY
    return LoadReport.from_json(report)


def test_load_takes_every_turn_of_every_session_of_every_client(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, "stub;test=every"), clients=3, sessions=2, turns=4))
    assert report.errors == {}
    assert sorted(turn.number for turn in report.turns) == sorted([1, 2, 3, 4] * 6)
    assert stub_model.calls("stub;test=every") == 24


def test_load_times_the_whole_answer_and_its_first_token(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, "stub;latency_ms=200;tokens=30;tokens_per_second=50"), turns=1))
    [turn] = report.turns
    assert 200 <= turn.first_token_ms < 500
    assert 300 <= turn.total_ms - turn.first_token_ms < 1500


def test_load_begins_no_turn_after_its_seconds(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, "stub;latency_ms=100"), turns=100_000, seconds=0.5))
    assert 1 <= len(report.turns) <= 5
    assert 0.5 <= report.seconds < 2


def test_load_counts_a_refusal_by_its_status(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, "stub;fault=500"), clients=2, turns=3))
    assert (report.turns, report.errors) == ([], {"status 500": 6})


def test_load_counts_an_answer_that_breaks_off(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, "stub;fault=cut"), turns=2))
    assert (report.turns, report.errors) == ([], {"ConnectionResetError": 2})


def test_load_counts_an_answer_without_its_end(stub_model: StubModel) -> None:
    report = run_load(Plan(target_at(stub_model.port, end_mark="never said"), turns=2))
    assert (report.turns, report.errors) == ([], {"incomplete answer": 2})


def test_load_counts_a_server_that_is_not_there() -> None:
    report = run_load(Plan(target_at(free_port()), turns=2))
    assert (report.turns, report.errors) == ([], {"ConnectionRefusedError": 2})
