"""The demo's result: a table for people, the same as data for programs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from samples.demo.watch import Arrival, Kind, missing, unexpected


@dataclass(frozen=True, slots=True)
class Row:
    """One episode: expected and arrived, expected and missing, or arrived unexpectedly."""

    source: str
    hazard: str
    queue: str | None
    queue_name: str | None
    seconds: float | None
    status: str


def rows_of(expected: Counter[Kind], arrivals: tuple[Arrival, ...]) -> list[Row]:
    """One row an episode, in the order of arrival, the missing ones last."""
    surplus = unexpected(expected, arrivals)
    rows = []
    # Of more arrivals than episodes the latest are the surplus.
    for arrival in reversed(arrivals):
        status = "arrived"
        if surplus[arrival.kind] > 0:
            surplus[arrival.kind] -= 1
            status = "unexpected"
        kind = arrival.kind
        rows.append(Row(kind.source, kind.hazard, arrival.queue, arrival.queue_name, round(arrival.seconds, 3), status))
    rows.reverse()
    lost = missing(expected, arrivals)
    return rows + [
        Row(kind.source, kind.hazard, None, None, None, "missing") for kind in sorted(lost.elements(), key=str)
    ]


def print_table(rows: list[Row], console: Console) -> None:
    """The table of the demo."""
    table = Table(title="From the last frame or reading to the queue")
    for heading in ("source", "hazard", "queue"):
        table.add_column(heading)
    table.add_column("seconds", justify="right")
    table.add_column("")
    colours = {"arrived": "green", "missing": "bold red", "unexpected": "yellow"}
    for row in rows:
        queue = "—" if row.queue is None else f"{row.queue} {row.queue_name}"
        seconds = "—" if row.seconds is None else f"{row.seconds:.2f}"
        table.add_row(row.source, row.hazard, queue, seconds, f"[{colours[row.status]}]{row.status}[/]")
    console.print(table)


def write_json(rows: list[Row], path: Path) -> None:
    """The same as data, in the row format of all our measurements."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = [
        {
            "name": "seconds_from_last_frame_to_queue",
            "value": row.seconds,
            "unit": "s",
            "target": None,
            "ok": row.status == "arrived",
            "n": 1,
            "interval": None,
            "note": row.status,
            "source": row.source,
            "hazard": row.hazard,
            "queue": row.queue,
        }
        for row in rows
    ]
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
