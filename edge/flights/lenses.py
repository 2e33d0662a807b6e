"""The lens of a picture, from whatever it says of itself: the best source wins, and the uncertainty is that source's.

In the order of trust: focal length in pixels (calibrated, or as the maker meant it), focal length in millimetres with
the width of a known sensor, a known camera alone, the 35 mm equivalent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.flights.cameras import Camera, camera_of
from edge.flights.telemetry import Interpretation
from edge.vision.lens import Lens

CALIBRATED_SIGMA = 0.002
"""Focal length of a single camera, calibrated by its maker: temperature and focus are worth 0.1-0.3 %."""
NOMINAL_SIGMA = 0.015
"""Of a type of camera. Four published calibrations of rows of `cameras` are off by 0.0, 1.3, 1.4 and 1.9 %: FC6310R in
orthority's documentation, FC300S in OpenSfM's table, two of FC300X in an OpenDroneMap report."""
UNCORRECTED_SIGMA = 0.05
"""Of a lens whose bending may be left in the picture and is not stated: it is 10 % in the corners of a FC6310R."""
EQUIVALENT_SIGMA = 0.02
"""Least, of a 35 mm equivalent: it is rounded to a whole millimetre."""
VIDEO_SIGMA = 0.05
"""Of a video whose cut of the sensor is not known: a few percent of its width go to stabilisation, or much more."""
_ZOOM_SIGMA = 0.02
_FULL_FRAME_WIDTH_MM, _FULL_FRAME_DIAGONAL_MM = 36.0, math.hypot(36.0, 24.0)
_MOST_PIXELS = 100_000
_NARROWEST, _WIDEST = 0.2, 50.0
"""Focal length over picture width: a fisheye, and a telephoto lens of 1,800 mm."""


class LensError(Exception):
    """Nothing to make a lens of, or something that cannot be: the message says what was found and what to do."""


@dataclass(frozen=True, slots=True)
class LensReading:
    """A lens, and how doubtful statements were read."""

    lens: Lens
    source: str
    """What it was made of, for people."""
    interpretations: tuple[Interpretation, ...] = ()


@dataclass(frozen=True, slots=True)
class _Focal:
    px: float
    sigma: float
    source: str
    notes: tuple[Interpretation, ...] = ()


def lens_of(  # noqa: PLR0913 - a picture says so much, or any part of it
    *,
    width: int,
    height: int,
    model: str | None = None,
    focal_px: float | tuple[float, float] | None = None,
    focal_mm: float | None = None,
    focal_35mm_mm: float | None = None,
    sensor_width_mm: float | None = None,
    centre_px: tuple[float, float] | None = None,
    distortion: Sequence[float] | None = None,
    calibrated: bool = False,
    straightened: bool = False,
    digital_zoom: float | None = None,
    is_video: bool = False,
) -> LensReading:
    """The lens of pictures of `width` × `height`, all as stated by picture, log or configuration; None: not stated.

    `focal_px` is one for both ways or (x, y), and with `centre_px` (the upper left pixel's centre is 0, 0) and
    `distortion` (k1, k2, p1, p2, k3; missing ones 0) holds for pictures of this size. `calibrated`: of this very
    camera, as DJI's `DewarpData` or a calibration of one's own. `straightened`: the camera itself has taken its
    bending out of the picture. `sensor_width_mm` is that of the whole sensor. `digital_zoom` enlarges the middle: 1 is
    none, and 0 is EXIF's word for none.

    Raises:
        LensError: no focal length in any of these, or values that no camera has.
    """
    if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
        raise LensError(f"found pictures of {width} x {height}, expected 1 to {_MOST_PIXELS} each way")
    camera = camera_of(model)
    focal = _stated(focal_px, calibrated) or _by_sensor(width, height, camera, focal_mm, sensor_width_mm)
    focal = focal or _by_equivalent(width, height, focal_35mm_mm)
    if focal is None:
        raise LensError(
            f"no focal length known for camera {model or 'without a name'}: state it in pixels (focal_px), or the "
            "sensor's width beside the focal length in millimetres"
        )
    ratio = 1.0
    if isinstance(focal_px, tuple):
        ratio = focal_px[1] / focal_px[0] if focal_px[0] else math.nan
    notes, px, sigma = list(focal.notes), focal.px, focal.sigma
    if is_video and focal_px is None:
        sigma = math.hypot(sigma, VIDEO_SIGMA)
        notes.append(
            Interpretation(
                "lens",
                "the whole width of the sensor",
                "the log does not say how much of the sensor the video shows: state focal_px if it was cropped",
                certain=False,
            )
        )
    if camera is not None and camera.may_bend and distortion is None and not (calibrated or straightened):
        sigma = math.hypot(sigma, UNCORRECTED_SIGMA)
        notes.append(
            Interpretation(
                "distortion",
                "none",
                f"the {camera.drone} can leave its lens's bending in the picture, and this one does not state it",
                certain=False,
            )
        )
    if digital_zoom is not None and digital_zoom not in {0.0, 1.0}:
        if not 1 <= digital_zoom <= 100:
            raise LensError(f"found a digital zoom of {digital_zoom}, expected 1 to 100")
        px, sigma = px * digital_zoom, math.hypot(sigma, _ZOOM_SIGMA)
    if not (_NARROWEST <= px / width <= _WIDEST and 0.8 <= ratio <= 1.25):
        raise LensError(
            f"found a focal length of {px:.5g} pixels for pictures {width} wide, from {focal.source}: no such camera"
        )
    centre = centre_px or ((width - 1) / 2, (height - 1) / 2)
    if not (0 < centre[0] < width and 0 < centre[1] < height):
        raise LensError(f"found the optical centre at {centre[0]:.5g}, {centre[1]:.5g}, outside of the picture")
    lens = Lens(width, height, px, px * ratio, centre[0], centre[1], _bending(distortion), sigma)
    _refuse_folds(lens)
    return LensReading(lens, focal.source, tuple(notes))


def _stated(focal_px: float | tuple[float, float] | None, calibrated: bool) -> _Focal | None:
    if focal_px is None:
        return None
    px = focal_px[0] if isinstance(focal_px, tuple) else focal_px
    if calibrated:
        return _Focal(px, CALIBRATED_SIGMA, "a calibration of the camera")
    return _Focal(px, NOMINAL_SIGMA, "the focal length in pixels")


def _by_sensor(
    width: int, height: int, camera: Camera | None, focal_mm: float | None, sensor_width_mm: float | None
) -> _Focal | None:
    if sensor_width_mm is not None and focal_mm:
        return _Focal(_checked(focal_mm) / _checked(sensor_width_mm) * width, NOMINAL_SIGMA, "focal length and sensor")
    if camera is None:
        return None
    if focal_mm and abs(focal_mm / camera.focal_mm - 1) > 0.05:
        # Another lens than the row's: its own statement counts.
        return None
    # Wide pictures are cut above and below, narrow ones at the sides.
    full = camera.focal_mm / camera.sensor_width_mm * camera.width
    across = max(width / camera.width, height / camera.height)
    return _Focal(full * across, NOMINAL_SIGMA, f"{camera.drone}: {camera.source}")


def _by_equivalent(width: int, height: int, focal_35mm_mm: float | None) -> _Focal | None:
    """By diagonal or by width? CIPA DCG-001 says diagonal, makers differ: the middle of all, and their span."""
    if not focal_35mm_mm:
        return None
    _checked(focal_35mm_mm)
    # A 16:9 picture is mostly a cut of a 4:3 or 3:2 sensor, whose diagonal was meant.
    diagonals = [math.hypot(width, max(height, width * share)) for share in (height / width, 2 / 3, 3 / 4)]
    readings = [focal_35mm_mm * diagonal / _FULL_FRAME_DIAGONAL_MM for diagonal in diagonals]
    readings.append(focal_35mm_mm * max(width, height) / _FULL_FRAME_WIDTH_MM)
    low, high = min(readings), max(readings)
    middle = (low + high) / 2
    # Evenly spread between the readings, and whole millimetres.
    sigma = math.hypot(max((high - low) / middle / math.sqrt(12), EQUIVALENT_SIGMA), 0.29 / focal_35mm_mm)
    note = Interpretation(
        "focal_35mm_mm",
        f"{middle:.0f} pixels",
        f"by picture's or sensor's diagonal or by width it means {low:.0f} to {high:.0f} pixels",
        certain=False,
    )
    return _Focal(middle, sigma, "the 35 mm equivalent", (note,))


def _checked(millimetres: float) -> float:
    if not 0.1 <= millimetres <= 10_000:
        raise LensError(f"found {millimetres} mm, expected a length that a camera has")
    return millimetres


def _bending(distortion: Sequence[float] | None) -> tuple[float, float, float, float, float]:
    values = tuple(float(value) for value in distortion or ())
    if len(values) > 5:
        raise LensError(f"found {len(values)} coefficients of distortion, expected k1, k2, p1, p2, k3 at most")
    if not all(math.isfinite(value) for value in values):
        raise LensError("found a coefficient of distortion that is no number")
    k1, k2, p1, p2, k3 = (*values, *(0.0,) * (5 - len(values)))
    return k1, k2, p1, p2, k3


def _refuse_folds(lens: Lens) -> None:
    """A polynomial of distortion that holds somewhere else may fold the picture's corners over: no lens does."""
    across, down = np.meshgrid(np.linspace(0, lens.width - 1, 9), np.linspace(0, lens.height - 1, 9))
    pixels = np.stack((across.ravel(), down.ravel()), axis=1)
    back = lens.pixels(lens.directions(pixels))
    with np.errstate(invalid="ignore"):
        off = np.abs(back - pixels).max()
    if not off <= 0.5:
        raise LensError(
            f"found coefficients of distortion {lens.distortion} that do not hold over the picture: are they of "
            "another order than k1, k2, p1, p2, k3, or of another size?"
        )
