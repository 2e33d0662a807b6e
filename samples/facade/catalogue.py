"""Named scenarios: the clips that the demo and the tests use."""

from __future__ import annotations

from dataclasses import replace

from samples.facade.building import Building, Wall
from samples.facade.camera import Camera
from samples.facade.lights import BY_DAY, BY_DULL_DAY, BY_DUSK, DUSK, OVERCAST, SUNNY
from samples.facade.scenario import (
    Birds,
    Branch,
    Encoding,
    Fall,
    Glints,
    Insects,
    Leaves,
    Onlooker,
    Rain,
    Scenario,
    Shake,
    Side,
    Thing,
    WindowLights,
)

PLASTER_BLOCK = Building(floors=8, bays=7, bay_width_m=3.4, wall_albedo=(0.52, 0.46, 0.37), balcony_bays=(1, 5))
BRICK_OFFICE = Building(
    floors=7,
    bays=6,
    bay_width_m=3.8,
    floor_height_m=3.3,
    wall=Wall.BRICK,
    wall_albedo=(0.40, 0.17, 0.11),
    trim_albedo=(0.62, 0.60, 0.56),
    glass_bays=(2,),
    conditioners=0.0,
    reflectance=0.32,
)
TILE_TOWER = Building(
    floors=10,
    bays=8,
    bay_width_m=3.2,
    wall=Wall.TILE,
    wall_albedo=(0.48, 0.47, 0.45),
    balcony_bays=(0, 3, 4, 7),
    conditioners=0.6,
)


def demo_scenarios(seed: int) -> tuple[Scenario, ...]:
    """The committed clips: three falls under growing difficulty, two with nuisances and nothing else."""
    wide = Camera(width=854, height=480, focal_px=750.0, height_m=3.0, tilt_degrees=34.0, distance_m=20.0)
    small = Camera(width=640, height=360, focal_px=560.0, height_m=2.5, tilt_degrees=34.0, distance_m=20.0)
    return (
        Scenario(
            name="gate-3",
            seed=seed,
            light=SUNNY,
            imager=BY_DAY,
            seconds=11.0,
            fps=25,
            camera=wide,
            building=BRICK_OFFICE,
            encoding=Encoding(crf=23, cap_kbit_s=640),
            falls=(Fall(Thing.RUBBISH_BAG, 4.2, floor=7, bay=2, outward_m_s=0.9, sideways_m_s=0.3),),
            nuisances=(Birds(crossing=1),),
            caption="CAM 03  SOUTH GATE",
        ),
        Scenario(
            name="block-7",
            seed=seed + 1,
            light=OVERCAST,
            imager=BY_DULL_DAY,
            seconds=12.0,
            camera=small,
            building=PLASTER_BLOCK,
            encoding=Encoding(crf=23, cap_kbit_s=580),
            falls=(
                Fall(Thing.BOX, 5.6, floor=8, bay=5, outward_m_s=2.2, sideways_m_s=-1.4, upward_m_s=1.2, spin_hz=1.6),
            ),
            nuisances=(Birds(crossing=3, swooping=1), Onlooker(8, 5), Branch(Side.RIGHT, 0.2), Leaves(2)),
            caption="CAM 07",
        ),
        Scenario(
            name="tower-2",
            seed=seed + 2,
            light=DUSK,
            imager=BY_DUSK,
            seconds=11.0,
            camera=replace(wide, distance_m=22.0, tilt_degrees=38.0),
            building=TILE_TOWER,
            encoding=Encoding(crf=25, cap_kbit_s=640),
            falls=(Fall(Thing.RUBBISH_BAG, 5.0, floor=9, bay=4, outward_m_s=1.0, sideways_m_s=0.5),),
            nuisances=(Rain(drops=160), WindowLights(switched=1, televisions=1)),
            caption="CAM 02",
        ),
        Scenario(
            name="court-5",
            seed=seed + 3,
            light=SUNNY,
            imager=BY_DAY,
            seconds=12.0,
            camera=small,
            building=replace(PLASTER_BLOCK, wall=Wall.TILE, wall_albedo=(0.55, 0.53, 0.47), balcony_bays=(2, 3)),
            encoding=Encoding(crf=23, cap_kbit_s=580),
            nuisances=(
                Birds(crossing=5, swooping=2),
                Leaves(9),
                Branch(Side.LEFT, 0.3),
                Insects(2),
                Onlooker(4, 3, shakes_cloth=True),
                Shake(0.25),
            ),
            caption="CAM 05",
        ),
        Scenario(
            name="lane-9",
            seed=seed + 4,
            light=DUSK,
            imager=BY_DUSK,
            seconds=12.0,
            camera=small,
            building=replace(BRICK_OFFICE, floors=9, bays=7, glass_bays=(), conditioners=0.4, balcony_bays=(3,)),
            encoding=Encoding(crf=25, cap_kbit_s=580),
            nuisances=(Rain(drops=420, wind_m_s=1.4), WindowLights(switched=3, televisions=2, leds=1), Glints(1)),
            caption="CAM 09",
        ),
    )
