"""`gridsentry-models train | export | quantise | eval | card | data | duplicates`."""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from models.datasets.errors import DataError
from models.datasets.manifest import HERE, find_manifest, read_manifest
from models.training.choosing import FIGURES, TRAINED_FORMAT, choose
from models.training.errors import RecipeError, TrainingError
from models.training.recipe import Places, Recipe, Sized, find_recipe, read_recipe

# numpy and OpenCV come with the extra `edge`: commands that only read the registry must do without.
if TYPE_CHECKING:
    from models.datasets.reading import Selection
    from models.training.evaluate import Figures

FOUND_A_PROBLEM = 1
WRONG_USAGE = 2
DEFAULT_DATA = Path("../shared/data")
"""Where a checkout's neighbours keep the sets; `--data` says otherwise."""

RecipeArgument = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe.yaml, or the name of a model of ours.")]
DataOption = Annotated[Path, typer.Option("--data", envvar="GRIDSENTRY_DATA", help="The folder of the data sets.")]
BesideOption = Annotated[
    str | None, typer.Option("--recipe", metavar="RECIPE", help="Manifests beside this recipe come first.")
]
WorkOption = Annotated[Path | None, typer.Option("--work", help="Where state is kept: var/models/NAME.")]

_out = Console(highlight=False)
_err = Console(stderr=True, highlight=False, soft_wrap=True)


def add_commands(app: typer.Typer) -> None:
    """Adds the commands that make models."""
    app.command("train")(train_command)
    app.command("export")(export_command)
    app.command("quantise")(quantise_command)
    app.command("eval")(eval_command)
    app.command("card")(card_command)
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
        from models.training.orders import Hooks, Machine
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
        from models.training.train import needs_library, trained

        needs_library()
        pictures = [picture for sized in plan.round(None).check for picture in _select(sized, places).pictures]
        done = export(plan, checkpoint or trained(plan, plan.export.round, places), places, pictures)
        _out.print(
            f"{done.path}: {done.size_bytes} bytes, sha256 {done.sha256}", markup=False, emoji=False, soft_wrap=True
        )
        share = f"{100 * done.parity.worst:.1f} % of what is allowed"
        _out.print(f"parity on {done.parity.pictures} pictures: off by at most {done.parity.largest:.3g}, {share}")


def quantise_command(recipe: RecipeArgument, data: DataOption = DEFAULT_DATA, work: WorkOption = None) -> None:
    """Writes the INT8 file, and measures on the pictures of `check` what it loses against the f32 file."""
    with _faults():
        plan, places = _open(recipe, data, work)
        if plan.quantise is None:
            raise RecipeError(f"{recipe}: found no quantise, expected one: it says what is calibrated with")
        from models.training.asking import Asked, Asker
        from models.training.evaluate import evaluate
        from models.training.quantise import chosen_pictures, quantise

        source, target = places.folder / plan.export.file, places.folder / plan.quantise.file
        asker = Asker(Asked(source, TRAINED_FORMAT, plan.labels))
        known = [picture for sized in plan.quantise.calibration for picture in _select(sized, places).pictures]
        pictures = chosen_pictures(known, plan.quantise.pictures)
        with _bar() as bar:
            done = quantise(plan.quantise, source, target, asker, pictures, _report(bar)("calibrating"))
            checks = [_select(sized, places) for sized in plan.round(None).check]
            before = evaluate(asker, checks, plan.labels, _report(bar))
            after = evaluate(Asker(Asked(target, TRAINED_FORMAT, plan.labels)), checks, plan.labels, _report(bar))
        whole, all_ = done.convolutions
        _say(f"{done.path}: {done.size_bytes} bytes, sha256 {done.sha256}")
        _say(f"{whole} of {all_} convolutions in whole numbers, calibrated with {done.pictures} pictures")
        _say(loss_row(before, after))


def loss_row(before: Figures, after: Figures) -> str:
    """What is written into the registry's row, and what it comes from."""
    pairs = [(one.map50, two.map50) for one, two in zip(before.sets, after.sets, strict=True)]
    known = [(one, two) for one, two in pairs if one is not None and two is not None]
    if not known:
        raise RecipeError("check: found no set with boxes, expected one to measure the loss with")
    one, two = (sum(values) / len(known) for values in zip(*known, strict=True))
    row = f"loss: {{metric: mAP50, points: {100 * (one - two):.1f}}}"
    return f"{row} # {one:.3f} in f32, {two:.3f} in int8; {before.ms:.1f} and {after.ms:.1f} ms of one core a picture"


def eval_command(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    target: Annotated[str, typer.Argument(metavar="MODEL|RECIPE|FILE", help="A row, a recipe, or an ONNX file.")],
    on: Annotated[list[str] | None, typer.Option("--on", help="SET:SPLIT; default: what the recipe names.")] = None,
    precision: Annotated[str, typer.Option(help="f32 or int8, of a row.")] = "f32",
    store: Annotated[Path | None, typer.Option("--store", "-s", help="Where fetched models lie.")] = None,
    model_format: Annotated[str, typer.Option("--format", help="Of a file that no row describes.")] = TRAINED_FORMAT,
    labels: Annotated[str, typer.Option(help="Of such a file: names, with commas between.")] = "",
    keep: Annotated[str | None, typer.Option(help="Keep the figures under this name in figures.json.")] = None,
    failures: Annotated[Path | None, typer.Option(help="Draw the worst mistakes into this folder.")] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Measures a model on sets of pictures: average precision by label, whole pictures at several scores."""
    with _faults():
        chosen = choose(target, precision, store, model_format, tuple(labels.split(",")) if labels else ())
        names = on or [f"{sized.set}:{sized.split}" for sized in chosen.evaluate]
        if not names:
            raise RecipeError("found nothing to measure on, expected --on SET:SPLIT")
        places = Places(chosen.folder, data, chosen.folder)
        selections = [_select(Sized(set=name, split=split), places) for name, split in _pairs(names)]
        from models.training.asking import Asker
        from models.training.evaluate import evaluate, write_figures
        from models.training.failures import Gallery

        gallery = Gallery(failures) if failures is not None else None
        with _bar() as bar:
            figures = evaluate(Asker(chosen.asked), selections, chosen.wanted(selections), _report(bar), gallery)
        # Not narrower, into a file or a pipe either: cut words are no figures.
        Console(highlight=False, width=max(_out.width, 160)).print(_table(figures))
        _say(f"{chosen.asked.path}: {figures.bytes} bytes, {figures.ms} ms of one core a picture here")
        if gallery is not None:
            _say(f"{len(gallery.drawn)} mistakes drawn into {failures}")
        if keep is not None:
            write_figures(chosen.folder / FIGURES, keep, figures)


def card_command(
    recipe: RecipeArgument,
    check: Annotated[bool, typer.Option("--check", help="Only say whether the card is up to date.")] = False,
    failures: Annotated[
        bool, typer.Option("--failures", help="Draw the worst mistakes on made pictures anew.")
    ] = False,
    data: DataOption = DEFAULT_DATA,
    work: WorkOption = None,
) -> None:
    """Writes card.md beside a recipe, from recipe, manifests, figures and the registry."""
    with _faults():
        path = find_recipe(recipe)
        plan = read_recipe(path)
        from models.registry import load
        from models.training.card import card
        from models.training.evaluate import read_figures

        kept = path.parent / FIGURES
        figures = read_figures(kept) if kept.is_file() else {}
        if failures and not check:
            _draw_failures(plan, Places(path.parent, data, work or Path("var/models") / plan.name))
        text = card(plan.name, plan, load().models.get(plan.name), figures, path.parent)
        target = path.parent / "card.md"
        if check:
            if not target.is_file() or target.read_text(encoding="utf-8") != text:
                raise TrainingError(f"{target}: is not what recipe and figures say; gridsentry-models card {recipe}")
            _say(f"{target}: up to date")
            return
        target.write_text(text, encoding="utf-8")
        _say(f"{target}: written")


def _draw_failures(plan: Recipe, places: Places) -> None:
    if plan.card.failures is None:
        raise RecipeError("card.failures: found none, expected made pictures to look for mistakes on")
    from models.training.asking import Asked, Asker
    from models.training.card import FAILURES
    from models.training.evaluate import evaluate
    from models.training.failures import Gallery
    from models.training.gathering import made_selection

    gallery = Gallery(places.folder / FAILURES, each=8)
    with _bar() as bar:
        selection = made_selection(plan, plan.card.failures, places, _report(bar))
        asker = Asker(Asked(places.folder / plan.export.file, TRAINED_FORMAT, plan.labels))
        figures = evaluate(asker, [selection], plan.labels, _report(bar), gallery)
    _out.print(_table(figures))


def _table(figures: Figures) -> Table:
    table = Table("set", "pictures", "AP50", *(f"≥ {point.score:g}" for point in figures.sets[0].points))
    for one in figures.sets:
        precision = "\n".join(f"{label} {value:.3f}" for label, value in one.ap50.items()) or "–"
        cells = []
        for point in one.points:
            lines = [f"{point.hits}/{one.showing} hit"] if one.showing else []
            lines += [f"{point.false}/{one.empty} false"] if one.empty else []
            cells.append("\n".join(lines))
        table.add_row(one.title, str(one.pictures), precision, *cells)
    return table


def data_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="SET", help="Names of sets; default: all here.")] = None,
    data: DataOption = DEFAULT_DATA,
    recipe: BesideOption = None,
    digest: Annotated[bool, typer.Option("--digest", help="Print digests, to be written into the manifest.")] = False,
) -> None:
    """Shows data sets: licence, pictures, scenes, boxes of each split."""
    with _faults():
        from models.datasets.reading import digest_of, select

        table = Table("set", "licence", "permits", "pictures", "scenes", "boxes", "without any")
        digests = []
        beside = _beside(recipe)
        for name in names or sorted(path.stem for path in HERE.glob("*.yaml")):
            for split in read_manifest(find_manifest(name, beside)).splits:
                chosen = select(name, split, data, beside)
                table.add_row(chosen.title, chosen.manifest.licence, chosen.manifest.permits, *_counts(chosen))
                if digest:
                    files = [picture.path for picture in chosen.pictures]
                    digests.append(f"{chosen.title} digest: {digest_of(files, data / chosen.manifest.folder)}")
        Console(highlight=False, width=max(_out.width, 110)).print(table)
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
    recipe: BesideOption = None,
    thorough: Annotated[bool, typer.Option("--thorough", help="Compare all pairs by features: hours if many.")] = False,
    within: Annotated[bool, typer.Option("--within", help="Also pictures of one split with each other.")] = False,
    groups: Annotated[
        Path | None, typer.Option("--groups", help="Write a CSV picture,scene for manifests; implies --within.")
    ] = None,
) -> None:
    """Names pictures that show one scene and straddle splits; ends with 1 if there are any."""
    with _faults():
        from models.datasets.duplicates import across, groups_of, looks_of

        places = Places(_beside(recipe), data, HERE)
        chosen = [_select(Sized(set=name, split=split), places) for name, split in _pairs(names)]
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


def _say(text: str) -> None:
    _out.print(text, markup=False, emoji=False, soft_wrap=True)


def _pairs(names: list[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        parts = name.split(":")
        if len(parts) != 2:
            raise RecipeError(f"found {name!r}, expected SET:SPLIT, such as fire_cctv:train")
        yield parts[0], parts[1]


def _select(sized: Sized, places: Places) -> Selection:
    from models.datasets.reading import select

    return select(sized.set, sized.split, places.data, places.folder)


def _beside(recipe: str | None) -> Path:
    return find_recipe(recipe).parent if recipe is not None else HERE


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
