"""Which file is measured: a row of the registry, what a recipe makes, or any file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from models.registry import Precision, load, onnx_path
from models.training.errors import RecipeError, TrainingError
from models.training.recipe import Sized, read_recipe

if TYPE_CHECKING:
    from models.datasets.reading import Selection
    from models.training.asking import Asked

TRAINED_FORMAT = "yolov8"
"""What ultralytics' heads give when they are exported (`edge.config.inference.ModelFormat`)."""
FIGURES = "figures.json"
"""Beside a recipe: what was measured, by precision or round."""
HOUSE = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Chosen:
    """A file, where its figures are kept, and what it is measured on."""

    asked: Asked
    folder: Path
    evaluate: tuple[Sized, ...]

    def wanted(self, selections: Sequence[Selection]) -> tuple[str, ...]:
        """Labels that count: those that both the model and the sets know.

        Raises:
            RecipeError: there are none.
        """
        drawn = {label for selection in selections for label in selection.manifest.labels}
        both = tuple(label for label in self.asked.labels if label in drawn)
        if not both:
            own, theirs = ", ".join(self.asked.labels[:8]), ", ".join(sorted(drawn))
            raise RecipeError(f"found labels {own} of the model and {theirs} of the sets, expected some in common")
        return both


def choose(target: str, precision: str, store: Path | None, model_format: str, labels: tuple[str, ...]) -> Chosen:
    """Finds what is meant.

    Raises:
        RecipeError: nothing is called so, or a field that it needs is missing.
        TrainingError: the file is not there.
        RegistryError: the registry cannot be read, or has no file of that precision.
    """
    from models.training.asking import Asked

    path = Path(target)
    if path.suffix == ".onnx":
        if not labels:
            raise RecipeError(f"{path}: found no --labels, expected the names of its classes in their order")
        return Chosen(Asked(_there(path, "is it the right path?"), model_format, labels), path.parent, ())
    if path.is_file():
        recipe = read_recipe(path)
        if precision == Precision.INT8 and recipe.quantise is None:
            raise RecipeError(f"{path}: found no quantise, expected one for --precision int8")
        int8 = recipe.quantise if precision == Precision.INT8 else None
        file = path.parent / (int8.file if int8 is not None else recipe.export.file)
        step = "quantise" if int8 is not None else "export"
        asked = Asked(_there(file, f"gridsentry-models {step} {path}"), TRAINED_FORMAT, recipe.labels)
        return Chosen(asked, path.parent, recipe.evaluate)
    row = load().row(target)
    if precision not in set(Precision):
        raise RecipeError(f"--precision: found {precision!r}, expected one of {', '.join(Precision)}")
    entry = row.file(Precision(precision))
    if entry.path is None and store is None:
        raise RecipeError(
            f"{target}: is fetched, not installed; expected --store FOLDER (gridsentry-models fetch {target})"
        )
    file = _there(onnx_path(store or HOUSE, target, row, entry), f"gridsentry-models fetch {target}")
    size = (row.input.width, row.input.height) if row.input is not None else None
    own = HOUSE / target
    sized = read_recipe(own / "recipe.yaml").evaluate if (own / "recipe.yaml").is_file() else ()
    asked = Asked(file, row.format, tuple(row.labels), size, None if entry.export is not None else entry.sha256)
    return Chosen(asked, own if own.is_dir() else file.parent, sized)


def _there(path: Path, otherwise: str) -> Path:
    if not path.is_file():
        raise TrainingError(f"{path}: is not there; {otherwise}")
    return path
