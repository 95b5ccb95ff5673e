"""``make bench`` at its smallest: it measures, reports, leaves nothing behind. The figures mean nothing here."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from bench.redaction.goals import LEAKS
from tests.live_server import ROOT

COMMAND = [sys.executable, "-m", "bench", "--quick"]
CPU = ["CPU of the web processes per turn", "CPU of PostgreSQL per turn", "CPU of Redis per turn"]
FIGURES = {
    "1 client, sessions of 5 turns, JSON": [*CPU, "latency over the model's, p50", "latency over the model's, p95"],
    "1 client, sessions of 5 turns, SSE": [
        *CPU,
        "first token after the model's, p50",
        "first token after the model's, p95",
    ],
    "4 clients": ["turns per second", *CPU, "latency, p95", "database connections at peak"],
    "10 turns at once, 1 s model": [
        "latency over the model's, p50",
        "latency over the model's, p99",
        "database connections at peak",
        "threads of the web processes at peak",
        "memory of the web processes at peak (PSS)",
    ],
    "1 client, 1 long session": ["turn 5", "turn 12", "turn 12 against turn 5"],
    "200 sessions of 5 KB": [
        "finding one, p50",
        "finding one, p99",
        "loading its history, p50",
        "loading its history, p99",
        "CPU of PostgreSQL for scope and policy, a transaction",
    ],
    "personal data is replaced": [
        f"{mode}: {figure}"
        for mode in ("after_silence", "at_turn_end", "before_model")
        for figure in (CPU[0], "the same, messages of 8 KB", "/healthz meanwhile, p99")
    ],
    "redaction": [
        *(f"leaked, {kind}" for kind in LEAKS),
        "leaked, all kinds but names",
        "false hits in harmless messages",
        "false hits beside real ones",
        "messages altered otherwise",
        "messages on one core",
        "CPU of the worst 1 KB",
    ],
    "200 old sessions deleted": [
        "left over",
        "sessions per second",
        "memory of the job at peak",
        "of that, since it began",
        "longest transaction",
        "latency of 2 visitors without the job, p95",
        "and beside it, p95",
    ],
}


@pytest.fixture(scope="module")
def quick_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """What a whole small run printed, and the folder of its JSON."""
    folder = tmp_path_factory.mktemp("bench") / "results"
    done = subprocess.run(
        [*COMMAND, "--results", folder], cwd=ROOT, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout, folder


@pytest.fixture(scope="module")
def results(quick_run: tuple[str, Path]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((quick_run[1] / "latest.json").read_text())
    return found


def figure(results: list[dict[str, Any]], scenario: str, name: str) -> float:
    [found] = [result["ours"] for result in results if result["scenario"] == f"{scenario}: {name}"]
    return float(found)


def test_bench_reports_every_figure_of_every_scenario(results: list[dict[str, Any]]) -> None:
    expected = [f"{title}: {name}" for title, names in FIGURES.items() for name in [*names, "failed turns"]]
    assert [result["scenario"] for result in results] == expected
    keys = {"scenario", "ours", "baseline", "ratio", "target", "met", "unit"}
    assert [set(result) for result in results] == [keys] * len(expected)


def test_bench_figures_are_plausible(results: list[dict[str, Any]]) -> None:
    assert [result["ours"] for result in results if result["scenario"].endswith("failed turns")] == [0] * len(FIGURES)
    assert 1 < figure(results, "4 clients", CPU[0]) < 500
    assert 1 < figure(results, "1 client, sessions of 5 turns, JSON", "latency over the model's, p50") < 5_000
    assert 1 < figure(results, "4 clients", "turns per second") < 2_000
    waiting = "10 turns at once, 1 s model"
    assert 0 < figure(results, waiting, "latency over the model's, p50") < 10_000
    assert 1 <= figure(results, waiting, "database connections at peak") <= 20
    assert 3 <= figure(results, waiting, "threads of the web processes at peak") <= 50
    assert 50 < figure(results, waiting, "memory of the web processes at peak (PSS)") < 2_000


def test_bench_prints_what_it_writes(quick_run: tuple[str, Path], results: list[dict[str, Any]]) -> None:
    printed, folder = quick_run
    lines = printed.splitlines()
    assert [sum(line.startswith(f"{result['scenario']}  ") for line in lines) for result in results] == [1] * len(
        results
    )
    [by_moment] = [path for path in folder.iterdir() if path.name != "latest.json"]
    assert json.loads(by_moment.read_text()) == results


def test_bench_ends_all_its_processes_when_interrupted(tmp_path: Path) -> None:
    with subprocess.Popen([*COMMAND, "--results", tmp_path], cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "one-client ...\n" in iter(process.stderr.readline, "")  # warnings of a busy machine may come before
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        assert process.wait(120) == 130
    assert len(children) >= 4  # the stub, and the web server's three
    assert psutil.wait_procs(children, timeout=30)[1] == []
    assert list(tmp_path.iterdir()) == []


def test_bench_without_a_database_says_how_to_begin() -> None:
    bare = {name: value for name, value in os.environ.items() if name != "EMBEDDED_SUPERUSER_URL"}
    done = subprocess.run(COMMAND, cwd=ROOT, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("begin it with `make bench`")
