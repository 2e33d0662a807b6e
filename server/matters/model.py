"""The three lists as values: matters (事项清单), responsibilities (权责清单) and prohibitions (禁入清单). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from contract.events import Severity
from server.grids.model import LevelKey


class MatterKind(StrEnum):
    """Components are things that stand in the street, events are things that happen; they share numbers."""

    COMPONENT = "component"
    EVENT = "event"


class LimitUnit(StrEnum):
    """How a time limit runs: in working time or round the clock."""

    WORKING_HOUR = "working_hour"
    CONTINUOUS_HOUR = "continuous_hour"
    WORKING_DAY = "working_day"
    CONTINUOUS_DAY = "continuous_day"


class SpecialGridRule(StrEnum):
    """Whether a special grid that holds the point comes before the tree."""

    WINS = "wins"
    IGNORED = "ignored"


class MatterKey(NamedTuple):
    """What identifies a matter. Codes repeat between editions of the catalogue and between kinds."""

    edition: str
    kind: MatterKind
    code: str

    def __str__(self) -> str:
        return f"{self.edition} {self.kind.value} {self.code}"


@dataclass(frozen=True, slots=True)
class FilingCondition:
    """One of a matter's filing conditions with its own time limit and closing condition."""

    number: int
    text_zh: str
    text_en: str
    limit: float
    limit_unit: LimitUnit
    closing_zh: str
    closing_en: str


@dataclass(frozen=True, slots=True)
class Matter:
    """A row of the catalogue: what kind of thing this is, in law and in code. `valid_to` is its last day, if any."""

    key: MatterKey
    name_zh: str
    name_en: str
    big_class_zh: str
    big_class_en: str
    hazards: tuple[str, ...]
    severity: Severity
    conditions: tuple[FilingCondition, ...]
    auto_dispatch: bool
    special_grid: SpecialGridRule
    valid_from: date
    valid_to: date | None = None

    def in_force(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)

    def overlaps(self, other: Matter) -> bool:
        """Whether there is a day on which both are in force."""
        last, others_last = self.valid_to or date.max, other.valid_to or date.max
        return self.valid_from <= others_last and other.valid_from <= last


@dataclass(frozen=True, slots=True)
class Unit:
    """An organisation that handles cases."""

    code: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Responsibility:
    """Whose a matter is at one level, for the grid `scope` and all below (`*`: everywhere)."""

    matter: MatterKey
    scope: str
    level: LevelKey
    unit: Unit
    co_units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Prohibition:
    """A level that must never receive a matter, and why."""

    matter: MatterKey
    level: LevelKey
    reason_zh: str
    reason_en: str
