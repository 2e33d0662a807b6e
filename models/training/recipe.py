"""The form of a recipe: what a model is made of, round by round, and how it is exported, quantised and measured."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from models.datasets.forms import Form, read_form
from models.datasets.manifest import LabelName, Slug
from models.training.errors import RecipeError

OURS = frozenset((
    "model", "data", "epochs", "imgsz", "batch", "seed", "deterministic", "device", "project", "name", "save_dir",
    "exist_ok", "resume", "pretrained", "workers", "task", "mode", "plots", "save", "cfg",
))  # fmt: skip
"""Settings of the trainer that this machinery gives itself: in `settings` they would be contradicted."""
Setting = bool | int | float | str


class PictureSize(Form):
    """Pixels of the model's input."""

    width: Annotated[int, Field(ge=32, le=2048, multiple_of=32)]
    height: Annotated[int, Field(ge=32, le=2048, multiple_of=32)]


class Sized(Form):
    """Pictures of a set, for training or measuring."""

    set: Slug
    """Name of a manifest, beside the recipe or in `models/datasets`."""
    split: Slug


class Ingredient(Form):
    """Some of the pictures of a round: of a set, or made by the project. Exactly one of `set` and `made`."""

    set: Slug | None = None
    split: Slug | None = None
    boxes: str | None = None
    """With `set`: boxes from a CSV file `picture,label,left,top,right,bottom,score` (parts of the picture) beside the
    recipe instead of the set's own, such as a teacher's. A picture without a row shows nothing."""
    min_score: Annotated[float, Field(ge=0, le=1)] = 0.0
    """With `boxes`: rows below are left out."""
    unsure_from: Annotated[float | None, Field(ge=0, lt=1)] = None
    """With `boxes`: rows between this and `min_score` are areas that count neither way. Only trainers of a model's own
    know such areas."""
    mix: bool = False
    """With `boxes`: they are added to the set's own where they overlap none of these by half."""
    made: Annotated[str | None, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = None
    """`module:function`, called once a picture (`models.training.making.Maker`)."""
    count: Annotated[int | None, Field(ge=1, le=1_000_000)] = None
    """With `made`: how many. With `set`: at most so many, the same ones each time."""
    seed: int = 0
    backgrounds: tuple[Sized, ...] = ()
    """With `made`: pictures handed to the function."""
    options: dict[str, Setting] = Field(default_factory=dict)
    """With `made`: more arguments of the function."""
    repeat: Annotated[int, Field(ge=1, le=100)] = 1
    """How often each picture comes in an epoch: for few pictures that matter much."""
    group: Slug | None = None
    """Pictures of one group are drawn from alike (`shares` of the round). Only for trainers of a model's own."""
    why: str = ""
    """What these are in it for; goes on the card."""

    @model_validator(mode="after")
    def _check(self) -> Ingredient:
        if (self.set is None) == (self.made is None):
            raise ValueError("expected exactly one of set and made")
        if self.set is not None and self.split is None:
            raise ValueError("split: expected one, as set is given")
        if self.made is not None and self.count is None:
            raise ValueError("count: expected how many, as made is given")
        if self.boxes is None and (self.mix or self.min_score or self.unsure_from is not None):
            raise ValueError("mix, min_score, unsure_from: expected boxes too")
        if self.unsure_from is not None and self.unsure_from >= self.min_score:
            raise ValueError(f"unsure_from: found {self.unsure_from}, expected less than min_score ({self.min_score})")
        if self.made is not None and self.boxes is not None:
            raise ValueError("boxes: expected only with set: what is made brings its boxes along")
        if self.set is not None and (self.backgrounds or self.options):
            raise ValueError("backgrounds, options: expected only with made")
        return self

    @property
    def title(self) -> str:
        """For people."""
        return f"{self.set}:{self.split}" if self.set is not None else f"{self.made} × {self.count}"


class Start(Form):
    """What a round starts from: nothing (random), a file's tensors, or what another round gave."""

    weights: str | None = None
    """A file of arrays (`.npz`) under the data folder, named as the architecture names its tensors: those that fit by
    name and shape are taken. Or a checkpoint (`.pt`)."""
    round: Slug | None = None
    """An earlier round of this recipe: its best weights."""
    credit: str = ""
    """Whose weights these are, and their licence; goes on the card."""

    @model_validator(mode="after")
    def _check(self) -> Start:
        if self.weights is not None and self.round is not None:
            raise ValueError("expected at most one of weights and round")
        return self


class Round(Form):
    """One training."""

    name: Slug
    start: Start = Start()
    data: tuple[Ingredient, ...] = Field(min_length=1)
    check: tuple[Sized, ...] = Field(min_length=1)
    """What the best epoch is chosen by."""
    trainer: Annotated[str, Field(pattern=r"^(ultralytics|[A-Za-z_][\w.]*:[A-Za-z_]\w*)$")] = "ultralytics"
    """Or `module:function` of a model that brings its own loop (`models.training.orders.Trainer`)."""
    epochs: Annotated[int | None, Field(ge=1, le=10_000)] = None
    """For ultralytics."""
    steps: Annotated[int | None, Field(ge=1, le=10_000_000)] = None
    """For a trainer of the model's own."""
    batch: Annotated[int, Field(ge=1, le=1024)] = 16
    seed: int = 0
    shares: dict[Slug, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """How much of a batch each group of pictures gets, in parts of their sum."""
    settings: dict[str, Setting] = Field(default_factory=dict)
    """Of the trainer, handed on as they are: lr0, optimizer, mosaic, freeze, … for ultralytics."""
    note: str = ""
    """What was wrong before and what this round changes; goes on the card."""

    @model_validator(mode="after")
    def _check(self) -> Round:
        taken = sorted(OURS & set(self.settings))
        if taken:
            raise ValueError(
                f"settings: found {taken[0]}, expected none that is set elsewhere: {', '.join(sorted(OURS))}"
            )
        plain = self.trainer == "ultralytics"
        if (self.epochs is None) is plain or (self.steps is None) is not plain:
            raise ValueError("expected epochs for ultralytics, and steps for a trainer of the model's own")
        groups = {item.group for item in self.data if item.group is not None}
        if plain and (groups or self.shares or any(item.unsure_from is not None for item in self.data)):
            raise ValueError(
                "group, shares, unsure_from: ultralytics' trainer does not know them; expected repeat instead"
            )
        if not plain and set(self.shares) != groups:
            raise ValueError(f"shares: found {sorted(self.shares)}, expected the groups of data: {sorted(groups)}")
        return self


class ExportPlan(Form):
    """The ONNX file."""

    round: Slug
    opset: Annotated[int, Field(ge=13, le=21)] = 17
    dynamic_batch: bool = False
    weights: Annotated[str, Field(pattern="^(f32|f16|i8)$")] = "f32"
    """How weights are kept in the file: f16 halves it, i8 (convolutions in bytes, a scale for each output, the rest as
    f16) makes it a quarter; both are computed in f32 all the same. What is measured and
    compared is the rounded network."""
    file: str
    """Beside the recipe."""


class QuantisePlan(Form):
    """The INT8 file."""

    file: str
    """Beside the recipe."""
    calibration: tuple[Sized, ...] = Field(min_length=1)
    pictures: Annotated[int, Field(ge=8, le=5000)] = 128
    keep_float: tuple[str, ...] = ()
    """Nodes that stay in float, by the beginning of their names, beside the head's arithmetic, which always does."""


class CardPlan(Form):
    """What figures cannot say."""

    intended: Annotated[str, Field(min_length=1)]
    limits: tuple[str, ...] = Field(min_length=1)
    licence: str = ""
    """Why the weights have the licence that the registry states, where that needs saying."""
    notes: tuple[str, ...] = ()
    """Markdown files beside the recipe that follow the figures, such as a comparison of the model's own."""
    failures: Ingredient | None = None
    """Made pictures, of another seed than those trained on: the worst mistakes on them are shown. Pictures of others'
    sets are not ours to show."""

    @model_validator(mode="after")
    def _check(self) -> CardPlan:
        if self.failures is not None and self.failures.made is None:
            raise ValueError("failures: expected made pictures: those of sets are not ours to hand on")
        return self


class Recipe(Form):
    """How a model is made."""

    name: Slug
    labels: tuple[LabelName, ...] = Field(min_length=1)
    input: PictureSize
    architecture: Annotated[str, Field(pattern=r"^[\w.-]+\.yaml$")]
    """One of ultralytics', such as yolov5n.yaml, or a file beside the recipe."""
    rounds: tuple[Round, ...] = Field(min_length=1)
    export: ExportPlan
    quantise: QuantisePlan | None = None
    evaluate: tuple[Sized, ...] = ()
    """What `eval` measures on."""
    card: CardPlan

    @model_validator(mode="after")
    def _check(self) -> Recipe:
        earlier: set[str] = set()
        for one in self.rounds:
            if one.name in earlier:
                raise ValueError(f"rounds: found {one.name!r} twice, expected names of their own")
            if one.start.round is not None and one.start.round not in earlier:
                raise ValueError(f"rounds.{one.name}.start.round: found {one.start.round!r}, expected an earlier round")
            earlier.add(one.name)
        if self.export.round not in earlier:
            raise ValueError(f"export.round: found {self.export.round!r}, expected one of {', '.join(sorted(earlier))}")
        if self.input.width != self.input.height:
            raise ValueError("input: expected a square: the trainer makes square pictures")
        return self

    def round(self, name: str | None) -> Round:
        """A round by name; without one, the one that is exported.

        Raises:
            RecipeError: there is no such round.
        """
        wanted = name or self.export.round
        for one in self.rounds:
            if one.name == wanted:
                return one
        raise RecipeError(f"found no round {wanted!r}, expected one of {', '.join(one.name for one in self.rounds)}")

    def digest(self, name: str) -> str:
        """Of all that decides what a round gives: its own rows, and those of the rounds it starts from."""
        chain, wanted = [], name
        while True:
            one = self.round(wanted)
            chain.append(one.model_dump(mode="json", exclude={"note"}))
            if one.start.round is None:
                break
            wanted = one.start.round
        content = {"labels": self.labels, "input": self.input.model_dump(), "net": self.architecture, "rounds": chain}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Places:
    """Where things lie. `folder`: the recipe's own; `data`: where the sets are; `work`: what may be thrown away."""

    folder: Path
    data: Path
    work: Path


def read_recipe(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        RecipeError: it cannot be read, or is not of this form; every fault is named.
    """
    return read_form(path, Recipe, RecipeError)


def find_recipe(target: str) -> Path:
    """The file of a recipe: a path, or the name of a model of the house.

    Raises:
        RecipeError: there is none.
    """
    path = Path(target)
    if path.is_file():
        return path
    house = Path(__file__).parent.parent
    if (house / target / "recipe.yaml").is_file():
        return house / target / "recipe.yaml"
    known = ", ".join(sorted(found.parent.name for found in house.glob("*/recipe.yaml"))) or "none yet"
    raise RecipeError(f"found no recipe {target!r}, expected a file or a model with a recipe: {known}")
