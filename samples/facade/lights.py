"""Lights to choose from. The figures are picked by eye against pictures of real cameras, not measured."""

from __future__ import annotations

from math import sqrt

from samples.facade.scenario import Imager, Light


def _towards(x: float, y: float, z: float) -> tuple[float, float, float]:
    size = sqrt(x * x + y * y + z * z)
    return (x / size, y / size, z / size)


SUNNY = Light(
    sun_towards=_towards(-0.55, 0.75, 0.6),
    sun=(1.05, 0.96, 0.80),
    ambient=(0.30, 0.33, 0.39),
    sky_top=(0.22, 0.38, 0.72),
    sky_low=(0.60, 0.72, 0.92),
    cloud=(1.1, 1.1, 1.1),
    cloud_cover=0.35,
)
OVERCAST = Light(
    sun_towards=_towards(0.0, 1.0, 0.2),
    sun=(0.06, 0.06, 0.06),
    ambient=(0.62, 0.65, 0.69),
    sky_top=(0.78, 0.82, 0.88),
    sky_low=(1.0, 1.02, 1.05),
    cloud=(1.05, 1.05, 1.06),
    cloud_cover=0.7,
    drift=0.012,
)
BACKLIT = Light(
    sun_towards=_towards(0.5, 0.7, -0.5),
    sun=(0.30, 0.28, 0.24),
    ambient=(0.20, 0.23, 0.28),
    sky_top=(0.85, 0.92, 1.1),
    sky_low=(1.25, 1.25, 1.25),
    cloud=(1.4, 1.4, 1.4),
    cloud_cover=0.5,
)
DUSK = Light(
    sun_towards=_towards(-0.8, 0.25, 0.3),
    sun=(0.02, 0.014, 0.01),
    ambient=(0.115, 0.12, 0.155),
    sky_top=(0.10, 0.13, 0.24),
    sky_low=(0.34, 0.28, 0.30),
    cloud=(0.26, 0.23, 0.27),
    cloud_cover=0.55,
    cloud_drift_px_s=0.6,
    drift=0.008,
    lit_windows=0.3,
)
INFRARED = Light(
    sun_towards=_towards(0.0, 0.1, 1.0),
    sun=(0.38, 0.38, 0.38),
    ambient=(0.03, 0.03, 0.03),
    sky_top=(0.004, 0.004, 0.004),
    sky_low=(0.02, 0.02, 0.02),
    cloud=(0.02, 0.02, 0.02),
    cloud_cover=0.3,
    cloud_drift_px_s=0.3,
    drift=0.006,
    lit_windows=0.12,
    monochrome=True,
)

BY_DAY = Imager(exposure_seconds=1 / 200, shot_noise=1.0e-4, read_noise=0.003)
BY_DULL_DAY = Imager(exposure_seconds=1 / 100, shot_noise=1.6e-4, read_noise=0.004)
BY_DUSK = Imager(exposure_seconds=1 / 40, shot_noise=5.0e-4, read_noise=0.006)
BY_NIGHT = Imager(exposure_seconds=1 / 30, shot_noise=6.0e-4, read_noise=0.005)
