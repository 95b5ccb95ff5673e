"""Our own log lines: a constant text and values under known names, so that the net has nothing to take out."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.log_net import FIELDS

ROOT = Path(__file__).resolve().parents[2]
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
SOURCES = [
    path
    for package in ("config", "tenants", "agents", "sessions", "widget")
    for path in sorted((ROOT / package).rglob("*.py"))
    if path.name not in {"logs.py", "log_net.py"}
]


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and is_log(node.func.value):
            yield from [node] * (node.func.attr in LEVELS)


def is_log(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"log", "logger"}


def is_plain(call: ast.Call) -> bool:
    [*texts] = call.args
    names = {keyword.arg for keyword in call.keywords}
    is_constant = len(texts) == 1 and isinstance(texts[0], ast.Constant) and isinstance(texts[0].value, str)
    return is_constant and names <= {*FIELDS, "error", "exc_info"}


def test_every_line_is_a_constant_text_with_known_values() -> None:
    found = [(path, call) for path in SOURCES for call in calls(ast.parse(path.read_text()))]
    assert len(found) > 20
    assert [f"{path.relative_to(ROOT)}:{call.lineno}" for path, call in found if not is_plain(call)] == []


def test_nothing_of_ours_goes_around_structlog() -> None:
    around = [path for path in SOURCES if "logging.getLogger" in path.read_text()]
    assert [str(path.relative_to(ROOT)) for path in around] == []


CARELESS = [
    'log.info(f"a {x}")',
    'log.info("a %s", x)',
    'log.info("a", message=x)',
    "log.info(x)",
    'log.info("a", **x)',
]


@pytest.mark.parametrize("line", CARELESS)
def test_careless_line_is_found(line: str) -> None:
    [call] = calls(ast.parse(line))
    assert not is_plain(call)
