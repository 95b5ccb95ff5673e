"""Figures, what they should be, and how they are shown: one table for people, one list for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import orjson

COLUMNS = ("scenario", "ours", "baseline", "ratio", "target", "met")


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound for our own figure, or for its ratio to the baseline's."""

    bound: float
    of: Literal["ours", "ratio"] = "ours"
    at_least: bool = False

    def is_met(self, ours: float, ratio: float | None) -> bool | None:
        """None where there is no ratio to judge by."""
        figure = ours if self.of == "ours" else ratio
        if figure is None:
            return None
        return figure >= self.bound if self.at_least else figure <= self.bound

    def __str__(self) -> str:
        sign = ">=" if self.at_least else "<="
        return f"{'ratio ' if self.of == 'ratio' else ''}{sign} {_figure(self.bound)}"


@dataclass(frozen=True, slots=True)
class Result:
    scenario: str
    ours: float
    unit: str
    baseline: float | None = None
    goal: Goal | None = None

    @property
    def ratio(self) -> float | None:
        return self.ours / self.baseline if self.baseline else None

    @property
    def met(self) -> bool | None:
        return self.goal.is_met(self.ours, self.ratio) if self.goal else None

    def as_json(self) -> dict[str, Any]:
        return {
            "scenario": self.scenario,
            "ours": round(self.ours, 3),
            "baseline": None if self.baseline is None else round(self.baseline, 3),
            "ratio": None if self.ratio is None else round(self.ratio, 3),
            "target": str(self.goal) if self.goal else None,
            "met": self.met,
            "unit": self.unit,
        }

    def as_row(self) -> tuple[str, ...]:
        return (
            self.scenario,
            f"{_figure(self.ours)} {self.unit}",
            _figure(self.baseline),
            _figure(self.ratio),
            str(self.goal) if self.goal else "-",
            {None: "-", True: "yes", False: "NO"}[self.met],
        )


def table(results: Sequence[Result]) -> str:
    return aligned([COLUMNS, *(result.as_row() for result in results)])


def aligned(rows: Sequence[tuple[str, ...]]) -> str:
    """The first row is the heading; the first column is words, the others figures."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]).rstrip() for row in rows]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def write_json(results: Sequence[Result], folder: Path) -> Path:
    """Writes a file named by the moment, and ``latest.json`` with the same; gives the latter."""
    folder.mkdir(parents=True, exist_ok=True)
    text = orjson.dumps([result.as_json() for result in results], option=orjson.OPT_INDENT_2)
    for name in (f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json", "latest.json"):
        (folder / name).write_bytes(text)
    return folder / "latest.json"


def _figure(value: float | None) -> str:
    """Three digits or so: more would be noise."""
    if value is None:
        return "-"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
