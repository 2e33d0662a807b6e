"""Settings of `thrown_object`.

Defaults are starting values: one set of them found the falls of four real clips at design time, with reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from edge.detectors.registry import PictureSize, SettingProblem
from edge.vision.plane import FacadePlane, plane_from_camera, plane_from_points
from edge.vision.regions import polygon_mask, without

Pixel = tuple[float, float]
Polygon = Annotated[tuple[Pixel, ...], Field(min_length=3, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=60)]
Metres = Annotated[float, Field(gt=0, le=1000)]
Share = Annotated[float, Field(gt=0, lt=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CalibrationPoint(_Settings):
    """A pixel, and where on the façade it lies: metres to the right of any origin, and up from the ground."""

    pixel: Pixel
    metres: tuple[float, float]


class CameraPose(_Settings):
    """A camera that looks squarely at the façade, tilted up. For detection a scale wrong by 0.6-1.6 × does no harm."""

    height_m: Annotated[float, Field(ge=-50, le=200)]
    """Of the lens above the ground."""
    tilt_degrees: Annotated[float, Field(gt=-30, lt=85)]
    """Of the optical axis above the horizon."""
    focal_px: Annotated[float, Field(gt=10, le=100_000)]
    """Focal length / pixel pitch: picture width / (2 tan(half of the horizontal angle of view))."""
    distance_m: Metres
    """From the lens to the façade, along the ground."""


class FacadeSettings(_Settings):
    """Where falls can be seen, and how pixels become metres: by `homography` or by `camera`."""

    polygon: Polygon
    """Picture pixels. Reaches above the roof's edge: what is first seen at the border is taken for rain."""
    ignore: Annotated[tuple[Polygon, ...], Field(max_length=50)] = ()
    """Foliage, flags, roads."""
    homography: Annotated[tuple[CalibrationPoint, ...], Field(min_length=4, max_length=100)] | None = None
    camera: CameraPose | None = None

    @model_validator(mode="after")
    def _one_calibration(self) -> FacadeSettings:
        if (self.homography is None) == (self.camera is None):
            found = "both" if self.camera is not None else "neither"
            raise ValueError(
                f"found {found} of homography and camera, expected one: 4 or more points {{pixel: [x, y], metres: "
                "[x, y]}, or camera: {height_m, tilt_degrees, focal_px, distance_m}"
            )
        if self.homography is not None and not self.plane(PictureSize(1, 1)).faces([p.pixel for p in self.homography]):
            raise ValueError(
                "found homography points that mirror or twist the façade, expected metres y to grow upward"
            )
        return self

    def plane(self, size: PictureSize) -> FacadePlane:
        """The façade plane for a picture of this size.

        Raises:
            ValueError: the points fit no homography.
        """
        if self.homography is not None:
            return plane_from_points([p.pixel for p in self.homography], [p.metres for p in self.homography])
        assert self.camera is not None, "validated: one of both"
        pose = self.camera
        return plane_from_camera(
            size.width,
            size.height,
            height_m=pose.height_m,
            tilt_degrees=pose.tilt_degrees,
            focal_px=pose.focal_px,
            distance_m=pose.distance_m,
        )


class BackgroundSettings(_Settings):
    """What counts as foreground."""

    tau_seconds: Seconds = 2.5
    """Slower: sun patches stay foreground; faster: hovering things vanish."""
    min_half_width_levels: Annotated[float, Field(ge=2, le=100)] = 12
    """Grey levels. H.264 at usual rates leaves 3-6 levels of blocking noise on a wall."""
    sigmas: Annotated[float, Field(ge=2, le=12)] = 5.5
    """Of the RMS deviation: 3.5 halves recall, 4.5 makes noise look busy [design-time prototype, four clips]."""
    hot_above: Share = 0.40
    """A cell (80 px) that holds foreground for more than this share of time (τ `hot_tau_seconds`) is switched off …"""
    hot_until: Share = 0.15
    """… until it holds less than this."""
    hot_tau_seconds: Seconds = 4.0
    busy_share: Share = 0.02
    """Of the watched pixels: more at once is weather, light or a shaking camera, not an object."""
    busy_contours: Annotated[int, Field(ge=10, le=2000)] = 160
    """120-200 in the prototype; each costs 30 µs."""
    reseed_seconds: Seconds = 0.5
    """After so long busy, start from the present picture: "busy → do not learn" would never end."""
    blob_px: tuple[float, float] = (2, 1500)
    """Smallest and largest area. A single pixel is noise; 1500 px² is a person."""

    @model_validator(mode="after")
    def _ordered(self) -> BackgroundSettings:
        if self.hot_until >= self.hot_above:
            raise ValueError(f"found hot_until {self.hot_until}, expected less than hot_above {self.hot_above}")
        if not 0 < self.blob_px[0] < self.blob_px[1]:
            raise ValueError(f"found blob_px {list(self.blob_px)}, expected [smallest, largest]")
        return self


class TrackSettings(_Settings):
    """How sightings become tracks."""

    ring_seconds: Seconds = 2.5
    """What a second look may use; 2.5 s of free fall are 30 m."""
    birth_seconds: Seconds = 0.3
    """Three consistent sightings within this make a track."""
    coast_seconds: Seconds = 0.25
    """A track may be unseen for this long: a window frame, a branch."""
    second_look_seconds: Seconds = 0.4
    """How often loose sightings are searched for a parabola."""
    trials: Annotated[int, Field(ge=16, le=5000)] = 512
    """Hypotheses a search: finds a fall seen 14 times among twice as much clutter in 99 of 100 searches [measured]."""


class GateSettings(_Settings):
    """What a track must show. Published or measured at design time; several independent stages, not one good one."""

    observations_at_10_fps: Annotated[int, Field(ge=4, le=100)] = 5
    observations_at_25_fps: Annotated[int, Field(ge=4, le=100)] = 8
    """Between the two in proportion."""
    duration_seconds: Seconds = 0.27
    coverage: Share = 0.5
    """Share of unique, non-busy frames in which it was seen: real falls 0.53-1.0, leaves at start-up 0.36-0.45."""
    drop_m: Metres = 5.0
    acceleration_mps2: tuple[float, float] = (2.5, 20.0)
    """Apparent: steep views, drag and scale bend 9.8 into 3.8 … 15.4 (four real events)."""
    acceleration_errors: Annotated[float, Field(ge=0, le=20)] = 3.0
    """It is at least so many of its standard errors: real falls had 7 and more, chance parabolas of flames 2-5
    [measured on office1, its variants, generated falls and fire clips]."""
    start_speed_mps: Annotated[float, Field(gt=0, le=100)] = 14.0
    """More is rain near the lens. 6 would refuse 71 % of objects thrown down."""
    end_speed_mps: tuple[float, float] = (4.0, 40.0)
    sideways: Annotated[float, Field(gt=0, le=5)] = 0.6
    """Of the end speed. Birds glide."""
    residual_m: Metres = 0.15
    residual_px: Annotated[float, Field(gt=0, le=50)] = 2.0
    """Where a pixel is worth more than 7.5 cm, so many pixels are allowed."""
    timing_error_seconds: Annotated[float, Field(ge=0, le=0.1)] = 0.004
    """Jitter of exposure against time stamps: at 20 m/s it is 8 cm."""
    border_share: Annotated[float, Field(ge=0, lt=0.2)] = 0.015
    """Of the picture's width: what is first seen nearer to the polygon's border, or was there a frame earlier, is rain
    (8.5 % → 0.1 % [s])."""
    crowded: Share = 0.4
    """Share of its places where something else was within 0.6 s: a fall is never where it was. Real falls 0-0.30,
    chance parabolas among flames 0.4-0.8 [measured on the same clips]."""
    ignore_first_seconds: Annotated[float, Field(ge=0, le=60)] = 1.0
    """A live stream begins with broken pictures and an untaught background."""

    @model_validator(mode="after")
    def _ordered(self) -> GateSettings:
        for name in ("acceleration_mps2", "end_speed_mps"):
            low, high = getattr(self, name)
            if not 0 < low < high:
                raise ValueError(f"found {name} {[low, high]}, expected [lowest, highest]")
        return self


class TierSettings(_Settings):
    """What makes a fall worth waking somebody; less goes to review."""

    observations: Annotated[int, Field(ge=5, le=100)] = 12
    coverage: Share = 0.6
    drop_m: Metres = 6.0
    acceleration_errors: Annotated[float, Field(gt=0, le=20)] = 4.0
    """Acceleration in units of its standard error."""


class GroupSettings(_Settings):
    """When two falls are one: glass mirrors a fall, and a branch cuts it in two."""

    sideways_m: Metres = 3.0
    gap_seconds: Annotated[float, Field(ge=0, le=10)] = 0.5


class ThrownObjectSettings(_Settings):
    """What `detectors.thrown_object` of a camera may hold."""

    facade: FacadeSettings
    max_fps: Annotated[float, Field(ge=5, le=120)] = 25.0
    """Frames looked at a second, the others are passed over. 15 are enough for physics, 20-25 for association [s]."""
    background: BackgroundSettings = BackgroundSettings()
    tracks: TrackSettings = TrackSettings()
    gates: GateSettings = GateSettings()
    tier: TierSettings = TierSettings()
    grouping: GroupSettings = GroupSettings()


def picture_problems(settings: ThrownObjectSettings, size: PictureSize) -> Sequence[SettingProblem]:
    """What of the settings does not fit a picture of this size: polygons outside of it, a plane that vanishes."""
    facade = settings.facade
    problems = list(_outside(("facade", "polygon"), facade.polygon, size))
    for number, polygon in enumerate(facade.ignore):
        problems += _outside(("facade", "ignore", number), polygon, size)
    if not problems and _area(facade.polygon) < 100:
        problems.append(SettingProblem(("facade", "polygon"), "found a polygon of no area, expected a region"))
    if not problems and not without(polygon_mask(facade.polygon, size.width, size.height), facade.ignore).any():
        problems.append(SettingProblem(("facade", "ignore"), "found everything masked, expected a part to be watched"))
    if not problems and not facade.plane(size).faces(facade.polygon):
        where = "homography" if facade.homography is not None else "camera"
        message = (
            "found a calibration whose horizon cuts the polygon, expected every pixel of the polygon to lie on the "
            "façade with height growing upward in the picture"
        )
        problems.append(SettingProblem(("facade", where), message))
    return problems


def _outside(path: tuple[str | int, ...], polygon: Polygon, size: PictureSize) -> Iterator[SettingProblem]:
    for number, (x, y) in enumerate(polygon):
        if not (0 <= x <= size.width and 0 <= y <= size.height):
            yield SettingProblem(
                (*path, number),
                f"found [{x:g}, {y:g}], expected a pixel of the {size.width} x {size.height} picture",
            )


def _area(polygon: Polygon) -> float:
    following = (*polygon[1:], polygon[0])
    return abs(math.fsum(x * v - u * y for (x, y), (u, v) in zip(polygon, following, strict=True))) / 2
