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


def test_imports_flow_one_way(copy: Path) -> None:
    assert lint_imports(copy).returncode == 0


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("tenants/models.py", "import agents.models", "Imports flow one way"),
        ("agents/models.py", "import sessions.models", "Imports flow one way"),
        ("sessions/models.py", "import config.env", "Imports flow one way"),
        ("agents/graphs/chat.py", "import django.conf", "Graphs are pure"),
        ("sessions/turns.py", "import langchain_openai", "Only agents.llm knows"),
        ("sessions/store.py", "import sessions.turns", "Inside sessions"),
        ("tenants/models.py", "import tenants.registration", "Inside tenants"),
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
    assert any(broken.startswith(contract) and broken.endswith("BROKEN") for broken in result.stdout.splitlines())
