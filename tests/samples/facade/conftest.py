"""A small scene that renders in a blink."""

from __future__ import annotations

from dataclasses import replace

import pytest

from samples.facade.building import Building
from samples.facade.camera import Camera
from samples.facade.lights import BY_DAY, SUNNY
from samples.facade.scenario import Fall, Imager, Scenario, Thing

CAMERA = Camera(width=192, height=128, focal_px=190.0, height_m=2.5, tilt_degrees=36.0, distance_m=16.0)
BUILDING = Building(floors=6, bays=5, balcony_bays=(1,), glass_bays=(3,))
FALL = Fall(Thing.BOX, 0.5, floor=5, bay=2, outward_m_s=1.0, sideways_m_s=0.3)


@pytest.fixture(scope="session")
def small() -> Scenario:
    """Three seconds of a box that falls before a six-storey house."""
    return Scenario(
        name="small",
        seed=11,
        light=SUNNY,
        imager=BY_DAY,
        seconds=3.0,
        fps=10,
        camera=CAMERA,
        building=BUILDING,
        falls=(FALL,),
    )


@pytest.fixture(scope="session")
def quiet(small: Scenario) -> Scenario:
    """The same without noise or drift: differences between frames are what moves."""
    return replace(
        small, imager=Imager(shot_noise=0.0, read_noise=0.0), light=replace(SUNNY, drift=0.0, cloud_drift_px_s=0)
    )
