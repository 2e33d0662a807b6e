"""Cameras of common drones: what their makers state, where the pictures themselves say too little.

Only what is published and agrees with itself: sensor width over focal length, diagonal field of view and 35 mm
equivalent of a row give the same focal length within 4 % (`tests/edge/flights/test_lenses.py`). Where a calibration of
the model is published, the focal length by sensor width lies within 2 % of it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Camera:
    """One camera as its maker states it. Sizes are those of the whole sensor's stills."""

    drone: str
    focal_mm: float
    sensor_width_mm: float
    width: int
    height: int
    view_degrees: float
    """Of the diagonal."""
    focal_35mm_mm: float
    source: str
    may_bend: bool = False
    """Whether it is made to write pictures without correcting them, as cameras for surveying are."""


_PHANTOM_3 = "DJI, Phantom 3 Professional and Advanced, specifications: 1/2.3 inch, FOV 94°, 20 mm (35 mm format)"
_PHANTOM_4_PRO = "DJI, Phantom 4 Pro, specifications: 1 inch, FOV 84°, 8.8 mm/24 mm (35 mm format)"

CAMERAS = {
    "FC300S": Camera("Phantom 3", 3.61, 6.17, 4000, 3000, 94.0, 20.0, _PHANTOM_3),
    "FC300X": Camera("Phantom 3", 3.61, 6.17, 4000, 3000, 94.0, 20.0, _PHANTOM_3),
    "FC330": Camera(
        "Phantom 4", 3.61, 6.17, 4000, 3000, 94.0, 20.0, "DJI, Phantom 4, specifications: 1/2.3 inch, FOV 94°, 20 mm"
    ),
    "FC220": Camera(
        "Mavic Pro",
        4.73,
        6.17,
        4000,
        3000,
        78.8,
        26.0,
        "DJI, Mavic Pro, specifications: 1/2.3 inch, FOV 78.8°, 26 mm (35 mm format)",
    ),
    "FC6310": Camera("Phantom 4 Pro", 8.8, 13.2, 5472, 3648, 84.0, 24.0, _PHANTOM_4_PRO),
    "FC6310S": Camera("Phantom 4 Pro V2.0", 8.8, 13.2, 5472, 3648, 84.0, 24.0, _PHANTOM_4_PRO),
    "FC6310R": Camera(
        "Phantom 4 RTK",
        8.8,
        13.2,
        5472,
        3648,
        84.0,
        24.0,
        "DJI, Phantom 4 RTK, specifications: 1 inch, FOV 84°, 8.8 mm/24 mm (35 mm format)",
        may_bend=True,
    ),
    "L1D-20C": Camera(
        "Mavic 2 Pro",
        10.26,
        13.2,
        5472,
        3648,
        77.0,
        28.0,
        "DJI, Mavic 2 Pro, specifications: 1 inch, FOV about 77°, 28 mm (35 mm format); EXIF: 10.26 mm",
    ),
    "L2D-20C": Camera(
        "Mavic 3",
        12.29,
        17.3,
        5280,
        3956,
        84.0,
        24.0,
        "DJI, Mavic 3, specifications: 4/3 inch, FOV 84°, 24 mm (35 mm format); EXIF: 12.29 mm",
    ),
    "M3E": Camera(
        "Mavic 3 Enterprise",
        12.29,
        17.3,
        5280,
        3956,
        84.0,
        24.0,
        "DJI, Mavic 3E, specifications: 4/3 inch, FOV 84°, 24 mm (35 mm format); EXIF: 12.29 mm",
        may_bend=True,
    ),
    "FC3170": Camera(
        "Mavic Air 2",
        4.5,
        6.4,
        4000,
        3000,
        84.0,
        24.0,
        "DJI, Mavic Air 2, specifications: 1/2 inch, FOV 84°, 24 mm (35 mm format); EXIF: 4.5 mm",
    ),
    "FC3411": Camera(
        "Air 2S",
        8.38,
        13.2,
        5472,
        3648,
        88.0,
        22.0,
        "DJI, Air 2S, specifications: 1 inch, FOV 88°, 22 mm (35 mm format); EXIF: 8.38 mm",
    ),
}
"""By the model that EXIF names, in capitals. Cameras with several lenses under one name (H20, H20T) are left out: their
pictures state the 35 mm equivalent of the lens that took them."""


def camera_of(model: str | None) -> Camera | None:
    """The row of a model as EXIF or a log names it; None for one that is not known."""
    return None if model is None else CAMERAS.get(model.strip().strip("\0").upper())
