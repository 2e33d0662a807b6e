"""Pictures of a set, where they lie, with what is known of each."""

from __future__ import annotations

import csv
import hashlib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from models.datasets.errors import DataError
from models.datasets.manifest import Boxes, Manifest, Split, find_manifest, read_manifest

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp"))
Bgr = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Box:
    """A labelled thing. Sides in parts of the picture's width and height, 0 to 1."""

    label: str
    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture and what is known of it."""

    name: str
    """`set/path under the set's folder`: the same on every machine."""
    path: Path
    scene: str
    boxes: tuple[Box, ...] | None
    """None: nobody drew any."""
    present: frozenset[str] | None
    """Labels of which at least one is in it; empty: none is; None: not known. Follows from the boxes where there
    are boxes."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A split of a set."""

    manifest: Manifest
    split: str
    pictures: tuple[Labelled, ...]

    @property
    def title(self) -> str:
        """`set:split`, as people write it."""
        return f"{self.manifest.name}:{self.split}"


def select(name: str, split: str, data: Path, beside: Path | None = None) -> Selection:
    """The pictures of a set's split, sorted by name.

    Args:
        name: of the set, as its manifest is called.
        split: one of the manifest's.
        data: the folder that the manifests' folders are under.
        beside: a folder whose manifests come first, such as a recipe's.

    Raises:
        DataError: manifest, pictures or labels are missing or are not what the manifest says.
    """
    path = find_manifest(name, beside)
    manifest = read_manifest(path)
    if split not in manifest.splits:
        raise DataError(f"{path}: found no split {split!r}, expected one of {', '.join(manifest.splits)}")
    chosen = manifest.splits[split]
    folder = data / manifest.folder
    if not folder.is_dir():
        raise DataError(f"{folder}: is not there; {manifest.name} comes from {manifest.source}; is --data right?")
    files = _listed(_files(folder, chosen), chosen, path)
    if not files:
        raise DataError(f"{path}: splits.{split}.pictures: found no picture for {list(chosen.pictures)} in {folder}")
    # Of all splits: a recording that is cut in two by number must not become two scenes.
    every = sorted({file for part in manifest.splits.values() for file in _files(folder, part)})
    scenes = _scenes_of(every, folder, manifest, path)
    if chosen.share is not None:
        kept = _share(sorted(set(scenes.values())), chosen.share)
        files = [file for file in files if scenes[file] in kept]
    if chosen.count is not None and len(files) != chosen.count:
        raise DataError(f"{path}: splits.{split}.count: found {len(files)} pictures, expected {chosen.count}")
    if chosen.digest is not None and (found := digest_of(files, folder)) != chosen.digest:
        raise DataError(f"{path}: splits.{split}.digest: found {found}, expected {chosen.digest}: other pictures")
    pictures = tuple(_labelled(file, folder, manifest, chosen, scenes[file]) for file in files)
    return Selection(manifest, split, pictures)


def read_picture(path: Path) -> Bgr:
    """(height, width, 3), blue first.

    Raises:
        DataError: it cannot be read as a picture.
    """
    bgr = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if bgr is None:
        raise DataError(f"{path}: found no picture that can be read; remove it, or fetch the set again")
    return np.asarray(bgr, np.uint8)


def digest_of(files: Sequence[Path], folder: Path) -> str:
    """sha256 over names and contents, in the order given."""
    total = hashlib.sha256()
    for file in files:
        total.update(file.relative_to(folder).as_posix().encode() + b"\0")
        total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()


def number_of(name: str) -> int | None:
    """The last number in a file's name without its suffix; None without one."""
    found = re.findall(r"\d+", name)
    return int(found[-1]) if found else None


def read_boxes(path: Path, labels: Sequence[str]) -> tuple[Box, ...]:
    """Boxes of a YOLO label file: lines of class, x, y, width, height; centres and sizes in parts of the picture.

    A missing or empty file says that nothing is there. Boxes are cut at the picture's border.

    Raises:
        DataError: a line is of another form, or its numbers cannot be.
    """
    if not path.is_file():
        return ()
    boxes = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        boxes.append(_box(line, f"{path}:{number}", labels))
    return tuple(box for box in boxes if box is not None)


def _box(line: str, where: str, labels: Sequence[str]) -> Box | None:
    parts = line.split()
    try:
        index, numbers = int(parts[0]), [float(part) for part in parts[1:]]
    except ValueError as error:
        raise DataError(f"{where}: found {line!r}, expected numbers: class x y width height") from error
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise DataError(f"{where}: found {line!r}, expected five numbers: class x y width height")
    if not 0 <= index < len(labels):
        raise DataError(f"{where}: found class {index}, expected 0 to {len(labels) - 1} ({', '.join(labels)})")
    x, y, width, height = numbers
    left, top = max(0.0, x - width / 2), max(0.0, y - height / 2)
    right, bottom = min(1.0, x + width / 2), min(1.0, y + height / 2)
    # Boxes without an area come out of augmentation at the border; they teach nothing.
    return Box(labels[index], left, top, right, bottom) if right > left and bottom > top else None


def _files(folder: Path, split: Split) -> list[Path]:
    found = {path for glob in split.pictures for path in folder.glob(glob)}
    return sorted(path for path in found if path.suffix.lower() in SUFFIXES and path.is_file())


def _listed(files: list[Path], split: Split, path: Path) -> list[Path]:
    if split.only is not None:
        wanted = _names(path.parent / split.only)
        missing = sorted(wanted - {file.name for file in files})
        if missing:
            raise DataError(f"{path.parent / split.only}: found {missing[0]}, expected only pictures of the set")
        files = [file for file in files if file.name in wanted]
    if split.without is not None:
        unwanted = _names(path.parent / split.without)
        files = [file for file in files if file.name not in unwanted]
    return files


def _names(path: Path) -> frozenset[str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _scenes_of(files: Sequence[Path], folder: Path, manifest: Manifest, path: Path) -> Mapping[Path, str]:
    how = manifest.scenes
    if how is None:
        return {file: file.relative_to(folder).as_posix() for file in files}
    if how.gap is not None:
        return _by_gap(files, how.gap)
    if how.pattern is not None:
        pattern = re.compile(how.pattern)
        found = {file: pattern.search(file.name) for file in files}
        return {file: match.group(1) if match else file.name for file, match in found.items()}
    assert how.table is not None, "the form wants one of three"
    rows = read_groups(path.parent / how.table)
    names = {file: f"{manifest.name}/{file.relative_to(folder).as_posix()}" for file in files}
    missing = next((name for name in names.values() if name not in rows), None)
    if missing is not None:
        raise DataError(f"{path.parent / how.table}: found no row for {missing}; make the table again")
    return {file: rows[name] for file, name in names.items()}


def read_groups(table: Path) -> dict[str, str]:
    """A CSV file `picture,scene`: the scene of each picture.

    Raises:
        DataError: it is missing or has other columns.
    """
    try:
        with table.open(encoding="utf-8", newline="") as lines:
            reader = csv.DictReader(lines)
            if reader.fieldnames is None or not {"picture", "scene"} <= set(reader.fieldnames):
                raise DataError(f"{table}: found columns {reader.fieldnames}, expected picture,scene")
            return {row["picture"]: row["scene"] for row in reader}
    except OSError as error:
        raise DataError(f"{table}: cannot be read: {error.strerror or error}") from error


def _by_gap(files: Sequence[Path], gap: int) -> dict[Path, str]:
    """Frames of one recording are numbered closely: a scene ends where the next number is `gap` or more away."""
    numbered = sorted((number_of(file.stem) or 0, file) for file in files)
    scenes: dict[Path, str] = {}
    first = before = None
    for number, file in numbered:
        if first is None or before is None or number - before >= gap:
            first = number
        before = number
        scenes[file] = str(first)
    return scenes


def _share(scenes: Sequence[str], share: tuple[float, float]) -> frozenset[str]:
    """Scenes in an order that only their names decide, so that a new scene moves no other to another split."""
    borders = [round(part * 2**32) for part in share]
    places = {scene: int.from_bytes(hashlib.sha256(scene.encode()).digest()[:4]) for scene in scenes}
    return frozenset(scene for scene, place in places.items() if borders[0] <= place < borders[1])


def _labelled(file: Path, folder: Path, manifest: Manifest, split: Split, scene: str) -> Labelled:
    relative = file.relative_to(folder)
    name = f"{manifest.name}/{relative.as_posix()}"
    if split.boxes == Boxes.NONE:
        return Labelled(name, file, scene, (), frozenset())
    if split.boxes == Boxes.UNKNOWN:
        return Labelled(name, file, scene, None, frozenset(split.present))
    labels = folder / str(split.boxes)
    if not labels.is_dir():
        raise DataError(f"{labels}: is not there; expected the folder of label files, or boxes: none")
    boxes = read_boxes(labels / f"{file.stem}.txt", manifest.labels)
    return Labelled(name, file, scene, boxes, frozenset(box.label for box in boxes))
