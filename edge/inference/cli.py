"""`gridsentry-edge bench`: how models run on this machine, measured and stored."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from edge.config.document import load_config
from edge.inference.errors import ModelError

if TYPE_CHECKING:
    from edge.config.inference import InferenceSettings, ModelSettings
    from edge.inference.choice import Choice
    from edge.inference.measuring import Measurement, Step

# In a pipe there is no width to ask for, and a table broken at 80 columns cannot be read.
_out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def bench_command(
    config: Annotated[Path, typer.Option("--config", "-c", help="The configuration, a YAML file.")],
    stored: Annotated[
        bool, typer.Option("--stored", help="Show what was measured before; measure only what was not.")
    ] = False,
) -> None:
    """Measures how each model runs fastest on this machine, as the first boot does, and stores the choice."""
    settings = load_config(config)
    inference = settings.inference
    if not inference.models:
        _err.print(f"{config}: no models are configured: there is nothing to measure; see inference.models")
        return
    problems = 0
    for name, model in inference.models.items():
        try:
            choice = _measure(name, model, inference, settings.device.state_dir, anew=not stored)
        except ModelError as error:
            problems += 1
            _err.print(f"{name}: {error}", markup=False)
        else:
            _show(name, choice)
    if problems:
        raise typer.Exit(1)


def _measure(name: str, model: ModelSettings, inference: InferenceSettings, state_dir: Path, *, anew: bool) -> Choice:
    from edge.inference.choice import choose
    from edge.inference.proving import read_parts

    columns = (TextColumn("{task.description}"), SpinnerColumn(), TimeElapsedColumn())
    with Progress(*columns, console=_err, transient=True) as display:
        task = display.add_task(f"{name}: loading", total=None)

        def watch(step: Step) -> None:
            display.update(task, description=f"{name}: {step.number}/{step.total} {step.plan}")

        return choose(name, model, read_parts(model), inference, state_dir, watch=watch, anew=anew)


def _show(name: str, choice: Choice) -> None:
    table = Table(title=f"{name}  {choice.sha256[:12]}", title_justify="left")
    table.add_column("")
    table.add_column("way of running it", no_wrap=True)
    for heading in ("CPU ms a picture", "ms a picture", "difference", "runs"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for number, one in enumerate(choice.measurements):
        table.add_row(
            "[green]✓[/]" if number == choice.chosen else "",
            str(one.plan),
            "" if one.cpu_ms is None else f"{one.cpu_ms:.2f}",
            "" if one.wall_ms is None else f"{one.wall_ms:.2f}",
            "" if one.difference is None else f"{one.difference:.3g}",
            str(one.runs or ""),
            _said(one, chosen=number == choice.chosen),
        )
    _out.print(table)


def _said(one: Measurement, *, chosen: bool) -> str:
    said = "chosen" if chosen else f"refused: {one.refused}" if one.refused else ""
    return ", ".join(filter(None, (said, one.loss and f"loses {one.loss}")))
