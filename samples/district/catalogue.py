"""Read `catalogue.yaml`, the hand-written source of the three lists."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Final, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, PositiveInt, StringConstraints

CATALOGUE_PATH: Final = Path(__file__).with_name("catalogue.yaml")

Level = Literal[0, 1, 2, 3, "special"]
Code = Annotated[str, StringConstraints(pattern=r"^\d{2}-\d{2}$")]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
LimitUnit = Literal["working_hour", "continuous_hour", "working_day", "continuous_day"]
Kind = Literal["component", "event"]
Severity = Literal["red", "yellow", "blue"]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_min_length=1)


class Words(_Model):
    """The same thing said in Chinese and English."""

    zh: str
    en: str


class Limit(_Model):
    """How long a unit has, in one of the four units of time."""

    amount: PositiveInt
    unit: LimitUnit


def _pair(value: object) -> object:
    return {"zh": value[0], "en": value[1]} if isinstance(value, list) and len(value) == 2 else value


def _limit(value: object) -> object:
    amount, _, unit = str(value).partition(" ")
    return {"amount": amount, "unit": unit}


def _split(value: object) -> object:
    return value.split() if isinstance(value, str) else value


Pair = Annotated[Words, BeforeValidator(_pair)]


class FilingCondition(_Model):
    """One reason to file a matter, with its own limit and its own end."""

    when: Pair
    limit: Annotated[Limit, BeforeValidator(_limit)]
    closing: Pair


class CatalogueMatter(_Model):
    """A matter with everything the three lists say of it; `duty` gives the unit, then the co-units, a level."""

    kind: Kind
    code: Code
    name: Pair
    hazards: tuple[Slug, ...] = ()
    severity: Severity
    auto: bool = False
    special_grid: Literal["wins", "ignored"] = "ignored"
    conditions: tuple[FilingCondition, ...]
    duty: dict[Level, Annotated[tuple[str, ...], BeforeValidator(_split)]]
    never: dict[Level, str] = {}


class OwnUnit(_Model):
    """A responsibility for a narrower scope than the whole district."""

    scope: str
    kind: Kind
    code: Code
    level: Level
    unit: str
    co_units: tuple[str, ...]


class Catalogue(_Model):
    """Everything in `catalogue.yaml`."""

    edition: str
    valid_from: dt.date
    big_classes: dict[Kind, dict[str, Pair]]
    units: dict[str, Pair]
    reasons: dict[str, Pair]
    matters: tuple[CatalogueMatter, ...]
    own_units: tuple[OwnUnit, ...]


def load_catalogue(path: Path = CATALOGUE_PATH) -> Catalogue:
    """Read and check the catalogue.

    Raises:
        pydantic.ValidationError: a field is missing, unknown or wrong.
        yaml.YAMLError: the file is no YAML.
    """
    return Catalogue.model_validate(yaml.safe_load(path.read_text("utf-8")))
