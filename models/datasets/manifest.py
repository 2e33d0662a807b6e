"""The form of a manifest: one set of pictures, its licence, and how it is split."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from models.datasets.errors import DataError
from models.datasets.forms import Form, read_form

Slug = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
LabelName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,63}$")]
"""Of a class, as models and sets call it."""
HERE = Path(__file__).parent


class Permits(StrEnum):
    """What a set may be used for."""

    TRAINING = "training"
    """A permissive licence: weights made from it may be handed on, with credit."""
    TESTING = "testing"
    """No licence, or one that forbids handing on: measured with, never trained on."""


class Boxes(StrEnum):
    """What the boxes of a split say, where they are not files."""

    NONE = "none"
    """Nothing of the set's labels is in any of its pictures."""
    UNKNOWN = "unknown"
    """Nobody drew boxes: only whether something is there is known (`present`)."""


class Scenes(Form):
    """How it is known which pictures show one scene. Exactly one of these; without any, each picture is its own."""

    pattern: str | None = None
    """A regular expression with one group, searched for in the file's name: what the group catches is the scene."""
    gap: Annotated[int | None, Field(ge=1)] = None
    """File names end in numbers that count frames: numbers that lie nearer than this are one scene."""
    table: str | None = None
    """A CSV file `picture,scene` beside the manifest, as `gridsentry-models duplicates --groups` writes it."""

    @field_validator("pattern")
    @classmethod
    def _one_group(cls, value: str | None) -> str | None:
        if value is None:
            return value
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValueError(f"expected a regular expression: {error}") from error
        if groups != 1:
            raise ValueError(f"found {groups} groups, expected one: it names the scene")
        return value

    @model_validator(mode="after")
    def _one_way(self) -> Scenes:
        if sum(way is not None for way in (self.pattern, self.gap, self.table)) != 1:
            raise ValueError("expected exactly one of pattern, gap, table")
        return self


class Split(Form):
    """A part of a set. Either named pictures, or a share of the scenes."""

    pictures: tuple[str, ...] = Field(min_length=1)
    """Globs under the set's folder."""
    boxes: str | Boxes = Boxes.UNKNOWN
    """`none`, `unknown`, or the folder of YOLO label files under the set's folder, named as the pictures are. A picture
    without a label file there, or with an empty one, shows nothing of the labels."""
    present: tuple[LabelName, ...] = ()
    """With `boxes: unknown`: labels of which at least one is in every picture. Empty: none is in any."""
    share: tuple[float, float] | None = None
    """From which to which part of the scenes, as fractions: [0, 0.8] are the first four fifths in an order that
    depends on nothing but their names. Whole scenes only."""
    only: str | None = None
    """A text file beside the manifest: of the pictures, those whose file names it lists, one a line."""
    without: str | None = None
    """The same, of those to leave out."""
    count: Annotated[int | None, Field(ge=1)] = None
    digest: Annotated[str | None, Field(pattern=r"^[0-9a-f]{64}$")] = None
    """Of names and contents (`gridsentry-models data`): another download of the set is then noticed."""

    @model_validator(mode="after")
    def _check(self) -> Split:
        if self.present and self.boxes != Boxes.UNKNOWN:
            raise ValueError("present: expected only with boxes: unknown; otherwise the boxes say what is present")
        if self.share is not None and not 0 <= self.share[0] < self.share[1] <= 1:
            raise ValueError(f"share: found {list(self.share)}, expected [from, to] with 0 <= from < to <= 1")
        return self


class Manifest(Form):
    """A set of pictures."""

    name: Slug
    title: Annotated[str, Field(min_length=1)]
    source: Annotated[str, Field(min_length=1)]
    """The publisher's page or repository, with version or commit."""
    licence: Annotated[str, Field(min_length=1)]
    """As an SPDX identifier where there is one; `none stated` otherwise."""
    credit: str = ""
    """What the licence wants said; goes on the card."""
    permits: Permits
    folder: str
    """Under the data folder (`--data`)."""
    labels: tuple[LabelName, ...] = ()
    """Names of the classes in the label files, in their order."""
    scenes: Scenes | None = None
    splits: dict[Slug, Split] = Field(min_length=1)

    @model_validator(mode="after")
    def _check(self) -> Manifest:
        for name, split in self.splits.items():
            unknown = [label for label in split.present if label not in self.labels]
            if unknown:
                raise ValueError(f"splits.{name}.present: found {unknown[0]!r}, expected one of labels")
            if split.share is not None and self.scenes is None:
                raise ValueError(
                    f"splits.{name}.share: expected scenes too: without them near-duplicates would straddle"
                )
        if self.permits is Permits.TRAINING and self.licence == "none stated":
            raise ValueError("permits: found training without a licence, expected testing")
        return self


def read_manifest(path: Path) -> Manifest:
    """Reads a manifest.

    Raises:
        DataError: it cannot be read, or is not of this form, or its file is not named as it is.
    """
    manifest = read_form(path, Manifest, DataError)
    if manifest.name != path.stem:
        raise DataError(f"{path}: name: found {manifest.name!r}, expected {path.stem!r} as the file is called")
    return manifest


def find_manifest(name: str, beside: Path | None = None) -> Path:
    """The file of a set: beside a recipe first, then those that ship with this package.

    Raises:
        DataError: there is none of that name.
    """
    folders = [folder for folder in (beside, beside / "manifests" if beside else None, HERE) if folder is not None]
    for folder in folders:
        path = folder / f"{name}.yaml"
        if path.is_file():
            return path
    shipped = ", ".join(sorted(path.stem for path in HERE.glob("*.yaml"))) or "none"
    places = ", ".join(str(folder) for folder in folders)
    raise DataError(f"found no set {name!r} in {places}; with this package come: {shipped}")
