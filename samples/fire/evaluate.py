"""The event half of `make eval-fire`: shows fires, look-alikes and real footage to the real pipeline."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

import cv2
from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from edge.config.inference import InferenceSettings
from edge.evaluate.rows import Row
from samples.fire.figures import rows_of
from samples.fire.judging import Judged, judge
from samples.fire.plots import plot
from samples.fire.running import MODEL, ShowResult, Variant, Weights, recipe_of, run_show
from samples.fire.shows import Rendered, Show, real_shows
from samples.fire.suite import PHOTOGRAPHS, SEED, SHARED, evaluation_set

OUT = Path("var/eval-fire.json")
SHOWS = Path("var/eval-fire")
"""What became of each show: read again with --keep."""
CLIPS = Path("samples/clips")
TABLE_COLUMNS = 160
QUICK = ("flame-00", "flame-01", "smoke-00", "like-beacon-0", "like-red_cloth-0", "real-sample_01")
"""A minute or two on two quiet cores."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every target holds or is left open; 1: one is missed; 2: wrong usage or no such model."""
    arguments = _parser().parse_args(argv)
    # A file or a pipe has no width: a table cut to 80 columns hides its figures.
    console = Console() if sys.stdout.isatty() else Console(width=TABLE_COLUMNS)
    try:
        weights = weights_of(arguments.model)
    except ValidationError as error:
        _say(console, f"model {arguments.model}: {error.errors()[0]['msg']}; --model none does without weights")
        return 2
    photographs = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() and not arguments.no_photographs else None
    everything: list[Show] = [Rendered(scene, photographs) for scene in evaluation_set(SEED, photographs)]
    everything += real_shows(SHARED, CLIPS)
    shows = _chosen(everything, arguments)
    if not shows:
        _say(console, f"found no show called {arguments.only}, expected part of a name such as flame-03-infrared")
        return 2
    results = _run(shows, weights, arguments)
    ordered = [results[show.name] for show in shows]
    judged = {variant: judge(ordered, variant) for variant in weights.variants()}
    rows = rows_of(judged, ordered)
    out = OUT.with_stem(OUT.stem + ("" if weights.inference is not None else "-classical"))
    out = out.with_stem(out.stem + "-part") if len(shows) < len(everything) else out
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([row.model_dump(mode="json") for row in rows], indent=1), encoding="utf-8")
    console.print(_table(rows))
    for row in rows:
        if row.note:
            _say(console, f"{row.name}: {row.note}")
    _tell_troubles(console, judged[Variant.CALIBRATION])
    plot(judged[Variant.CALIBRATION], rows, out.with_suffix(".png"))
    _say(console, f"{out}, {out.with_suffix('.png')}; {len(shows)} shows; weights: {weights.sha256[:12] or 'none'}")
    return 1 if any(row.ok is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.fire.evaluate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}")
    parser.add_argument("--only", action="append", default=[], metavar="SHOW", help="shows whose name holds this")
    parser.add_argument("--part", metavar="K/N", help="every Nth show, beginning with the Kth (from 0)")
    parser.add_argument("--model", default="fire_smoke", help="a row of the model registry, or none (fire_smoke)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--keep", action="store_true", help="shows that were judged before are not judged again")
    parser.add_argument("--no-photographs", action="store_true", help="only backgrounds that the project makes")
    return parser


def weights_of(row: str) -> Weights:
    """Raises ValidationError: no such row, or its weights are not here."""
    if row == "none":
        return Weights()
    return Weights(InferenceSettings.model_validate({"models": {MODEL: {"registry": row}}}))


def _chosen(shows: Sequence[Show], arguments: argparse.Namespace) -> list[Show]:
    wanted = [*arguments.only, *(QUICK if arguments.quick else ())]
    chosen = [show for show in shows if not wanted or any(part in show.name for part in wanted)]
    if arguments.part:
        first, step = (int(number) for number in arguments.part.split("/"))
        chosen = chosen[first::step]
    return chosen


def _run(shows: Sequence[Show], weights: Weights, arguments: argparse.Namespace) -> dict[str, ShowResult]:
    SHOWS.mkdir(parents=True, exist_ok=True)
    known = {show.name: _known(show, weights) for show in shows} if arguments.keep else {}
    results = {name: result for name, result in known.items() if result is not None}
    left = [show for show in shows if show.name not in results]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed}/{task.total}"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("judging", total=len(left))
        for show, result in _results(left, weights, arguments.jobs):
            results[show.name] = result
            _file(show, weights).write_text(result.model_dump_json(indent=1), encoding="utf-8")
            progress.update(task, advance=1, description=show.name)
    return results


def _file(show: Show, weights: Weights) -> Path:
    return SHOWS / f"{show.name}{'' if weights.inference is not None else '.classical'}.json"


def _known(show: Show, weights: Weights) -> ShowResult | None:
    """What became of it in an earlier run, if it was this very show with these weights."""
    path = _file(show, weights)
    if not path.is_file():
        return None
    result = ShowResult.model_validate_json(path.read_text(encoding="utf-8"))
    return result if result.recipe == recipe_of(show, weights) else None


def _results(shows: Sequence[Show], weights: Weights, jobs: int) -> Iterator[tuple[Show, ShowResult]]:
    if jobs <= 1:
        alone()
        for show in shows:
            yield show, run_show(show, weights)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=alone) as pool:
        futures = {pool.submit(run_show, show, weights): show for show in shows}
        for future in as_completed(futures):
            yield futures[future], future.result()


def alone() -> None:
    """One thread a process: the processes share the cores already."""
    cv2.setNumThreads(1)
    os.environ["OMP_NUM_THREADS"] = "1"


def _table(rows: Sequence[Row]) -> Table:
    table = Table("figure", "value", "unit", "target", "ok", "n", "95 %", show_lines=False)
    for column in table.columns:
        column.no_wrap = True
    for row in rows:
        interval = "" if row.interval is None else f"{row.interval[0]:.3g} … {row.interval[1]:.3g}"
        ok = {True: "yes", False: "NO", None: ""}[row.ok]
        value = "" if row.value is None else f"{row.value:.4g}"
        target = "" if row.target is None else f"{row.target:g}"
        table.add_row(row.name, value, row.unit, target, ok, f"{row.n:g}", interval)
    return table


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)


def _tell_troubles(console: Console, judged: Judged) -> None:
    for answer in judged.answered:
        if not answer.in_time:
            delay = answer.delay_seconds
            told = "never told" if delay is None else f"told {delay:.0f} s after it could be seen"
            _say(console, f"{answer.show}: {told}; flames {answer.fire.flame_since}, smoke {answer.fire.smoke_since}")
    for name, said in judged.false:
        box = ", ".join(f"{value:.0f}" for value in said.box)
        _say(
            console,
            f"false {said.tier.value} in {name}: {said.hazard} at {said.raised:.0f} s by {'+'.join(said.proposers)} "
            f"({said.confidence:.2f}) at {box}",
        )


if __name__ == "__main__":
    sys.exit(main())
