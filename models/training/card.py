"""A model's card: what it is for, made of, how good, how it fails. Written from recipe, manifests and figures alone.

What the recipe does not say cannot be on the card, so the card is never ahead of what can be made again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from models.datasets.manifest import Manifest, Permits, find_manifest, read_manifest
from models.registry import ModelRow, WeightsFile
from models.training.errors import RecipeError
from models.training.metrics import wilson
from models.training.recipe import Ingredient, Recipe, Round

MARK = "<!-- Made by `gridsentry-models card {name}` from recipe.yaml, figures.json and the registry: change those. -->"
FAILURES = "failures"
"""The folder beside the card whose pictures are shown; only pictures that the project made itself may be there."""
APART = (
    "No picture of these sets is in this repository. What is trained on and what is measured on never show the same "
    "scene: `train` refuses it by manifest, `gridsentry-models duplicates` looks for the rest."
)
MEANING = (
    "AP50: average precision at an overlap of 0.5, as COCO counts it. Whole pictures: one that shows something is hit, "
    "one that shows nothing is false, if any box has that score; 95 % intervals after Wilson as if pictures were "
    "independent, which those of one scene are not."
)


def card(name: str, recipe: Recipe, row: ModelRow | None, figures: Mapping[str, Any], folder: Path) -> str:
    """The card as Markdown.

    Args:
        name: of the model.
        recipe: what it is made of.
        row: of the registry; None before there is one.
        figures: as `models.training.evaluate.read_figures` gives them, by precision or round.
        folder: the model's, where pictures of failures may lie.

    Raises:
        DataError: a manifest that the recipe names is not there.
        RecipeError: a note that it names is not there.
    """
    parts = [
        [f"# {name}" + (f": {row.title.en}" if row is not None else ""), "", MARK.format(name=name)],
        _files(row),
        ["## For", "", recipe.card.intended],
        _data(recipe, folder),
        _recipe(recipe, name),
        _figures(recipe, row, figures, name),
        *(_note(folder / note) for note in recipe.card.notes),
        ["## Limits", "", *(f"- {limit}" for limit in recipe.card.limits)],
        _failures(folder),
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _files(row: ModelRow | None) -> list[str]:
    if row is None:
        return []
    lines = [
        f"Version {row.version}, licence {row.licence}.",
        "",
        "| file | size | sha256 | loses |",
        "|---|---|---|---|",
    ]
    return [*lines, *(_file(file) for file in row.files)]


def _file(file: WeightsFile) -> str:
    size = "" if file.bytes is None else f"{file.bytes / 1e6:.2f} MB"
    loss = "" if file.loss is None else f"{file.loss.points:g} points of {file.loss.metric}"
    return f"| `{file.path or file.published_name}`, {file.precision} | {size} | `{file.sha256}` | {loss} |"


def _note(path: Path) -> list[str]:
    try:
        return [path.read_text(encoding="utf-8").strip()]
    except OSError as error:
        raise RecipeError(f"card.notes: {path}: cannot be read: {error.strerror or error}") from error


def _data(recipe: Recipe, folder: Path) -> list[str]:
    trained = {item.set for one in recipe.rounds for item in one.data if item.set is not None}
    trained |= {sized.set for one in recipe.rounds for item in one.data for sized in item.backgrounds}
    tested = {sized.set for sized in recipe.evaluate} | {sized.set for one in recipe.rounds for sized in one.check}
    lines = ["## Data and credits", ""]
    for name in sorted(trained | tested):
        manifest = read_manifest(find_manifest(name, folder))
        use = "trained on" if name in trained else "only measured on"
        lines.append(f"- **{name}**, {use}: {manifest.title}. {_credit(manifest)}")
    made = sorted({item.made for one in recipe.rounds for item in one.data if item.made is not None})
    lines += [f"- Made by the project: `{function}`." for function in made]
    credits_ = sorted({one.start.credit for one in recipe.rounds if one.start.credit})
    lines += [f"- Started from: {credit}." for credit in credits_]
    if recipe.card.licence:
        lines += ["", recipe.card.licence]
    lines += ["", APART]
    return lines


def _credit(manifest: Manifest) -> str:
    licence = manifest.licence if manifest.permits is Permits.TRAINING else f"licence: {manifest.licence}"
    credit = f"{manifest.credit}; " if manifest.credit else ""
    return f"{credit}{manifest.source} ({licence})"


def _recipe(recipe: Recipe, name: str) -> list[str]:
    size = f"{recipe.input.width} × {recipe.input.height}"
    steps = ("train", "export", *(("quantise",) if recipe.quantise is not None else ()))
    lines = [
        "## Recipe", "",
        *(f"    gridsentry-models {step} {name}" for step in steps), "",
        f"{recipe.architecture.removesuffix('.yaml')} at {size}, labels {', '.join(recipe.labels)}; "
        f"exported is the round `{recipe.export.round}`.", "",
        "| round | from | pictures | steps | what it changes |", "|---|---|---|---|---|",
    ]  # fmt: skip
    return [*lines, *(_round(one) for one in recipe.rounds)]


def _round(one: Round) -> str:
    start = one.start.round or (Path(one.start.weights).name if one.start.weights else "nothing")
    length = f"{one.epochs} epochs of {one.batch}" if one.epochs else f"{one.steps} of {one.batch}"
    return (
        f"| {one.name} | {start} | {'<br>'.join(map(_ingredient, one.data))} | {length}, seed {one.seed} | {one.note} |"
    )


def _ingredient(item: Ingredient) -> str:
    parts = [item.title.split(":")[-1] if item.made else item.title]
    if item.repeat > 1:
        parts.append(f"{item.repeat} times")
    if item.boxes is not None:
        parts.append(f"boxes of `{item.boxes}` from {item.min_score:g} on" + (", added" if item.mix else ""))
    return ", ".join(parts) + (f" ({item.why})" if item.why else "")


def _figures(recipe: Recipe, row: ModelRow | None, figures: Mapping[str, Any], name: str) -> list[str]:
    if not figures:
        return []
    lines = ["## Figures", "", f"    gridsentry-models eval {name} --keep f32", ""]
    for key, one in figures.items():
        lines += [
            f"**{key}** (`{one['sha256'][:12]}`, {one['ms']:g} ms of one core a picture where it was measured)",
            "",
        ]
        lines += [*_table(one["sets"]), ""]
    lines.append(MEANING)
    if row is not None and row.figures:
        lines += ["", "| figure | value | machine | command |", "|---|---|---|---|"]
        lines += [f"| {one.name} | {one.value:g} {one.unit} | {one.machine} | `{one.command}` |" for one in row.figures]
    return lines


def _table(sets: Sequence[Mapping[str, Any]]) -> list[str]:
    scores = [point["score"] for point in sets[0]["points"]] if sets else []
    lines = [
        "| set | AP50 | " + " | ".join(f"≥ {score:g}" for score in scores) + " |",
        "|---" * (len(scores) + 2) + "|",
    ]
    for one in sets:
        precision = ", ".join(f"{label} {value:.2f}" for label, value in one["ap50"].items()) or "–"
        lines.append(f"| {one['title']} | {precision} | " + " | ".join(_cells(one)) + " |")
    return lines


def _cells(one: Mapping[str, Any]) -> Iterable[str]:
    for point in one["points"]:
        told = []
        if one["showing"]:
            told.append(f"hit {_share(point['hits'], one['showing'])}")
        if one["empty"]:
            told.append(f"false {_share(point['false'], one['empty'])}")
        yield "<br>".join(told)


def _share(count: int, total: int) -> str:
    low, high = wilson(count, total)
    return f"{count}/{total} [{low:.2f}, {high:.2f}]"


def _failures(folder: Path) -> list[str]:
    shown = sorted((folder / FAILURES).glob("*.jpg"))
    if not shown:
        return []
    lines = [
        "## How it fails",
        "",
        "Green is what is there, red what the model says. Pictures made by the project.",
        "",
    ]
    return [*lines, *(f"![{path.stem}]({path.parent.name}/{path.name})" for path in shown)]
