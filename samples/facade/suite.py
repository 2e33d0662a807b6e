"""The evaluation suite: many seeded clips, half with one fall, half with nuisances only. Never committed.

It varies what a city varies: cameras, buildings, light, what falls and from where, and what else moves. It is a
development set: figures from it say how a detector does on *these* pictures, never how it does in the field.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samples.facade.building import Building, Wall
from samples.facade.camera import Camera
from samples.facade.lights import BACKLIT, BY_DAY, BY_DULL_DAY, BY_DUSK, BY_NIGHT, DUSK, INFRARED, OVERCAST, SUNNY
from samples.facade.preview import preview_fall
from samples.facade.scenario import (
    Birds,
    Branch,
    Encoding,
    ExposureStep,
    Fall,
    Glints,
    Imager,
    Insects,
    Leaves,
    Light,
    Nuisance,
    Onlooker,
    Rain,
    Scenario,
    Shake,
    Side,
    Thing,
    WindowLights,
)
from samples.facade.seeding import stream

LIGHTS: tuple[tuple[Light, Imager], ...] = (
    (SUNNY, BY_DAY),
    (OVERCAST, BY_DULL_DAY),
    (BACKLIT, BY_DAY),
    (DUSK, BY_DUSK),
    (INFRARED, BY_NIGHT),
)
LIGHT_SHARES = (0.3, 0.3, 0.1, 0.2, 0.1)
THING_SHARES: dict[Thing, float] = {
    Thing.RUBBISH_BAG: 0.28,
    Thing.BOX: 0.2,
    Thing.FLOWERPOT: 0.14,
    Thing.BOTTLE: 0.14,
    Thing.SHOE: 0.1,
    Thing.EMPTY_BOTTLE: 0.06,
    Thing.PLASTIC_BAG: 0.05,
    Thing.CIGARETTES: 0.03,
}
"""Mostly what hurts people; the last three fall slowly or are tiny, and are expected to be hard."""
DRAWS_OF_A_SCENE = 40
DRAWS_OF_A_FALL = 25
SHORTEST_DROP_M = 8.0
ON_FACADE_SHARE = 0.85
"""What falls beside the building, before the sky, is outside the polygon that an installer draws."""
SMALLEST_VISIBLE_PX = 2.0
"""Falls of things that never get wider than this teach nothing: such draws are taken again."""


def evaluation_suite(seed: int, falls: int = 30, nuisances: int = 30) -> tuple[Scenario, ...]:
    """The suite's scenarios, `fall-000` … and `calm-000` …; the first ones of a longer suite are those of a shorter."""
    return (
        *(_clip(seed, f"fall-{number:03d}", with_fall=True) for number in range(falls)),
        *(_clip(seed, f"calm-{number:03d}", with_fall=False) for number in range(nuisances)),
    )


def _clip(seed: int, name: str, *, with_fall: bool) -> Scenario:
    """Draws camera and building until a fall of the wanted kind fits into the picture."""
    for attempt in range(DRAWS_OF_A_SCENE):
        rng = stream(seed, "suite", name, attempt)
        scenario = _calm(rng, name, busy=not with_fall)
        if not with_fall:
            return scenario
        fall = _fitting_fall(rng, scenario)
        if fall is not None:
            return replace(scenario, falls=(fall,))
    raise ValueError(
        f"{name}: no fall of {SHORTEST_DROP_M} m fits any of {DRAWS_OF_A_SCENE} pictures; change the ranges"
    )


def _calm(rng: np.random.Generator, name: str, *, busy: bool) -> Scenario:
    light, imager = LIGHTS[int(rng.choice(len(LIGHTS), p=LIGHT_SHARES))]
    building = _building(rng)
    return Scenario(
        name=name,
        seed=int(rng.integers(2**31)),
        light=light,
        imager=imager,
        seconds=12.0,
        fps=int(rng.choice([15, 20, 25], p=[0.2, 0.4, 0.4])),
        camera=_camera(rng),
        building=building,
        encoding=Encoding(crf=24, cap_kbit_s=900, gop_seconds=float(rng.choice([1.0, 2.0])), preset="veryfast"),
        nuisances=_nuisances(rng, building, busy=busy),
        exposure_steps=_steps(rng),
        wind_m_s=float(rng.normal(0, 0.8)),
    )


def _building(rng: np.random.Generator) -> Building:
    bays = int(rng.integers(5, 10))
    wall = Wall(str(rng.choice([wall.value for wall in Wall])))
    albedo = np.array([0.5, 0.46, 0.4]) * rng.uniform(0.6, 1.3) + rng.normal(0, 0.03, 3)
    if wall is Wall.BRICK:
        albedo = np.array([0.40, 0.19, 0.13]) * rng.uniform(0.7, 1.3)
    balconies = tuple(int(bay) for bay in range(bays) if rng.random() < 0.3)
    return Building(
        floors=int(rng.integers(6, 22)),
        bays=bays,
        bay_width_m=float(rng.uniform(3.0, 4.0)),
        floor_height_m=float(rng.uniform(2.8, 3.4)),
        centre_x_m=float(rng.uniform(-2, 2)),
        wall=wall,
        wall_albedo=(float(albedo[0]), float(albedo[1]), float(albedo[2])),
        balcony_bays=balconies,
        glass_bays=tuple(bay for bay in range(bays) if bay not in balconies and rng.random() < 0.1),
        conditioners=float(rng.uniform(0, 0.7)),
        reflectance=float(rng.uniform(0.08, 0.4)),
    )


def _camera(rng: np.random.Generator) -> Camera:
    return Camera(
        width=640,
        height=360,
        focal_px=float(np.round(rng.uniform(520, 820))),
        height_m=float(np.round(rng.uniform(2, 4), 1)),
        tilt_degrees=float(np.round(rng.uniform(28, 45))),
        distance_m=float(np.round(rng.uniform(14, 26), 1)),
    )


def _steps(rng: np.random.Generator) -> tuple[ExposureStep, ...]:
    """Every fourth clip: a cloud passes or the automatic gain jumps, by 8-20 %."""
    if rng.random() > 0.25:
        return ()
    share = float(rng.choice([-1, 1]) * rng.uniform(0.08, 0.2))
    return (ExposureStep(float(rng.uniform(1, 11)), share, float(rng.choice([0.1, 0.6, 2.0]))),)


def _nuisances(rng: np.random.Generator, building: Building, *, busy: bool) -> tuple[Nuisance, ...]:
    """A clip with a fall has one or two companions, a nuisance clip three or four, some of them in numbers."""
    floor, bay = int(rng.integers(2, building.floors)), int(rng.integers(0, building.bays))
    menu: list[Nuisance] = [
        Birds(int(rng.integers(1, 5)), int(rng.integers(0, 3))),
        Rain(int(rng.choice([120, 300, 700])), float(rng.normal(0, 1.2))),
        Leaves(int(rng.integers(2, 12))),
        Branch(
            Side(str(rng.choice(["left", "right", "top"]))), float(rng.uniform(0.15, 0.3)), masked=rng.random() < 0.5
        ),
        Insects(int(rng.integers(1, 4))),
        WindowLights(int(rng.integers(0, 4)), int(rng.integers(0, 3)), int(rng.integers(0, 2))),
        Glints(int(rng.integers(1, 4))),
        Onlooker(floor, bay, shakes_cloth=rng.random() < 0.4),
        Shake(float(rng.uniform(0.2, 0.9))),
    ]
    count = int(rng.integers(3, 5)) if busy else int(rng.integers(0, 3))
    chosen = rng.choice(len(menu), size=count, replace=False)
    return tuple(menu[int(index)] for index in sorted(chosen))


def _fitting_fall(rng: np.random.Generator, scenario: Scenario) -> Fall | None:
    """A fall that starts in the picture, drops far enough in sight and is over a second before the end; or None."""
    things = list(THING_SHARES)
    thing = things[int(rng.choice(len(things), p=list(THING_SHARES.values())))]
    for _ in range(DRAWS_OF_A_FALL):
        fall = Fall(
            thing,
            release_seconds=float(np.round(rng.uniform(2.5, 5.0), 2)),
            floor=int(rng.integers(4, scenario.building.floors + 2)),
            bay=int(rng.integers(0, scenario.building.bays)),
            outward_m_s=float(rng.uniform(0.5, 3.0)),
            sideways_m_s=float(rng.normal(0, 0.9)),
            upward_m_s=float(rng.uniform(-1.0, 1.5)),
            spin_hz=float(rng.uniform(0.2, 3.0)),
        )
        seen = preview_fall(replace(scenario, falls=(fall,)))
        if seen is None or seen.drop_m < SHORTEST_DROP_M or seen.on_facade < ON_FACADE_SHARE:
            continue
        if seen.widest_px >= SMALLEST_VISIBLE_PX:
            return fall
    return None
