"""`gridsentry-edge eval TRUTH EVENTS`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from edge.evaluate.matching import ClipResult
    from edge.evaluate.rows import Row
    from edge.evaluate.truth import TrueClip

# In a pipe there is no width to ask for, and a table broken at 80 columns cannot be read.
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 150)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def evaluate_command(
    truth: Annotated[Path, typer.Argument(help="Truth: a YAML file with clips and their episodes.")],
    events: Annotated[Path, typer.Argument(help="Events as `replay` writes them, one a line.")],
    json_path: Annotated[Path | None, typer.Option("--json", help="Write the same table as data.")] = None,
) -> None:
    """Compares events with the truth: recall, false alarms per camera-day, time to detect, duplicates."""
    # Late: SciPy costs every other command a quarter of a second.
    from edge.evaluate.alarms import read_alarms
    from edge.evaluate.matching import evaluate
    from edge.evaluate.rows import rows_of
    from edge.evaluate.stats import read_stats
    from edge.evaluate.truth import load_truth

    known = load_truth(truth)
    alarms = read_alarms(events)
    results = evaluate(known.clips, alarms)
    names = {clip.name for clip in known.clips}
    foreign = sorted({alarm.clip for alarm in alarms} - names)
    if foreign:
        _err.print(f"left out: events of clips that are not in {truth}: {', '.join(foreign)}", markup=False)
    rows = rows_of(results, _durations(known.clips), [clip for clip in read_stats(events) if clip.clip in names])
    _print_clips(results)
    _print_rows(rows)
    if json_path is not None:
        json_path.parent.mkdir(parents=True, exist_ok=True)
        content = json.dumps([row.model_dump(mode="json") for row in rows], indent=2, ensure_ascii=False)
        json_path.write_text(content + "\n", encoding="utf-8")


def _durations(clips: Sequence[TrueClip]) -> dict[str, float]:
    from edge.sources.errors import SourceError
    from edge.sources.file import FileSource

    durations: dict[str, float] = {}
    for clip in clips:
        seconds = clip.duration_seconds
        if seconds is None:
            try:
                with FileSource(clip.file) as source:
                    seconds = source.duration_seconds
            except SourceError as error:
                _err.print(f"duration unknown: {error}", markup=False)
        if seconds:
            durations[clip.name] = seconds
    return durations


def _print_clips(results: Sequence[ClipResult]) -> None:
    table = Table("clip", "hazard", "episode", "alarm", "tier", "outcome")
    for result in results:
        name = result.clip.name
        for answer in result.answers:
            episode, alarm = answer.episode, answer.alarm
            table.add_row(
                name,
                episode.hazard,
                f"{episode.start_seconds:.1f}-{episode.end_seconds:.1f} s",
                f"{alarm.raised_seconds:.1f} s",
                alarm.tier.value,
                f"found after {answer.delay_seconds:.1f} s",
            )
        for missed in result.missed:
            span = f"{missed.start_seconds:.1f}-{missed.end_seconds:.1f} s"
            table.add_row(name, missed.hazard, span, "", "", "[red]missed[/]")
        for outcome, alarms in (("[yellow]duplicate[/]", result.duplicates), ("[red]false[/]", result.false)):
            for alarm in alarms:
                table.add_row(name, alarm.hazard, "", f"{alarm.raised_seconds:.1f} s", alarm.tier.value, outcome)
    if table.row_count:
        _out.print(table)


def _print_rows(rows: Sequence[Row]) -> None:
    table = Table()
    for heading in ("figure", "value", "95 %", "target", "ok"):
        table.add_column(heading, no_wrap=True)
    table.add_column("counted")
    hazard = ""
    for row in rows:
        prefix, _, figure = row.name.rpartition(".")
        if prefix != hazard:
            hazard = prefix
            table.add_section()
            if prefix:
                table.add_row(f"[bold]{prefix}[/]")
        table.add_row(
            figure.replace("_", " "),
            "unknown" if row.value is None else f"{row.value:.3g} {row.unit}",
            "" if row.interval is None else f"{row.interval[0]:.3g} … {row.interval[1]:.3g}",
            "" if row.target is None else f"{row.target:.3g}",
            {True: "[green]yes[/]", False: "[red]no[/]", None: ""}[row.ok],
            row.note,
        )
    _out.print(table)
