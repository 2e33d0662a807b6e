"""What routing says: the queue, whose it would be, and each step that led there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.matters.model import MatterKey, Unit


class Rule(StrEnum):
    """Which rule a step applied."""

    MATTER = "matter"
    PLACE = "place"
    SPECIAL_GRID = "special_grid"
    PROHIBITION = "prohibition"
    RESPONSIBILITY = "responsibility"
    CATCH_ALL = "catch_all"
    BORDER = "border"


class Outcome(StrEnum):
    """What the rule came to."""

    MATTER_FOUND = "matter_found"
    HAZARD_UNKNOWN = "hazard_unknown"
    IN_GRID = "in_grid"
    OUTSIDE_EVERY_GRID = "outside_every_grid"
    SPECIAL_WINS = "special_wins"
    SPECIAL_IGNORED = "special_ignored"
    PROHIBITED = "prohibited"
    NOBODY_RESPONSIBLE = "nobody_responsible"
    RESPONSIBLE = "responsible"
    CAUGHT = "caught"
    BORDER_QUEUE = "border_queue"
    TOO_VAGUE = "too_vague"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the decision: which rule, at which grid, with what outcome, in words."""

    rule: Rule
    outcome: Outcome
    grid: str | None
    text_zh: str
    text_en: str

    def as_json(self) -> dict[str, str | None]:
        return {
            "rule": self.rule.value,
            "grid": self.grid,
            "outcome": self.outcome.value,
            "text_zh": self.text_zh,
            "text_en": self.text_en,
        }


@dataclass(frozen=True, slots=True)
class Route:
    """The decision. `queue` is a grid's code or `catch-all`; `unit` whom the lists propose (None in the catch-all).

    `border_queues` are those in which the alert shows as well, widest share of the disc first.
    """

    queue: str
    matter: MatterKey | None
    unit: Unit | None
    co_units: tuple[str, ...]
    border_queues: tuple[str, ...]
    steps: tuple[Step, ...]
    list_version: int | None
    grid_version: int | None
