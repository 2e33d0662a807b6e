"""Rows of a bench: printed as a table, written as JSON, so that figures can be compared by a program."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

RESULTS = Path("var/bench")


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. `interval` holds the lowest and highest of the repetitions, `n` how many things were measured."""

    name: str
    value: float
    unit: str
    target: float | None = None
    ok: bool | None = None
    n: int = 1
    interval: tuple[float, float] | None = None
    note: str = ""


def timed(work: Callable[[], int], repetitions: int = 5) -> tuple[float, tuple[float, float], int]:
    """Seconds for one thing: the median over repetitions, the range, and how many were done in each.

    `work` does some number of things and returns it. The machine is shared: trust ratios, not seconds.
    """
    each, count = [], 0
    for _ in range(repetitions):
        started = time.perf_counter()
        count = work()
        each.append((time.perf_counter() - started) / count)
    return statistics.median(each), (min(each), max(each)), count


def report(name: str, rows: Sequence[Row]) -> None:
    """Prints the rows and writes `var/bench/NAME.json`."""
    table = Table("figure", "value", "unit", "range", "target", "n", "note", title=name)
    for row in rows:
        between = "" if row.interval is None else f"{row.interval[0]:,.4g} … {row.interval[1]:,.4g}"
        mark = "" if row.ok is None else ("[green]ok[/green]" if row.ok else "[red]missed[/red]")
        target = "" if row.target is None else f"{row.target:,.4g} {mark}"
        table.add_row(row.name, f"{row.value:,.4g}", row.unit, between, target, f"{row.n:,}", row.note)
    console = Console()
    # Piped output is 80 columns wide, which breaks every cell.
    Console(width=max(console.width, 150)).print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    content = json.dumps([asdict(row) for row in rows], ensure_ascii=False, indent=1)
    (RESULTS / f"{name}.json").write_text(content + "\n", encoding="utf-8")
