"""Settings of `objects_in_zone`: which things, where, and what of them is against the rule."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from contract.base import Identifier, Label, Slug
from contract.details import DETAILS, OBJECT_HAZARDS, ObjectsDetail
from contract.events import Severity, Tier
from edge.detectors.registry import PictureSize, SettingProblem
from edge.vision.zones import Anchor

Pixel = tuple[float, float]
Polygon = Annotated[tuple[Pixel, ...], Field(min_length=3, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Share = Annotated[float, Field(gt=0, lt=1)]
RuleKind = Literal["dwell", "count", "direction"]
Classes = Annotated[tuple[Label, ...], Field(min_length=1, max_length=100)]

ALIKE: tuple[tuple[str, ...], ...] = (("car", "truck", "bus", "van"), ("bicycle", "motorcycle"))
"""Names of COCO's and similar lists that networks give to one and the same thing in turn."""


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DwellSettings(_Settings):
    """Nothing of these classes may be here for longer."""

    seconds: Seconds
    """Longer than what is ordinary there: a red light, somebody who gets out."""
    still: bool = False
    """Only what stands counts: a queue that moves is not parked. For people, who may walk about, leave it off."""


class CountSettings(_Settings):
    """No more of them may be here at once."""

    more_than: Annotated[int, Field(ge=0, le=1000)]
    seconds: Seconds
    """For so long, in most looks: somebody who walks past is no crowd."""


class DirectionSettings(_Settings):
    """They may go one way only."""

    allowed_degrees: Annotated[float, Field(ge=0, lt=360)]
    """In the picture: 0 is up, 90 to the right, 180 down."""
    tolerance_degrees: Annotated[float, Field(gt=0, lt=180)] = 100.0
    """Who crosses goes at 90: only what comes against it is wrong."""
    seconds: Seconds = 1.0
    """For so long against it: three looks at least, whatever is set here."""
    over_seconds: Annotated[float, Field(gt=0, le=60)] = 2.0
    """Headings are taken over so much of a track. Shorter, and a box that breathes turns round."""
    travel: Annotated[float, Field(gt=0, le=20)] = 0.5
    """In heights of its own box, so that perspective changes nothing: who has not moved has no direction."""


class RuleSettings(_Settings):
    """One rule: `dwell`, `count` or `direction`."""

    classes: Classes
    """Of the model's labels."""
    dwell: DwellSettings | None = None
    count: CountSettings | None = None
    direction: DirectionSettings | None = None
    hazard: Slug = "objects_in_zone"
    severity: Severity = Severity.YELLOW
    tier: Tier = Tier.REVIEW
    """What is not proven at this camera wakes nobody. `alarm` once its events have been looked at for a week."""

    @property
    def kind(self) -> RuleKind:
        """The rule's name in `ObjectsDetail`."""
        if self.dwell is not None:
            return "dwell"
        return "count" if self.count is not None else "direction"

    @field_validator("hazard")
    @classmethod
    def _is_of_things(cls, hazard: str) -> str:
        if DETAILS.get(hazard, ObjectsDetail) is not ObjectsDetail:
            told = ", ".join(OBJECT_HAZARDS)
            raise ValueError(f"found {hazard!r}, which another detector sees; expected {told}, or a new one")
        return hazard

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [name for name in ("dwell", "count", "direction") if getattr(self, name) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(
                f"found {found} of dwell, count and direction, expected one: dwell: {{seconds: 120, still: true}}, "
                "count: {more_than: 5, seconds: 30} or direction: {allowed_degrees: 90}"
            )
        return self


class ZoneSettings(_Settings):
    """A part of the picture with rules."""

    name: Label
    polygon: Polygon
    """Picture pixels, on the ground."""
    anchor: Anchor = Anchor.BOTTOM
    """Which point of a thing's box must lie in it: on the ground it is where it stands."""
    rules: Annotated[tuple[RuleSettings, ...], Field(min_length=1, max_length=16)]

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for (hazard, kind), count in Counter((rule.hazard, rule.kind) for rule in self.rules).items():
            if count > 1:
                raise ValueError(
                    f"found {count} rules of {kind} for {hazard}, expected one: join their classes, or give one "
                    "another hazard"
                )
        return self


class ObjectsInZoneSettings(_Settings):
    """What `detectors.objects_in_zone` of a camera may hold."""

    model: Identifier
    """One of `inference.models`."""
    zones: Annotated[tuple[ZoneSettings, ...], Field(min_length=1, max_length=64)]
    look_seconds: Annotated[float, Field(ge=0.04, le=60)] = 0.5
    """How often the model is asked: two looks a second follow people and slow traffic. Parking needs one in two
    seconds, direction in fast traffic four a second."""
    min_score: Share = 0.4
    """Of a box that begins a thing; half of that keeps one. Small networks find few false things above it."""
    min_seen: Share = 0.6
    """Share of the looks in which a thing was seen: networks miss real ones in a third of looks at worst, false ones
    come and go."""
    forget_seconds: Seconds = 10.0
    """What is not seen for so long, and not hidden, is gone. Longer, and the next car at its place is taken for it."""
    hidden_seconds: Seconds = 60.0
    """What something else stands before may be there for so long: a bus at a red light."""
    clear_seconds: Seconds = 20.0
    """A rule that nobody breaks in looks over so long is kept again."""
    alike: tuple[Classes, ...] = ALIKE
    """Labels that are one thing for tracking; its label is what it was called most."""

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        for name, count in Counter(zone.name for zone in self.zones).items():
            if count > 1:
                raise ValueError(f"found {count} zones named {name!r}, expected names that tell them apart")
        return self


def picture_problems(settings: ObjectsInZoneSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """Zones that leave the picture, or hold none of it."""
    problems: list[SettingProblem] = []
    for number, zone in enumerate(settings.zones):
        path = ("zones", number, "polygon")
        outside = list(_outside(path, zone.polygon, size))
        problems += outside
        if not outside and _area_px2(zone.polygon) < 1:
            problems.append(SettingProblem(path, "found a polygon of no area, expected a region"))
    return problems


def model_problems(settings: ObjectsInZoneSettings, models: Mapping[str, Sequence[str]]) -> Sequence[SettingProblem]:
    """A model that is not configured, and classes that it does not know."""
    if settings.model not in models:
        expected = ", ".join(models) or "none: inference.models is empty"
        message = f"found {settings.model!r}, expected one of inference.models: {expected}"
        return [SettingProblem(("model",), message)]
    labels = models[settings.model]
    if not labels:
        return [
            SettingProblem(
                ("model",),
                f"found {settings.model!r} without labels, expected inference.models."
                f"{settings.model}.labels: [person, car, …]",
            )
        ]
    return [
        SettingProblem(
            ("zones", number, "rules", index, "classes", place),
            f"found {label!r}, expected one of the labels of {settings.model}: {', '.join(labels)}",
        )
        for number, zone in enumerate(settings.zones)
        for index, rule in enumerate(zone.rules)
        for place, label in enumerate(rule.classes)
        if label not in labels
    ]


def scaled(settings: ObjectsInZoneSettings, main: PictureSize, decoded: PictureSize) -> ObjectsInZoneSettings:
    """The settings in pixels of `decoded`, which shows what `main` shows."""
    across, down = decoded.width / main.width, decoded.height / main.height
    zones = tuple(
        zone.model_copy(update={"polygon": tuple((x * across, y * down) for x, y in zone.polygon)})
        for zone in settings.zones
    )
    return settings.model_copy(update={"zones": zones})


def _outside(path: tuple[str | int, ...], polygon: Polygon, size: PictureSize) -> Iterator[SettingProblem]:
    for number, (x, y) in enumerate(polygon):
        if not (0 <= x <= size.width and 0 <= y <= size.height):
            message = f"found [{x:g}, {y:g}], expected a pixel of the {size.width} x {size.height} picture"
            yield SettingProblem((*path, number), message)


def _area_px2(polygon: Polygon) -> float:
    following = (*polygon[1:], polygon[0])
    return abs(sum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) / 2
