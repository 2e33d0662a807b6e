"""How a camera that flies tells where it is and how it is turned, picture by picture."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from contract.geometry import Latitude, Longitude, Point
from edge.config.base import ConfigPath, Settings
from edge.config.inputs import TopicFilter
from edge.flights.flight_settings import GroundSettings as FlightGroundSettings
from edge.flights.flight_settings import LensSettings
from edge.flights.telemetry import Positioning

_NEEDED = ("pyproj", "rasterio", "shapely", "exifread")
_Sigma = Annotated[float, Field(gt=0, le=200)]
_Lag = Annotated[float, Field(ge=-60, le=60)]


class DroneGroundSettings(FlightGroundSettings):
    """What the lines of sight meet. Nothing stated: level ground at the height of the takeoff point.

    An elevation model is read once, around the source's `location`, as far as that location's `accuracy_m`.
    """

    elevation: ConfigPath | None = None
    """A GeoTIFF of the terrain."""
    sigma_m: _Sigma | None = None
    """Standard deviation of the ground's height, hills included. Absent: 5 m for level ground, for a drone goes far;
    3 m for a GeoTIFF."""


class TakeoffSettings(Settings):
    """The place that heights above takeoff are above: needed where they meet an elevation model."""

    lon: Longitude
    lat: Latitude
    height_m: Annotated[float, Field(ge=-1_000, le=10_000)] | None = None
    """In the ground's datum. Absent: as the ground has it there."""


class _Drone(Settings):
    """What every way of telling has in common."""

    ground: DroneGroundSettings = DroneGroundSettings()
    lens: LensSettings = LensSettings()
    """In pixels of the main stream. Without `focal_px` the whole sensor is taken to be shown, and places are worse."""
    takeoff: TakeoffSettings | None = None
    """Absent: where the drone is seen within 3 m of its takeoff height."""
    takeoff_height_sigma_m: _Sigma | None = None
    sea_height_sigma_m: _Sigma | None = None
    """Of heights above takeoff and above the sea, where they are known to be better or worse than usual."""
    positioning: Positioning | None = None
    """What the drone works with, where its telemetry does not say."""
    assume_nadir: bool = False
    """Read telemetry without gimbal angles as that of a camera that looks straight down."""
    stale_after_seconds: Annotated[float, Field(gt=0, le=30)] = 2.0
    """Without a record for so long there is no place rather than a wrong one. Until then the drone is taken to go on
    as it did, and the accuracy grows."""
    longest_gap_seconds: Annotated[float, Field(gt=0, le=60)] = 3.0
    """Between two records that a picture lies between: in a longer gap a drone may have done anything."""
    clock_sigma_seconds: Annotated[float, Field(gt=0, le=30)] | None = None
    """How well it is known which record belongs to which picture, one standard deviation. Times the speed it is part
    of the accuracy. Absent: 0.1 s; over MQTT 0.3 s with a stated `lag_seconds`, else 1 s."""
    pixel_error_px: Annotated[float, Field(gt=0, le=100)] = 4.0
    """Of the foot of what is detected, one standard deviation, in pixels of the main stream."""
    max_accuracy_m: Annotated[float, Field(gt=0, le=10_000)] = 100.0
    """Places that are known worse are not given: the event is then where the source's `location` says."""

    @model_validator(mode="after")
    def _is_installed(self) -> Self:
        missing = [name for name in _NEEDED if find_spec(name) is None]
        if missing:
            raise ValueError(
                f"found telemetry, which needs {', '.join(missing)}: install gridsentry[edge,survey] on this box"
            )
        return self


class KlvTelemetry(_Drone):
    """MISB ST 0601 packets in the stream itself: MPEG-TS over RTSP, HTTP or HLS, or a recording of it."""

    type: Literal["klv"]
    lag_seconds: _Lag = 0.0
    """How much older a picture is than the packet with the same stamp."""


class FieldSettings(Settings):
    """Where one value lies in a message."""

    path: Annotated[str, Field(min_length=1, max_length=256)]
    """Keys and list positions joined by dots: `data.latitude`."""
    scale: Annotated[float, Field(gt=-1e12, lt=1e12)] = 1.0
    """What the number is multiplied by: 1e-7 for MAVLink's degrees, 0.001 for its millimetres."""

    @field_validator("scale")
    @classmethod
    def _is_not_zero(cls, value: float) -> float:
        if value == 0:
            raise ValueError("found a scale of 0, which leaves nothing of the value")
        return value


def _by_path(value: Any) -> Any:
    return {"path": value} if isinstance(value, str) else value


MessageField = Annotated[FieldSettings, BeforeValidator(_by_path)]
"""A path alone, or with a scale."""


class MessageFields(Settings):
    """Where what a drone tells lies in its messages. One message holds all of it; angles in degrees."""

    latitude: MessageField
    longitude: MessageField
    above_takeoff_m: MessageField | None = None
    above_sea_m: MessageField | None = None
    above_ellipsoid_m: MessageField | None = None
    gimbal_yaw: MessageField | None = None
    """Clockwise from true north, see `gimbal_yaw_from`."""
    gimbal_pitch: MessageField | None = None
    """Above the horizon: straight down is -90."""
    gimbal_roll: MessageField | None = None
    """Absent: 0."""
    heading: MessageField | None = None
    """Of the aircraft's nose, clockwise from true north."""
    zoom: MessageField | None = None
    """Digital or optical, as a factor; 1 is none."""
    focal_mm: MessageField | None = None
    focal_35mm_mm: MessageField | None = None
    horizontal_sigma_m: MessageField | None = None
    vertical_sigma_m: MessageField | None = None
    """Standard deviations of one axis."""

    @model_validator(mode="after")
    def _has_a_height(self) -> Self:
        if self.above_takeoff_m is None and self.above_sea_m is None and self.above_ellipsoid_m is None:
            raise ValueError("found no height, expected above_takeoff_m, above_sea_m or above_ellipsoid_m")
        if (self.gimbal_yaw is None) != (self.gimbal_pitch is None):
            raise ValueError("found one of gimbal_yaw and gimbal_pitch, expected both or neither")
        return self


class MqttTelemetry(_Drone):
    """JSON messages on a topic of the configured broker."""

    type: Literal["mqtt"]
    topic: TopicFilter
    time_path: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """Where the time of a record lies: RFC 3339 text or Unix seconds or milliseconds. Only its steps count, so that the
    drone's clock may be wrong. Absent: time of arrival, with the network's jitter."""
    lag_seconds: _Lag | None = None
    """How much later a picture arrives here than the message of the same moment: the video's delay less the messages'.
    Absent: taken as 0, and `clock_sigma_seconds` is 1 s."""
    fields: MessageFields
    gimbal_yaw_from: Literal["north", "nose"] = "north"
    """What the gimbal's yaw counts from; `nose` needs the field `heading`."""

    @model_validator(mode="after")
    def _nose_needs_a_heading(self) -> Self:
        if self.gimbal_yaw_from == "nose" and self.fields.heading is None:
            raise ValueError("found gimbal_yaw_from: nose without a field heading, expected both")
        return self


class FileTelemetry(_Drone):
    """A log beside a recording: DJI subtitles, CSV, KLV, or what is inside of the recording."""

    type: Literal["file"]
    path: ConfigPath | None = None
    """Absent: the log in the recording, or beside it under its name."""
    offset_seconds: Annotated[float, Field(ge=-86_400, le=86_400)] = 0.0
    """Seconds of the log at the recording's first picture."""
    near: Point | None = None
    zone: Annotated[str, Field(max_length=64)] | None = None
    """As in the settings of flights: where it was, and the zone of its clock, where a log leaves that open."""


TelemetrySettings = Annotated[KlvTelemetry | MqttTelemetry | FileTelemetry, Field(discriminator="type")]
"""How the camera's place and turn are told; `type` says which."""
