"""What each hazard says of itself in `detail`. A hazard without a model here keeps its fields as they are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field

from contract.base import ContractModel, Identifier, Label, Slug, Timestamp


class Box(ContractModel):
    """A rectangle in picture pixels; (x, y) is the upper left corner."""

    x: float
    y: float
    width: Annotated[float, Field(ge=0)]
    height: Annotated[float, Field(ge=0)]


class TrackPoint(ContractModel):
    """Where something was: `t` in seconds of media time, (x, y) in pixels."""

    t: float
    x: float
    y: float


class FallFit(ContractModel):
    """The parabola that a falling object's track fits, in façade metres."""

    acceleration_mps2: float
    acceleration_error_mps2: float
    end_speed_mps: float
    drop_m: float
    residual_m: float
    observations: int
    coverage: Annotated[float, Field(ge=0, le=1)]
    """Share of unique, non-busy frames in which the object was seen."""


class ThrownObjectDetail(ContractModel):
    """A thrown or fallen object. `track` is thinned to a few points; the whole lies in the `track` evidence."""

    box: Box
    track: Annotated[tuple[TrackPoint, ...], Field(max_length=16)]
    fall: FallFit


class SensorDetail(ContractModel):
    """A reading beyond its limit."""

    channel: Label
    value: float
    unit: Label
    comparison: Literal["above", "below"]
    set_limit: float
    clear_limit: float
    rule: Slug


class SignalLamp(ContractModel):
    """One lamp of a head."""

    colour: Slug
    shape: Slug = "ball"


MAX_LISTED_HEADS = 24
MAX_LISTED_HEADS_BYTES = 480
"""As JSON: with as much, and everything else that an opened event of a signal holds, it stays below its 2 KB."""


def listed_heads(heads: Iterable[str]) -> tuple[str, ...]:
    """The first of the heads' ids, as many as an event has room for; at least one if there are any."""
    listed: list[str] = []
    room = MAX_LISTED_HEADS_BYTES
    for head in heads:
        room -= len(head.encode()) + len('"",')
        if listed and (room < 0 or len(listed) == MAX_LISTED_HEADS):
            break
        listed.append(head)
    return tuple(listed)


class SignalDetail(ContractModel):
    """A fault of traffic signals. Which lamps were lit when lies in the `timeline` evidence (`contract.timeline`)."""

    scope: Literal["head", "approach", "junction", "groups"]
    heads: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MAX_LISTED_HEADS)]
    """The heads concerned, the first of `heads_total`: `listed_heads`."""
    heads_total: Annotated[int, Field(ge=1)]
    approach: Label | None = None
    groups: Annotated[tuple[Identifier, ...], Field(max_length=8)] = ()
    """The phase groups that were green together, or whose order was illegal."""
    box: Box | None = None
    """Around the heads concerned."""
    lamp: SignalLamp | None = None
    """The lamp that failed, is stuck or flashes."""
    seconds: Annotated[float, Field(ge=0)] = 0
    """How long it lasts by now."""
    expected_seconds: Annotated[float, Field(ge=0)] | None = None
    """The longest that would be normal at this hour."""
    flash_hz: float | None = None
    flash_duty: Annotated[float, Field(ge=0, le=1)] | None = None
    cycles: Annotated[int, Field(ge=0)] | None = None
    """Cycles in which it was seen."""
    order: Annotated[tuple[Label, ...], Field(max_length=8)] = ()
    """An illegal order of states, as `red`, `red+amber`, `dark`."""
    visible_share: Annotated[float, Field(ge=0, le=1)]
    """Of the time that the judgement rests on, in which the heads could be seen."""
    samples_per_second: Annotated[float, Field(gt=0)]
    repaired_at: Timestamp | None = None
    """When normal operation began again; set when the fault is over."""


class FireWitness(ContractModel):
    """Another source that saw, felt or smelt something burn at about the same time and place."""

    source: Identifier
    hazard: Slug
    seconds_ago: Annotated[float, Field(ge=0)]
    distance_m: Annotated[float, Field(ge=0)] | None = None


class FireDetail(ContractModel):
    """Flames or smoke. Sizes in metres only where the camera's ground is known."""

    box: Box
    stage: Literal["warning", "critical"]
    proposers: Annotated[tuple[Slug, ...], Field(min_length=1, max_length=4)]
    """What drew attention to it: `model`, `flame` (classical) or `smoke` (classical)."""
    light: Literal["day", "night", "infrared"]
    seconds: Annotated[float, Field(ge=0)]
    """For how long it is seen by now."""
    area_share: Annotated[float, Field(ge=0, le=1)]
    """Of the picture."""
    growth_per_minute: float | None = None
    """Relative growth of its area: 1 doubles it in a minute, -0.5 halves it. None: not seen for long enough."""
    width_m: Annotated[float, Field(ge=0)] | None = None
    height_m: Annotated[float, Field(ge=0)] | None = None
    cues: Annotated[dict[Slug, float], Field(max_length=16)] = Field(default_factory=dict)
    """What the confidence rests on, by name with the unit at its end where there is one."""
    witnesses: Annotated[tuple[FireWitness, ...], Field(max_length=4)] = ()


class ObjectBox(ContractModel):
    """One thing that is where it should not be."""

    label: Label
    box: Box
    seconds: Annotated[float, Field(ge=0)]
    """For how long it is there."""


class ObjectsDetail(ContractModel):
    """Things of certain classes in a zone, against its rule."""

    zone: Label
    rule: Literal["dwell", "count", "direction"]
    count: Annotated[int, Field(ge=1)]
    """How many break the rule."""
    seconds: Annotated[float, Field(ge=0)]
    """For how long the rule is broken."""
    limit: Annotated[float, Field(ge=0)]
    """What the rule allows: seconds, or a number of things; degrees off the allowed direction."""
    objects: Annotated[tuple[ObjectBox, ...], Field(min_length=1, max_length=6)]
    """The first of them, longest first."""
    heading_degrees: Annotated[float, Field(ge=0, lt=360)] | None = None
    """Which way it goes in the picture: 0 is up, 90 to the right."""


class SurveyRef(ContractModel):
    """A picture of the ground as it was at a time: a flight, or an orthophoto."""

    id: Identifier
    kind: Literal["flight", "orthophoto"] = "flight"
    taken_at: Timestamp | None = None
    """None: an orthophoto whose day nobody knows."""


class StructureCover(ContractModel):
    """What the register says of the place. Dates are days in the register's own time zone, both inclusive."""

    register_id: Label | None = None
    """The approved building that it touches or contains."""
    permit_id: Label | None = None
    """The permit for most of it, whether it is in force or not."""
    permit_state: Literal["valid", "expired", "not_yet", "unreadable"] | None = None
    """On the day of the flight. `valid` covers what is not exceeded; `unreadable`: its dates could not be read."""
    valid_from: date | None = None
    valid_until: date | None = None


class StructureSightings(ContractModel):
    """How often it was seen. `frames` counts pairs of pictures, `flights` the flights that they belong to."""

    frames: Annotated[int, Field(ge=0)]
    flights: Annotated[int, Field(ge=1)]
    first_seen: Timestamp


class StructureDetail(ContractModel):
    """Something built, extended or removed since an earlier survey. Its footprint is the location's `area`."""

    structure: Identifier
    """Names the same thing in every flight over the area."""
    change: Literal["new", "extended", "higher_unknown", "removed"]
    """`higher_unknown`: its roof is another one; whether it has grown higher cannot be told from above."""
    area_m2: Annotated[float, Field(ge=0)]
    exceeded_m2: Annotated[float, Field(ge=0)]
    """What of it lies outside everything approved, less what the measurement may be wrong by."""
    cover: StructureCover | None = None
    """None: the register knows nothing there."""
    on: Annotated[tuple[Literal["road", "green", "water"], ...], Field(max_length=3)] = ()
    order_id: Label | None = None
    """The demolition order for it."""
    rebuilt: bool = False
    """Something that was removed stood there before."""
    cues: Annotated[tuple[Slug, ...], Field(max_length=8)] = ()
    """What it looks like from above, as `colour_steel`."""
    sightings: StructureSightings
    flight: SurveyRef
    compared_with: SurveyRef
    removed_at: Timestamp | None = None
    """When it was seen to be gone; set when it is over for that."""


class SourceHealthDetail(ContractModel):
    """Why a source cannot see. `measured` holds the figures behind it, by name with the unit at its end."""

    reason: Label
    measured: Annotated[dict[Slug, float], Field(max_length=16)] = Field(default_factory=dict)


class MovedDetail(SourceHealthDetail):
    """Where a camera looks now, against the view it was set up with: shares of the picture's width, right and down.

    Neither is there where the view is another one altogether.
    """

    shift_x: float | None = None
    shift_y: float | None = None


class DeviceTroubleDetail(SourceHealthDetail):
    """What is wrong with a box, and which of its sources cannot see for it."""

    sources: Annotated[tuple[Identifier, ...], Field(max_length=32)] = ()
    """At most the first 32; `sources_total` counts them all."""
    sources_total: Annotated[int, Field(ge=0)] = 0


SIGNAL_HAZARDS = (
    "signal_dark",
    "signal_lamp",
    "signal_stuck",
    "signal_flashing",
    "signal_conflict",
    "signal_sequence",
    "signal_countdown",
)
FIRE_HAZARDS = ("fire", "smoke")
OBJECT_HAZARDS = ("blocked_fire_lane", "parked_vehicle", "intrusion", "crowd", "wrong_way", "objects_in_zone")
SIGHT_HAZARDS = (
    "camera_offline",
    "camera_frozen",
    "camera_covered",
    "camera_blurred",
    "camera_overexposed",
    "camera_underexposed",
    "canary_lost",
)
"""A camera that cannot see, or did not find what was made up for it; beside them `camera_moved`."""
DEVICE_HAZARDS = ("cameras_offline", "clock_wrong", "disk_short", "device_hot", "uplink_down", "model_failed")
"""A box in trouble: their source is the box itself."""
SENSOR_HAZARDS = ("water_level", "gas", "smoke_density", "temperature", "tilt", "power", "sensor")

DETAILS: Mapping[str, type[ContractModel]] = MappingProxyType(
    {
        "thrown_object": ThrownObjectDetail,
        "illegal_structure": StructureDetail,
        "camera_moved": MovedDetail,
        **dict.fromkeys(SIGNAL_HAZARDS, SignalDetail),
        **dict.fromkeys(FIRE_HAZARDS, FireDetail),
        **dict.fromkeys(OBJECT_HAZARDS, ObjectsDetail),
        **dict.fromkeys(SIGHT_HAZARDS, SourceHealthDetail),
        **dict.fromkeys(DEVICE_HAZARDS, DeviceTroubleDetail),
        **dict.fromkeys(SENSOR_HAZARDS, SensorDetail),
    }
)
"""Hazard slug to the model of its `detail`."""
