"""What a junction's controller is told: groups of heads, stages that give green, and plans by time of day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from edge.detectors.traffic_signal.settings import Colour, HeadKind, LawfulOrder, Shape

Lamp = tuple[Colour, Shape]
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class HeadSpec:
    """One head: its lamps from the top or from the left, its phase group, the arm it is for."""

    id: str
    group: str
    lamps: tuple[Lamp, ...]
    approach: str = ""
    kind: HeadKind = HeadKind.VEHICLE
    countdown_seconds: float | None = None
    """It has digits, which are lit while the colour lasts no longer than this; None: it has none."""


class GroupKind(StrEnum):
    """What a phase group shows when it has no green."""

    VEHICLE = "vehicle"
    PEDESTRIAN = "pedestrian"
    """Red; no amber at the end of green."""
    ARROW = "arrow"
    """Nothing: a green arrow beside a head."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Groups that have green together. `shortest` = `longest`: fixed; else vehicles extend it, each green anew.

    `skipped`: the share of cycles in which nobody asked for it. `rests`: the share of cycles in which nobody asks for
    anything else, and it stays green until somebody does, up to `rest_seconds` longer.
    """

    green: tuple[str, ...]
    shortest: float
    longest: float
    skipped: float = 0.0
    rests: float = 0.0
    rest_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Stages in their order, from a time of day on. No stages: night flash, amber of the vehicles' heads."""

    starts: float
    """Seconds after midnight."""
    stages: tuple[Stage, ...] = ()


@dataclass(frozen=True, slots=True)
class JunctionSpec:
    """A junction."""

    heads: tuple[HeadSpec, ...]
    groups: dict[str, GroupKind]
    conflicts: tuple[tuple[str, str], ...]
    plans: tuple[Plan, ...]
    order: LawfulOrder = LawfulOrder.CHINA
    green_flash_seconds: float = 3.0
    """Flashing green at the end of green; 0 for none."""
    pedestrian_flash_seconds: float = 5.0
    amber_seconds: float = 3.0
    all_red_seconds: float = 2.0
    red_amber_seconds: float = 1.5
    flash_hz: float = 1.0
    """Of everything that flashes in normal operation."""

    def __post_init__(self) -> None:
        for head in self.heads:
            if head.group not in self.groups:
                raise ValueError(f"head {head.id}: found group {head.group!r}, expected one of {sorted(self.groups)}")
        if not self.plans:
            raise ValueError("found no plans, expected at least one")
        if list(self.plans) != sorted(self.plans, key=lambda plan: plan.starts):
            raise ValueError("expected plans in the order of their times of day")

    def plan_at(self, second_of_day: float) -> Plan:
        """The plan of a time of day; before the first one begins it is the last one of the day before."""
        current = self.plans[-1]
        for plan in self.plans:
            if plan.starts <= second_of_day % DAY_SECONDS:
                current = plan
        return current


THREE = ((Colour.RED, Shape.BALL), (Colour.AMBER, Shape.BALL), (Colour.GREEN, Shape.BALL))
LEFT = ((Colour.RED, Shape.LEFT), (Colour.AMBER, Shape.LEFT), (Colour.GREEN, Shape.LEFT))
WALK = ((Colour.RED, Shape.PEDESTRIAN), (Colour.GREEN, Shape.PEDESTRIAN))
GREEN_ARROW = ((Colour.GREEN, Shape.RIGHT),)


@dataclass(frozen=True, slots=True)
class Crossroads:
    """A crossroads as a camera sees it: two directions, perhaps left turns, pedestrians and a green right arrow.

    Groups: `ns`, `ew`, `left` (of ns), `walk` (across ew, with ns), `arrow` (right turn of ns, with `left`).
    """

    adaptive: bool = False
    rests: bool = False
    """With `adaptive`: the main road stays green while nobody asks for anything else."""
    left_turns: bool = True
    pedestrians: bool = True
    arrow: bool = False
    """With `left_turns`."""
    countdown_seconds: float | None = None
    order: LawfulOrder = LawfulOrder.CHINA
    night_flash: tuple[float, float] | None = None
    """From and until, seconds after midnight; the start is the later one."""
    scale: float = 1.0
    """Stretches the greens."""
    heads_per_group: int = 2
    flash_hz: float = 1.0

    def spec(self) -> JunctionSpec:
        """The junction."""
        heads, groups, conflicts = self._heads()
        plans = [Plan(6.5 * 3600, self._stages(self.scale)), Plan(22 * 3600, self._stages(0.7 * self.scale))]
        if self.night_flash is not None:
            since, until = self.night_flash
            plans = [Plan(until, self._stages(self.scale)), Plan(since)]
        return JunctionSpec(
            tuple(heads),
            groups,
            tuple(conflicts),
            tuple(plans),
            self.order,
            green_flash_seconds=3.0 if self.order is LawfulOrder.CHINA else 0.0,
            flash_hz=self.flash_hz,
        )

    def _heads(self) -> tuple[list[HeadSpec], dict[str, GroupKind], list[tuple[str, str]]]:
        groups = {"ns": GroupKind.VEHICLE, "ew": GroupKind.VEHICLE}
        conflicts = [("ns", "ew")]
        digits = self.countdown_seconds
        heads = [
            HeadSpec(f"{arm[0]}{number + 1}", group, THREE, arm, countdown_seconds=None if number else digits)
            for group, arm in (("ns", "north"), ("ew", "east"))
            for number in range(self.heads_per_group)
        ]
        if self.left_turns:
            heads.append(HeadSpec("l1", "left", LEFT, "north"))
            groups["left"] = GroupKind.VEHICLE
            conflicts += [("left", "ew"), ("left", "ns")]
        if self.pedestrians:
            heads.append(HeadSpec("w1", "walk", WALK, "crossing", HeadKind.PEDESTRIAN))
            groups["walk"] = GroupKind.PEDESTRIAN
            conflicts.append(("walk", "ew"))
        if self.arrow and self.left_turns:
            heads.append(HeadSpec("a1", "arrow", GREEN_ARROW, "turn", HeadKind.ARROW))
            groups["arrow"] = GroupKind.ARROW
        return heads, groups, conflicts

    def _stages(self, scale: float) -> tuple[Stage, ...]:
        with_walk = ("walk",) if self.pedestrians else ()
        with_arrow = ("arrow",) if self.arrow else ()
        main = self._stage(("ns", *with_walk), scale, 18, 45)
        if self.rests and self.adaptive:
            main = replace(main, rests=0.15, rest_seconds=90.0)
        cross = self._stage(("ew",), scale, 12, 36)
        if not self.left_turns:
            return main, cross
        turn = self._stage(("left", *with_arrow), scale, 8, 18)
        return main, replace(turn, skipped=0.25) if self.adaptive else turn, cross

    def _stage(self, green: tuple[str, ...], scale: float, shortest: float, longest: float) -> Stage:
        if not self.adaptive:
            shortest = longest = (shortest + longest) / 2
        return Stage(green, shortest * scale, longest * scale)
