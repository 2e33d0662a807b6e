"""Rows of figures that a program can compare: {name, value, unit, target, ok, n, interval, note}."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "var" / "bench"


@dataclass(frozen=True)
class Row:
    """One figure. `interval` is (low, high): of the rounds, or a confidence interval, as the note says."""

    name: str
    value: float | None
    unit: str
    target: float | None = None
    ok: bool | None = None
    n: float = 0
    interval: tuple[float, float] | None = None
    note: str = ""


def at_most(name: str, values: Sequence[float], unit: str, target: float | None, note: str = "") -> Row:
    """The median of some rounds with their range; fine if it is at most the target."""
    value = statistics.median(values)
    ok = None if target is None else value <= target
    return Row(name, round(value, 4), unit, target, ok, len(values), _range(values), note)


def at_least(name: str, values: Sequence[float], unit: str, target: float | None, note: str = "") -> Row:
    """The median of some rounds with their range; fine if it is at least the target."""
    value = statistics.median(values)
    ok = None if target is None else value >= target
    return Row(name, round(value, 4), unit, target, ok, len(values), _range(values), note)


def skipped(name: str, unit: str, target: float | None, reason: str) -> Row:
    """A figure that could not be measured here, with the reason."""
    return Row(name, None, unit, target, None, 0, None, f"not measured: {reason}")


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def publish(bench: str, rows: Sequence[Row]) -> None:
    """Writes var/bench/<bench>.json and prints the table."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    content = json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False)
    (FOLDER / f"{bench}.json").write_text(content + "\n", encoding="utf-8")
    show(bench, rows)


def show(bench: str, rows: Sequence[Row]) -> None:
    """Prints the table."""
    table = Table(title=bench, title_justify="left")
    for heading in ("figure", "value", "range", "target", "ok", "n"):
        table.add_column(heading, no_wrap=True)
    table.add_column("note")
    for row in rows:
        table.add_row(
            row.name,
            "-" if row.value is None else f"{row.value:.4g} {row.unit}",
            "" if row.interval is None else f"{row.interval[0]:.4g} … {row.interval[1]:.4g}",
            "" if row.target is None else f"{row.target:.4g}",
            {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.ok],
            f"{row.n:g}",
            row.note,
        )
    console = Console(highlight=False)
    Console(highlight=False, width=max(console.width, 140)).print(table)


def _range(values: Sequence[float]) -> tuple[float, float]:
    return round(min(values), 4), round(max(values), 4)
