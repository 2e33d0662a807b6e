"""What a model's own training loop is given, where ultralytics' loop does not do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol, cast

from models.datasets.duplicates import Progress
from models.datasets.reading import Box, Labelled, read_picture
from models.training.errors import RecipeError
from models.training.recipe import Setting

Tell = Callable[[str], None]
Report = Callable[[str], Progress]
"""Called with what begins; gives what is told how far it is."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What trains. `device`: `auto` (a graphics processor if there is one), `cpu`, or its number."""

    device: str = "auto"
    threads: int = 1
    workers: int = 2
    """Processes that prepare pictures, on graphics processors; the CPU's trainer takes none."""


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told of progress. `batches`: the batches done, and all of them."""

    tell: Tell
    report: Report
    batches: Progress


@dataclass(frozen=True, slots=True)
class Example:
    """A picture of a round. `unsure`: areas that count neither way."""

    picture: Labelled
    group: str
    weight: float
    unsure: tuple[Box, ...] = ()


@dataclass(frozen=True, slots=True)
class Order:
    """A round, ready to be trained by a function of the model's own.

    `rows`: a JSON line a picture: `path`, `boxes` and `unsure` ([label's index, left, top, right, bottom], pixels),
    `group`, `weight`. `place`: the round's folder; the loop keeps its own state there and goes on from it.
    """

    labels: Sequence[str]
    architecture: str
    side_px: int
    rows: Path
    shares: Mapping[str, float]
    steps: int
    batch: int
    seed: int
    settings: Mapping[str, Setting]
    arrays: Path | None
    """A file of arrays to start from; None: random, or `before`."""
    before: Path | None
    """The checkpoint of the round that this one starts from."""
    place: Path
    machine: Machine
    hooks: Hooks


class Trainer(Protocol):
    """What `trainer: module:function` names."""

    def __call__(self, order: Order) -> Path:
        """Trains, or goes on, and gives the checkpoint: a `torch.save` of a mapping with the state to export in `ema`
        (tensors by name)."""


def find_trainer(name: str) -> Trainer:
    """The function that `module:function` names.

    Raises:
        RecipeError: there is none.
    """
    module, function = name.split(":")
    try:
        found = getattr(import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise RecipeError(f"trainer: found {name!r}, expected a module that can be imported: {error}") from error
    if not callable(found):
        raise RecipeError(f"trainer: found {name!r}, expected a function of {module}")
    return cast(Trainer, found)


def write_rows(path: Path, examples: Sequence[Example], labels: Sequence[str]) -> None:
    """Writes what a loop of a model's own reads.

    Raises:
        DataError: a picture cannot be read.
    """
    with path.open("w", encoding="utf-8") as lines:
        for example in examples:
            height, width = read_picture(example.picture.path).shape[:2]
            row = {
                "path": str(example.picture.path.absolute()),
                "boxes": _pixels(example.picture.boxes or (), labels, width, height),
                "unsure": _pixels(example.unsure, labels, width, height),
                "group": example.group,
                "weight": example.weight,
            }
            lines.write(json.dumps(row) + "\n")


def _pixels(boxes: Sequence[Box], labels: Sequence[str], width: int, height: int) -> list[list[float]]:
    kept = [box for box in boxes if box.label in labels]
    return [
        [
            list(labels).index(box.label),
            round(box.left * width, 2),
            round(box.top * height, 2),
            round(box.right * width, 2),
            round(box.bottom * height, 2),
        ]
        for box in kept
    ]
