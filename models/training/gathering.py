"""A round's pictures, put together from sets and makers, and checked: licences, labels, scenes that straddle."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import yaml

from models.datasets.manifest import Manifest, Permits, Split
from models.datasets.reading import Box, Labelled, Selection, select
from models.training.errors import RecipeError
from models.training.making import make_pictures, row_of
from models.training.orders import Example, Report, write_rows
from models.training.recipe import Ingredient, Places, Recipe, Round, Sized

OVERLAP = 0.5
"""A teacher's box that overlaps a set's own by more says the same thing again."""


@dataclass(frozen=True, slots=True)
class Share:
    """What an ingredient gave, for people and for the card."""

    title: str
    pictures: int
    boxes: dict[str, int]
    repeat: int
    why: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """A round's pictures in the trainer's form. `description`: the file that the trainer is given: a YAML file for
    ultralytics, rows (`models.training.orders`) for a loop of the model's own."""

    description: Path
    shares: tuple[Share, ...]


def gather(recipe: Recipe, one: Round, places: Places, report: Report | None = None) -> Gathered:
    """Puts a round's pictures together under `work/rounds/NAME/data`: links to the pictures, and label files.

    The sets themselves are never written to.

    Raises:
        RecipeError: an ingredient may not be trained on, has no boxes, or shows scenes that are tested on.
        DataError: a set is not what its manifest says.
    """
    root = places.work / "rounds" / one.name / "data"
    parts = [(item, ingredient(recipe, item, places, report)) for item in one.data]
    checks = [picture for sized in one.check for picture in _of_set(sized, places)]
    kept_apart = [picture for sized in recipe.evaluate for picture in _of_set(sized, places)]
    _refuse_straddling([picture for _, pictures in parts for picture in pictures], [*checks, *kept_apart])
    for picture in checks:
        if picture.boxes is None:
            raise RecipeError(f"check: found {picture.name} without boxes, expected pictures whose boxes are known")
    shares = tuple(_share(item, pictures, recipe.labels) for item, pictures in parts)
    if one.trainer == "ultralytics":
        return Gathered(_folders(root, parts, checks, recipe.labels), shares)
    root.mkdir(parents=True, exist_ok=True)
    rows = root / "rows.jsonl"
    examples = [example for item, pictures in parts for example in _examples(item, pictures, recipe, places)]
    write_rows(rows, examples, recipe.labels)
    return Gathered(rows, shares)


Part = tuple[Ingredient, list[Labelled]]


def _folders(root: Path, parts: Sequence[Part], checks: Sequence[Labelled], labels: Sequence[str]) -> Path:
    trained = [picture for item, pictures in parts for picture in pictures for _ in range(item.repeat)]
    _write(root / "train", trained, labels)
    _write(root / "val", checks, labels)
    description = root / "data.yaml"
    content = {"path": str(root.absolute()), "train": "train/images", "val": "val/images"}
    description.write_text(yaml.safe_dump({**content, "names": dict(enumerate(labels))}), encoding="utf-8")
    return description


def _examples(item: Ingredient, pictures: Sequence[Labelled], recipe: Recipe, places: Places) -> list[Example]:
    unsure: dict[str, tuple[Box, ...]] = {}
    if item.boxes is not None and item.unsure_from is not None:
        teacher = read_teacher(places.folder / item.boxes, recipe.labels, item.unsure_from, below=item.min_score)
        for picture in pictures:
            own = picture.boxes or ()
            maybe = teacher.get(picture.name, ())
            unsure[picture.name] = tuple(box for box in maybe if all(overlap_of(box, one) < OVERLAP for one in own))
    group = item.group or ""
    return [Example(picture, group, float(item.repeat), unsure.get(picture.name, ())) for picture in pictures]


def ingredient(recipe: Recipe, item: Ingredient, places: Places, report: Report | None = None) -> list[Labelled]:
    """The pictures of one ingredient, with boxes of the recipe's labels.

    Raises:
        RecipeError, DataError: as `gather`.
    """
    if item.set is None:
        backgrounds = [picture for sized in item.backgrounds for picture in _of_set(sized, places, Permits.TRAINING)]
        progress = report(f"making {item.title}") if report else None
        return make_pictures(item, backgrounds, recipe.labels, places.work / "made", progress)
    assert item.split is not None, "the form wants a split"
    pictures = _of_set(Sized(set=item.set, split=item.split), places, Permits.TRAINING)
    if item.boxes is not None:
        pictures = _relabelled(pictures, item, recipe.labels, places.folder / item.boxes)
    if item.count is not None:
        pictures = sorted(sorted(pictures, key=_place)[: item.count], key=lambda picture: picture.name)
    for picture in pictures:
        if picture.boxes is None:
            raise RecipeError(f"data: found {picture.name} without boxes; give a teacher's with boxes: FILE.csv")
    return pictures


def made_selection(recipe: Recipe, item: Ingredient, places: Places, report: Report | None = None) -> Selection:
    """Made pictures in the form of a split, to be measured on.

    Raises:
        RecipeError, DataError: as `gather`.
    """
    pictures = ingredient(recipe, item, places, report)
    manifest = Manifest(
        name="made",
        title=item.title,
        source="this project",
        licence="Apache-2.0",
        permits=Permits.TRAINING,
        folder=".",
        labels=recipe.labels,
        splits={"pictures": Split(pictures=("*",))},
    )
    return Selection(manifest, "pictures", tuple(pictures))


def read_teacher(
    path: Path, labels: Sequence[str], min_score: float, *, below: float = 2.0
) -> dict[str, tuple[Box, ...]]:
    """A teacher's boxes by picture: CSV `picture,label,left,top,right,bottom,score`, sides in parts of the picture.

    Those from `min_score` on whose score is `below` the limit.

    Raises:
        RecipeError: the file is missing, has other columns, other labels or impossible numbers.
    """
    found: dict[str, list[Box]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):
                sides = [float(row[side]) for side in ("left", "top", "right", "bottom")]
                if row["label"] not in labels:
                    raise RecipeError(f"{path}:{number}: found {row['label']!r}, expected one of {', '.join(labels)}")
                if not (0 <= sides[0] < sides[2] <= 1 and 0 <= sides[1] < sides[3] <= 1):
                    raise RecipeError(f"{path}:{number}: found sides {sides}, expected parts of the picture, 0 to 1")
                if min_score <= float(row["score"]) < below:
                    found.setdefault(row["picture"], []).append(Box(row["label"], *sides))
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (KeyError, ValueError, TypeError) as error:
        expected = "picture,label,left,top,right,bottom,score"
        raise RecipeError(f"{path}: expected columns {expected} and numbers in them: {error}") from error
    return {name: tuple(boxes) for name, boxes in found.items()}


def overlap_of(first: Box, second: Box) -> float:
    """Intersection over union."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    if width <= 0 or height <= 0:
        return 0.0
    area = width * height
    total = (first.right - first.left) * (first.bottom - first.top)
    total += (second.right - second.left) * (second.bottom - second.top)
    return area / (total - area)


def _of_set(sized: Sized, places: Places, wanted: Permits | None = None) -> list[Labelled]:
    selection = select(sized.set, sized.split, places.data, places.folder)
    if wanted is Permits.TRAINING and selection.manifest.permits is not Permits.TRAINING:
        raise RecipeError(
            f"{selection.title}: its licence ({selection.manifest.licence}) permits testing only; "
            "expected sets that may be trained on"
        )
    return list(selection.pictures)


def _relabelled(pictures: Sequence[Labelled], item: Ingredient, labels: Sequence[str], path: Path) -> list[Labelled]:
    teacher = read_teacher(path, labels, item.min_score)
    # The file may speak of other splits and sets too; a picture of this set that is nowhere is a slip.
    root = _root(pictures[0])
    own_names = [name for name in teacher if name.startswith(f"{item.set}/")]
    stranger = next((name for name in own_names if not (root / name.partition("/")[2]).is_file()), None)
    if stranger is not None or not own_names:
        raise RecipeError(f"{path}: found {stranger or 'no picture'}, expected pictures of {item.title}")
    changed = []
    for picture in pictures:
        boxes = teacher.get(picture.name, ())
        if item.mix and picture.boxes is not None:
            own = picture.boxes
            new = tuple(box for box in boxes if all(overlap_of(box, other) < OVERLAP for other in own))
            boxes = (*own, *new)
        changed.append(replace(picture, boxes=boxes, present=frozenset(box.label for box in boxes)))
    return changed


def _root(picture: Labelled) -> Path:
    """The set's folder: a picture's path without what its name has after the set."""
    return picture.path.parents[len(Path(picture.name).parts) - 2]


def _refuse_straddling(trained: Sequence[Labelled], tested: Sequence[Labelled]) -> None:
    # By folder, not by the set's name: two manifests may divide one folder in their own ways.
    scenes = {(_root(picture), picture.scene): picture.name for picture in tested}
    for picture in trained:
        other = scenes.get((_root(picture), picture.scene))
        if other is not None:
            raise RecipeError(
                f"data: {picture.name} shows the scene {picture.scene!r} of {other}, which is tested with; "
                "take it out of one of them (without: in the manifest)"
            )


def _place(picture: Labelled) -> bytes:
    return hashlib.sha256(picture.name.encode()).digest()


def _write(folder: Path, pictures: Sequence[Labelled], labels: Sequence[str]) -> None:
    images, rows = folder / "images", folder / "labels"
    for part in (images, rows):
        part.mkdir(parents=True, exist_ok=True)
        for old in part.iterdir():
            old.unlink()
    for number, picture in enumerate(pictures):
        name = f"{number:06d}_{hashlib.sha256(picture.name.encode()).hexdigest()[:8]}"
        (images / f"{name}{picture.path.suffix.lower()}").symlink_to(picture.path.absolute())
        boxes = [box for box in picture.boxes or () if box.label in labels]
        text = "".join(row_of(box, labels.index(box.label)) for box in boxes)
        (rows / f"{name}.txt").write_text(text, encoding="utf-8")


def _share(item: Ingredient, pictures: Sequence[Labelled], labels: Sequence[str]) -> Share:
    boxes = dict.fromkeys(labels, 0)
    for picture in pictures:
        for box in picture.boxes or ():
            if box.label in boxes:
                boxes[box.label] += 1
    return Share(item.title, len(pictures), boxes, item.repeat, item.why)
