"""`make eval-signals`: renders the evaluation set, judges it with the real pipeline, writes var/eval-signals.json."""

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
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from edge.evaluate.rows import Row
from samples.junction.figures import rows_of
from samples.junction.judging import Judged, judge
from samples.junction.plots import plot
from samples.junction.running import SceneResult, recipe_of, run_scene
from samples.junction.scenario import Scene
from samples.junction.suite import PHOTOGRAPHS, SEED, evaluation_set

OUT = Path("var/eval-signals.json")
TABLE_COLUMNS = 160
SCENES = Path("var/eval-signals")
"""What became of each scene: read again with --keep."""
QUICK = ("fault-slow-00", "fault-slow-05", "fault-middle-01", "fault-quick-02", "calm-quick-05")
"""About a minute on two quiet cores."""


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: every target holds or is left open; 1: one is missed; 2: wrong usage."""
    arguments = _parser().parse_args(argv)
    photographs = PHOTOGRAPHS if PHOTOGRAPHS.is_dir() and not arguments.no_photographs else None
    everything = evaluation_set(SEED, photographs)
    scenes = _chosen(everything, arguments)
    # A file or a pipe has no width: a table cut to 80 columns hides its figures.
    console = Console() if sys.stdout.isatty() else Console(width=TABLE_COLUMNS)
    if not scenes:
        console.print(f"found no scene called {arguments.only}, expected part of a name such as fault-slow-03-dusk")
        return 2
    results = _run(scenes, photographs, arguments.jobs, keep=arguments.keep)
    judged = Judged()
    for scene in scenes:
        one = judge(scene, results[scene.name])
        judged.answered += one.answered
        judged.others += one.others
    rows = rows_of(judged, [results[scene.name] for scene in scenes])
    out = OUT.with_stem(OUT.stem + "-part") if len(scenes) < len(everything) else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps([row.model_dump(mode="json") for row in rows], indent=1), encoding="utf-8")
    console.print(_table(rows))
    for row in rows:
        if row.note:
            _say(console, f"{row.name}: {row.note}")
    _tell_troubles(console, judged)
    plot(judged, out.with_suffix(".png"))
    console.print(f"{out}, {out.with_suffix('.png')}; {len(scenes)} scenes, photographs: {photographs or 'none'}")
    return 1 if any(row.ok is False for row in rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m samples.junction.evaluate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"only {', '.join(QUICK)}: about a minute")
    parser.add_argument("--only", action="append", default=[], metavar="SCENE", help="scenes whose name holds this")
    parser.add_argument("--part", metavar="K/N", help="every Nth scene, beginning with the Kth (from 0)")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--keep", action="store_true", help="scenes that were judged before are not judged again")
    parser.add_argument("--no-photographs", action="store_true", help="only backgrounds that the project makes")
    return parser


def _chosen(scenes: Sequence[Scene], arguments: argparse.Namespace) -> list[Scene]:
    wanted = [*arguments.only, *(QUICK if arguments.quick else ())]
    chosen = [scene for scene in scenes if not wanted or any(part in scene.name for part in wanted)]
    if arguments.part:
        first, step = (int(number) for number in arguments.part.split("/"))
        chosen = chosen[first::step]
    return chosen


def _run(scenes: Sequence[Scene], photographs: Path | None, jobs: int, *, keep: bool) -> dict[str, SceneResult]:
    SCENES.mkdir(parents=True, exist_ok=True)
    results: dict[str, SceneResult] = {}
    left = []
    for scene in scenes:
        known = _known(scene) if keep else None
        if known is None:
            left.append(scene)
        else:
            results[scene.name] = known
    left.sort(key=lambda scene: -scene.seconds * scene.fps)  # the longest first, so that the cores end together
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"),
               TimeElapsedColumn(), TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("judging", total=sum(scene.seconds * scene.fps for scene in left) or 1)
        for scene, result in _results(left, photographs, jobs):
            results[scene.name] = result
            (SCENES / f"{scene.name}.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
            progress.update(task, advance=scene.seconds * scene.fps, description=scene.name)
    return results


def _known(scene: Scene) -> SceneResult | None:
    """What became of the scene in an earlier run, if it was this very scene."""
    path = SCENES / f"{scene.name}.json"
    if not path.is_file():
        return None
    result = SceneResult.model_validate_json(path.read_text(encoding="utf-8"))
    return result if result.recipe == recipe_of(scene) else None


def _results(scenes: Sequence[Scene], photographs: Path | None, jobs: int) -> Iterator[tuple[Scene, SceneResult]]:
    if jobs <= 1:
        _alone()
        for scene in scenes:
            yield scene, run_scene(scene, photographs)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_alone) as pool:
        futures = {pool.submit(run_scene, scene, photographs): scene for scene in scenes}
        for future in as_completed(futures):
            yield futures[future], future.result()


def _alone() -> None:
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
        if answer.said is None:
            fault = answer.fault
            _say(
                console,
                f"missed {answer.scene}: {fault.kind.value} {','.join(fault.heads)} "
                f"{fault.start_seconds:.0f}-{fault.end_seconds:.0f} s {fault.lamp if fault.lamp is not None else ''}",
            )
    for other in judged.others:
        said = other.said
        _say(
            console,
            f"{other.verdict.value} {other.scene}: {said.hazard} {','.join(said.heads)} at {said.raised:.0f} s "
            f"(from {said.started:.0f}) {other.truth} {said.hidden or ''}",
        )


if __name__ == "__main__":
    sys.exit(main())
