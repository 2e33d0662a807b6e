"""Pictures that the project makes itself, kept in the work folder: made once, the same for the same seed."""

from __future__ import annotations

import hashlib
import importlib
import inspect
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.duplicates import Progress
from models.datasets.reading import Box, Labelled, read_boxes
from models.training.errors import RecipeError
from models.training.recipe import Ingredient, Setting

JPEG_QUALITY = 92
"""Above it files grow and nothing else; cameras compress more than this."""


@dataclass(frozen=True, slots=True)
class Made:
    """A picture (height, width, 3, blue first) and what is in it."""

    bgr: NDArray[np.uint8]
    boxes: tuple[Box, ...]


class Maker(Protocol):
    """What `made: module:function` names. All chance must come from `rng`."""

    def __call__(self, rng: np.random.Generator, backgrounds: Sequence[Path], **options: Setting) -> Made:
        """One picture."""


def find_maker(name: str) -> Maker:
    """The function that `module:function` names.

    Raises:
        RecipeError: there is no such module or function.
    """
    module, function = name.split(":")
    try:
        found = getattr(importlib.import_module(module), function, None)
    except ModuleNotFoundError as error:
        raise RecipeError(f"made: found {name!r}, expected a module that can be imported: {error}") from error
    if not callable(found):
        raise RecipeError(f"made: found {name!r}, expected a function of {module}")
    return cast(Maker, found)


def make_pictures(
    ingredient: Ingredient,
    backgrounds: Sequence[Labelled],
    labels: Sequence[str],
    store: Path,
    progress: Progress | None = None,
) -> list[Labelled]:
    """The pictures of an ingredient; those that an earlier call left in `store` are not made again.

    The folder's name depends on function, its module's text, seed, options and backgrounds. What that module imports is
    not looked into: `train --fresh` makes everything again.

    Raises:
        RecipeError: the function is not there, or makes labels that the recipe does not have.
    """
    assert ingredient.made is not None, "only what is made is made here"
    assert ingredient.count is not None, "the form wants a count"
    maker = find_maker(ingredient.made)
    folder = store / _key(ingredient, backgrounds, labels)
    folder.mkdir(parents=True, exist_ok=True)
    paths = [picture.path for picture in backgrounds]
    pictures = []
    for index in range(ingredient.count):
        picture, rows = folder / f"{index:06d}.jpg", folder / f"{index:06d}.txt"
        if not picture.exists():
            # A generator a picture: the thousandth is the same however many were made in this run.
            made = maker(np.random.default_rng((ingredient.seed, index)), paths, **ingredient.options)
            rows.write_text("".join(_row(box, labels, ingredient.made) for box in made.boxes), encoding="utf-8")
            # The picture comes last and under its name at once: a run that is killed leaves none half written.
            half = picture.with_suffix(".half.jpg")
            cv2.imwrite(str(half), made.bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
            half.replace(picture)
        boxes = read_boxes(rows, labels)
        name = f"{ingredient.made}/{folder.name}/{index:06d}"
        pictures.append(Labelled(name, picture, name, boxes, frozenset(box.label for box in boxes)))
        if progress is not None:
            progress(index + 1, ingredient.count)
    return pictures


def _key(ingredient: Ingredient, backgrounds: Sequence[Labelled], labels: Sequence[str]) -> str:
    assert ingredient.made is not None, "only what is made is made here"
    module = inspect.getmodule(find_maker(ingredient.made))
    content = {
        "made": ingredient.made,
        "text": inspect.getsource(module) if module is not None else "",
        "seed": ingredient.seed,
        "options": dict(sorted(ingredient.options.items())),
        "backgrounds": [picture.name for picture in backgrounds],
        "labels": list(labels),
    }
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]


def row_of(box: Box, index: int) -> str:
    """A line of a YOLO label file."""
    x, y = (box.left + box.right) / 2, (box.top + box.bottom) / 2
    return f"{index} {x:.6f} {y:.6f} {box.right - box.left:.6f} {box.bottom - box.top:.6f}\n"


def _row(box: Box, labels: Sequence[str], maker: str) -> str:
    if box.label not in labels:
        raise RecipeError(f"made: {maker} made a box of {box.label!r}, expected one of {', '.join(labels)}")
    return row_of(box, list(labels).index(box.label))
