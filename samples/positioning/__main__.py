"""Figures and picture of docs/edge/positioning.md: a table, var/eval-positioning.json, docs/images/positioning.png."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
from rich.console import Console
from rich.table import Table

from samples.positioning.figures import rows_of
from samples.positioning.park import FOLDER
from samples.positioning.plots import plot

ROWS, PICTURE = Path("var/eval-positioning.json"), Path("docs/images/positioning.png")


def main() -> int:
    """Exit code 1 if a target is missed."""
    cv2.setNumThreads(1)
    rows = rows_of(FOLDER if FOLDER.is_dir() else None)
    table = Table("figure", "value", "unit", "target", "ok", "n", "note")
    for row in rows:
        value = "" if row.value is None else f"{row.value:.3g}"
        target, held = "" if row.target is None else f"{row.target:g}", "" if row.ok is None else str(row.ok)
        table.add_row(row.name, value, row.unit, target, held, f"{row.n:g}", row.note)
    (Console() if sys.stdout.isatty() else Console(width=200)).print(table)
    ROWS.parent.mkdir(exist_ok=True)
    ROWS.write_text(json.dumps([row.model_dump(mode="json") for row in rows], indent=1), encoding="utf-8")
    plot(PICTURE)
    return 1 if any(row.ok is False for row in rows) else 0


sys.exit(main())
