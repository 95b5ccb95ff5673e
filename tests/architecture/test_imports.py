"""The import contracts hold, and notice when they do not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "tenants", "agents", "sessions", "widget")


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source on its own, where a test may spoil it."""
    folder = tmp_path_factory.mktemp("source")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False)


def is_broken(contract: str, result: subprocess.CompletedProcess[str]) -> bool:
    return any(line.startswith(contract) and " BROKEN" in line for line in result.stdout.splitlines())


def test_imports_flow_one_way(copy: Path) -> None:
    assert lint_imports(copy).returncode == 0


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tenants/models/website.py", "import agents.models", "Imports flow one way"),
        ("agents/models.py", "import sessions.models", "Imports flow one way"),
        ("sessions/models.py", "import config.env", "Imports flow one way"),
        ("agents/graphs/chat.py", "import django.conf", "Graphs are pure"),
        ("sessions/turns.py", "import langchain_openai", "Only agents.llm, completions and events know"),
        ("agents/answering.py", "import openai", "Only agents.llm, completions and events know"),
        ("sessions/store/read.py", "import sessions.turns", "Inside sessions"),
        ("sessions/transcript_words.py", "import sessions.transcript_view", "Inside sessions"),
        ("sessions/api/responses.py", "import sessions.api.base", "Inside the API"),
        ("agents/kept_connections.py", "import agents.completions", "Inside agents"),
        ("tenants/models/website.py", "import tenants.registration", "Inside tenants"),
        ("tenants/timed_cache.py", "import tenants.models", "Inside tenants"),
    ],
)
def test_wrong_import_breaks_its_contract(copy: Path, module: str, line: str, contract: str) -> None:
    path = copy / module
    good = path.read_text()
    path.write_text(f"{good}\n{line}\n")
    try:
        result = lint_imports(copy)
    finally:
        path.write_text(good)
    assert result.returncode != 0
    assert is_broken(contract, result)


@pytest.mark.parametrize(
    ("module", "contract"),
    [
        ("tenants/newcomer.py", "Inside tenants"),
        ("agents/newcomer.py", "Inside agents"),
        ("sessions/newcomer.py", "Inside sessions"),
        ("sessions/api/newcomer.py", "Inside the API"),
    ],
)
def test_module_without_a_place_breaks_the_contract(copy: Path, module: str, contract: str) -> None:
    path = copy / module
    path.touch()
    try:
        result = lint_imports(copy)
    finally:
        path.unlink()
    assert result.returncode != 0
    assert is_broken(contract, result)
