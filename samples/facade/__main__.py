"""`python -m samples.facade --seed 7 --out DIR [--scenario NAME …] [--suite]`: writes clips with their truth."""

from __future__ import annotations

import hashlib
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rapidfuzz import process
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from samples.facade.catalogue import demo_scenarios
from samples.facade.produce import Produced, produce, replay_config, write_index
from samples.facade.scenario import Scenario
from samples.facade.suite import evaluation_suite
from samples.facade.truth import write_yaml

DEMO_SEED = 7
console = Console(stderr=True, soft_wrap=True)


def generate(
    out: Annotated[Path, typer.Option(help="Folder for the clips; made if it is not there.")],
    seed: Annotated[int, typer.Option(help="Same seed, same clips.")] = DEMO_SEED,
    scenario: Annotated[list[str] | None, typer.Option(help="Only these, by name; repeat the option.")] = None,
    suite: Annotated[bool, typer.Option("--suite", help="The evaluation suite instead of the demo's clips.")] = False,
    falls: Annotated[int, typer.Option(min=0, help="Suite: clips with a fall.")] = 30,
    nuisances: Annotated[int, typer.Option(min=0, help="Suite: clips without one.")] = 30,
    keep: Annotated[bool, typer.Option("--keep", help="Suite: do nothing if the same is already there.")] = False,
) -> None:
    """Renders façade clips: H.264 files, truth.yaml, calibration.yaml, edge.yaml and a track of every fall."""
    scenarios = evaluation_suite(seed, falls, nuisances) if suite else demo_scenarios(seed)
    chosen = _chosen(scenarios, scenario or [])
    command = f"python -m samples.facade --seed {seed}" + (
        f" --suite --falls {falls} --nuisances {nuisances}" if suite else ""
    )
    if scenario:
        command += "".join(f" --scenario {name}" for name in scenario)
    stamp, recipe = out / "made-by.txt", f"{command}\ngenerator {generator_sha256()}\n"
    if keep and stamp.is_file() and stamp.read_text(encoding="utf-8") == recipe:
        console.print(f"{out} already holds this suite; remove it to render again")
        return
    out.mkdir(parents=True, exist_ok=True)
    stamp.unlink(missing_ok=True)
    produced, seconds = _render(chosen, out)
    write_index(out, produced, command)
    if suite:
        write_yaml(
            out / "edge.yaml", replay_config(produced), f"Replays the clips beside this file. Made by: {command}"
        )
        stamp.write_text(recipe, encoding="utf-8")
    _report(produced, seconds)


def generator_sha256() -> str:
    """Of this package's code: a suite that an older generator made is not the same suite."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _chosen(scenarios: Sequence[Scenario], names: list[str]) -> list[Scenario]:
    known = {item.name: item for item in scenarios}
    for name in names:
        if name not in known:
            near = process.extractOne(name, list(known))
            hint = f"; did you mean {near[0]}?" if near else ""
            raise typer.BadParameter(f"no scenario is called {name!r}{hint} There are: {', '.join(known)}")
    return [known[name] for name in names] if names else list(scenarios)


def _render(scenarios: Sequence[Scenario], out: Path) -> tuple[list[Produced], float]:
    columns = (TextColumn("{task.description:14}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    produced, began = [], time.monotonic()
    with Progress(*columns, console=console) as progress:
        whole = progress.add_task("frames", total=sum(item.frames for item in scenarios))
        for item in scenarios:
            progress.update(whole, description=item.name)
            produced.append(produce(item, out, lambda: progress.advance(whole)))
    return produced, time.monotonic() - began


def _report(produced: Sequence[Produced], seconds: float) -> None:
    table = Table("clip", "seconds", "kB", "falls", "seen drop m", "narrowest px", "contrast : noise")
    for item in produced:
        table.add_row(
            item.path.name,
            f"{item.scenario.seconds:g}",
            f"{item.path.stat().st_size / 1000:.0f}",
            ", ".join(f"{e.thing} {e.start_seconds:.2f}-{e.end_seconds:.2f}" for e in item.episodes) or "none",
            ", ".join(f"{e.seen_drop_m:.1f}" for e in item.episodes),
            ", ".join(f"{e.narrowest_px:.1f}" for e in item.episodes),
            ", ".join(f"{e.contrast_to_noise:.0f}" for e in item.episodes),
        )
    console.print(table)
    frames = sum(item.scenario.frames for item in produced)
    console.print(f"{frames} frames in {seconds:.1f} s: {frames / seconds:.0f} frames/s with encoding")


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command()(generate)
    sys.exit(app())
