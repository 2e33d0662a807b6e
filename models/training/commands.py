"""`gridsentry-models train | export | quantise | eval | card | data | duplicates`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.datasets.duplicates import across, groups_of, looks_of
from models.datasets.errors import DataError
from models.datasets.manifest import HERE, read_manifest
from models.datasets.reading import Selection, digest_of, select
from models.training.errors import RecipeError, TrainingError
from models.training.gathering import Places
from models.training.orders import Hooks, Machine
from models.training.recipe import Recipe, Sized, find_recipe, read_recipe

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2
DEFAULT_DATA = Path("../shared/data")
"""Where a checkout's neighbours keep the sets; `--data` says otherwise."""

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe.yaml, or the name of a model of ours.")]
DataOption = Annotated[Path, typer.Option("--data", envvar="GRIDSENTRY_DATA", help="The folder of the data sets.")]
WorkOption = Annotated[Path | None, typer.Option("--work", help="Where state is kept: var/models/NAME.")]

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def add_commands(app: typer.Typer) -> None:
    """Adds the commands that make models."""
    app.command("train")(train_command)
    app.command("export")(export_command)
    app.command("data")(data_command)
    app.command("duplicates")(duplicates_command)


def train_command(
    recipe: RecipeArgument,
    round_name: Annotated[str | None, typer.Option("--round", help="Which round; default: the exported one.")] = None,
    data: DataOption = DEFAULT_DATA,
    work: WorkOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu, or the number of a graphics processor.")] = "auto",
    threads: Annotated[int, typer.Option(min=1, max=256, help="Of the CPU.")] = 1,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what was trained of this round.")] = False,
) -> None:
    """Trains a round of a recipe, and those before it. Stop it when you like: the same command goes on."""
    with _faults():
        plan, places = _open(recipe, data, work)
        from models.training.train import train

        with _bar() as bar:
            task = bar.add_task("training", total=None)
            hooks = Hooks(_tell(bar), _report(bar), lambda done, all_: bar.update(task, completed=done, total=all_))
            checkpoint = train(plan, round_name, places, Machine(device, threads), hooks, fresh=fresh)
        _out.print(f"{checkpoint}", markup=False, emoji=False, soft_wrap=True)


def export_command(
    recipe: RecipeArgument,
    checkpoint: Annotated[Path | None, typer.Option(help="Another checkpoint than the recipe's round.")] = None,
    data: DataOption = DEFAULT_DATA,
    work: WorkOption = None,
) -> None:
    """Writes the ONNX file of a trained round and proves that it gives what the framework gives."""
    with _faults():
        plan, places = _open(recipe, data, work)
        from models.training.export import export
        from models.training.train import trained

        pictures = [picture for sized in plan.round(None).check for picture in _select(sized, places).pictures]
        done = export(plan, checkpoint or trained(plan, plan.export.round, places), places, pictures)
        _out.print(
            f"{done.path}: {done.size_bytes} bytes, sha256 {done.sha256}", markup=False, emoji=False, soft_wrap=True
        )
        share = f"{100 * done.parity.worst:.1f} % of what is allowed"
        _out.print(f"parity on {done.parity.pictures} pictures: off by at most {done.parity.largest:.3g}, {share}")


def data_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="SET", help="Names of sets; default: all here.")] = None,
    data: DataOption = DEFAULT_DATA,
    digest: Annotated[bool, typer.Option("--digest", help="Print digests, to be written into the manifest.")] = False,
) -> None:
    """Shows data sets: licence, pictures, scenes, boxes of each split."""
    with _faults():
        table = Table("set", "licence", "permits", "pictures", "scenes", "boxes", "without any")
        digests = []
        for name in names or sorted(path.stem for path in HERE.glob("*.yaml")):
            for split in read_manifest(HERE / f"{name}.yaml").splits:
                chosen = select(name, split, data)
                table.add_row(chosen.title, chosen.manifest.licence, chosen.manifest.permits, *_counts(chosen))
                if digest:
                    files = [picture.path for picture in chosen.pictures]
                    digests.append(f"{chosen.title} digest: {digest_of(files, data / chosen.manifest.folder)}")
        _out.print(table)
        for line in digests:
            _out.print(line, soft_wrap=True)


def _counts(chosen: Selection) -> tuple[str, ...]:
    boxes = dict.fromkeys(chosen.manifest.labels, 0)
    for picture in chosen.pictures:
        for box in picture.boxes or ():
            boxes[box.label] += 1
    empty = sum(picture.present == frozenset() for picture in chosen.pictures)
    scenes = len({picture.scene for picture in chosen.pictures})
    known = any(picture.boxes is not None for picture in chosen.pictures)
    told = ", ".join(f"{count} {label}" for label, count in boxes.items()) if known else "not drawn"
    return str(len(chosen.pictures)), str(scenes), told, str(empty)


def duplicates_command(
    names: Annotated[list[str], typer.Argument(metavar="SET:SPLIT...", help="Two or more splits, of any sets.")],
    data: DataOption = DEFAULT_DATA,
    thorough: Annotated[bool, typer.Option("--thorough", help="Compare all pairs by features: hours if many.")] = False,
    within: Annotated[bool, typer.Option("--within", help="Also pictures of one split with each other.")] = False,
    groups: Annotated[
        Path | None, typer.Option("--groups", help="Write a CSV picture,scene for manifests; implies --within.")
    ] = None,
) -> None:
    """Names pictures that show one scene and straddle splits; ends with 1 if there are any."""
    with _faults():
        chosen = [_select(Sized(set=name, split=split), Places(HERE, data, HERE)) for name, split in _pairs(names)]
        with _bar() as bar:
            looks = []
            for selection in chosen:
                made = looks_of(selection.pictures, _report(bar)(f"looking at {selection.title}"))
                looks.append([(picture.name, look) for picture, look in zip(selection.pictures, made, strict=True)])
            found, inner = [], []
            for index, first in enumerate(looks):
                for second in looks[index + 1 :]:
                    found += across(first, second, thorough=thorough)
                if within or groups is not None:
                    inner += across(first, first, thorough=thorough)
        for twins in found:
            _out.print(f"{twins.first}\n  {twins.second}\n  {twins.why}", markup=False, emoji=False, soft_wrap=True)
        total = sum(len(selection.pictures) for selection in chosen)
        apart = "no pair straddles" if not found else f"{len(found)} pairs straddle"
        _out.print(f"{total} pictures of {len(chosen)} splits: {apart}", markup=False, emoji=False)
        if within or groups is not None:
            pairs = {tuple(sorted((twins.first, twins.second))) for twins in inner}
            _out.print(f"{len(pairs)} pairs within splits", markup=False, emoji=False)
        if groups is not None:
            pictures = [picture for selection in chosen for picture in selection.pictures]
            scenes = groups_of(
                [picture.name for picture in pictures],
                [*found, *inner],
                {picture.name: f"{picture.name.split('/')[0]}/{picture.scene}" for picture in pictures},
            )
            with groups.open("w", encoding="utf-8", newline="") as lines:
                writer = csv.writer(lines, lineterminator="\n")
                writer.writerow(("picture", "scene"))
                writer.writerows(sorted(scenes.items()))
    if found:
        sys.exit(FOUND_A_PROBLEM)


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        parts = name.split(":")
        if len(parts) != 2:
            raise RecipeError(f"found {name!r}, expected SET:SPLIT, such as fire_cctv:train")
        yield parts[0], parts[1]


def _select(sized: Sized, places: Places) -> Selection:
    return select(sized.set, sized.split, places.data, places.folder)


def _open(target: str, data: Path, work: Path | None) -> tuple[Recipe, Places]:
    path = find_recipe(target)
    recipe = read_recipe(path)
    return recipe, Places(path.parent, data, work or Path("var/models") / recipe.name)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=_err, transient=True)


def _tell(bar: Progress) -> Callable[[str], None]:
    return lambda text: bar.console.print(text, markup=False, emoji=False, soft_wrap=True)


def _report(bar: Progress) -> Callable[[str], Callable[[int, int], None]]:
    def begin(text: str) -> Callable[[int, int], None]:
        task: TaskID = bar.add_task(text, total=None)
        return lambda done, total: bar.update(task, completed=done, total=total, visible=done < total)

    return begin


@contextmanager
def _faults() -> Iterator[None]:
    """Expected errors become one clear message: 2 for what was asked wrongly, 1 for what did not work out."""
    try:
        yield
    except (RecipeError, DataError) as error:
        _end(str(error), WRONG_USAGE)
    except TrainingError as error:
        _end(str(error), FOUND_A_PROBLEM)


def _end(text: str, code: int) -> NoReturn:
    _err.print(f"error: {text}", markup=False, emoji=False)
    sys.exit(code)
