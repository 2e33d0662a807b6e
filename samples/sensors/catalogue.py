"""Named logs: the demo's, half a minute each, and a suite of long ones for evaluation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from samples.facade.seeding import stream
from samples.sensors.scenario import Channel, Faults, Limit, Rise, SensorLog, TimeFormat


def demo_logs(seed: int) -> tuple[SensorLog, ...]:
    """Four sensors with one episode each, and a fifth with nothing but faults."""
    return (
        SensorLog(
            source="well-12",
            seed=seed,
            name="十二号井 · Manhole 12",
            kind="water level in a manhole: a cloudburst",
            seconds=28.0,
            period_seconds=0.5,
            channels=(Channel("level_m", "m", 0.42, 0.008, daily=0.05, daily_seconds=60.0),),
            limits=(Limit("water_level", "level_m", 1.2, 1.08, dwell_seconds=2.0),),
            rises=(Rise("level_m", 5.0, 6.0, 7.0, 6.0, 1.1),),
            faults=Faults(spikes=1, duplicates=2, swapped=1),
        ),
        SensorLog(
            source="shop-4",
            seed=seed + 1,
            name="四号商铺燃气 · Shop 4 gas",
            kind="methane in a restaurant kitchen: a leak",
            seconds=28.0,
            period_seconds=0.5,
            channels=(
                Channel("ch4_lel", "%LEL", 1.5, 0.25, carried=0.8, decimals=2, highest=100.0),
                Channel("temperature_c", "°C", 24.0, 0.1, decimals=1, lowest=-40.0),
            ),
            limits=(Limit("gas", "ch4_lel", 20.0, 15.0, dwell_seconds=2.0),),
            rises=(Rise("ch4_lel", 6.0, 7.0, 6.0, 6.0, 34.0),),
            faults=Faults(spikes=2, not_a_number=1, garbage=1),
            time_format=TimeFormat.EPOCH_MS,
        ),
        SensorLog(
            source="hall-2",
            seed=seed + 2,
            name="二号楼大厅烟感 · Hall 2 smoke",
            kind="smoke density and temperature in a hall",
            seconds=28.0,
            period_seconds=0.5,
            channels=(
                Channel("smoke_db_m", "dB/m", 0.02, 0.004, decimals=3),
                Channel("temperature_c", "°C", 26.0, 0.15, decimals=1, lowest=-40.0),
            ),
            limits=(Limit("smoke_density", "smoke_db_m", 0.15, 0.12, dwell_seconds=2.0),),
            rises=(
                Rise("smoke_db_m", 7.0, 5.0, 8.0, 5.0, 0.32),
                Rise("temperature_c", 8.0, 8.0, 6.0, 0.0, 17.0),
            ),
            faults=Faults(spikes=1, gaps=((3.0, 1.5),), duplicates=1),
        ),
        SensorLog(
            source="pole-31",
            seed=seed + 3,
            name="三十一号灯杆 · Lamp post 31",
            kind="tilt of a lamp post: a lorry ran into it, and it stays crooked",
            seconds=26.0,
            period_seconds=0.5,
            channels=(Channel("tilt_degrees", "°", 0.6, 0.12, daily=0.2, daily_seconds=9.0, decimals=2),),
            limits=(Limit("tilt", "tilt_degrees", 5.0, 4.5, dwell_seconds=3.0, severity="yellow"),),
            rises=(Rise("tilt_degrees", 9.0, 0.4, 60.0, 0.0, 7.5),),
            faults=Faults(spikes=1, swapped=1, not_a_number=1),
            time_format=TimeFormat.EPOCH_MS,
        ),
        SensorLog(
            source="well-13",
            seed=seed + 4,
            name="十三号井 · Manhole 13",
            kind="water level in a manhole: nothing but faults of sensor and modem",
            seconds=28.0,
            period_seconds=0.5,
            channels=(Channel("level_m", "m", 0.55, 0.012, daily=0.06, daily_seconds=60.0),),
            limits=(Limit("water_level", "level_m", 1.2, 1.08, dwell_seconds=2.0),),
            faults=Faults(spikes=3, gaps=((12.0, 3.0),), duplicates=3, swapped=2, not_a_number=2, garbage=2),
        ),
    )


def evaluation_logs(seed: int, count: int = 20, hours: float = 24.0) -> tuple[SensorLog, ...]:
    """Long logs, a reading a minute; every other one holds one to three episodes, the rest only faults."""
    return tuple(_long_log(seed, number, hours * 3600) for number in range(count))


def _long_log(seed: int, number: int, seconds: float) -> SensorLog:
    rng = stream(seed, "long log", number)
    model = demo_logs(seed)[number % 4]
    main = replace(model.channels[0], daily_seconds=86_400.0, daily=model.channels[0].daily * 1.5)
    limit = replace(model.limits[0], dwell_seconds=180.0, clear_dwell_seconds=180.0)
    rises: tuple[Rise, ...] = ()
    if number % 2 == 0:
        parts = int(rng.integers(1, 4))
        slot = seconds / parts
        rises = tuple(_long_rise(rng, main, limit, part * slot, slot) for part in range(parts))
    readings = seconds / 60
    faults = Faults(
        spikes=int(readings * 0.003),
        gaps=((float(rng.uniform(0.02, 0.9) * seconds), float(rng.uniform(300, 3600))),),
        duplicates=int(readings * 0.005),
        swapped=int(readings * 0.004),
        not_a_number=int(readings * 0.002),
        garbage=int(rng.integers(0, 3)),
    )
    return SensorLog(
        source=f"long-{number:03d}",
        seed=int(rng.integers(2**31)),
        name=f"long-{number:03d}",
        kind=model.kind,
        seconds=seconds,
        period_seconds=60.0,
        channels=(main, *model.channels[1:]),
        limits=(limit,),
        rises=rises,
        faults=faults,
        time_format=model.time_format,
    )


def _long_rise(rng: np.random.Generator, channel: Channel, limit: Limit, begin: float, slot: float) -> Rise:
    """One episode well inside its slot, 1.2 to 2 times over the limit."""
    height = (limit.above - channel.base) * float(rng.uniform(1.2, 2.0)) + 2 * channel.daily
    at = begin + float(rng.uniform(0.1, 0.3)) * slot
    shares = rng.uniform(0.03, 0.15, 3) * slot
    return Rise(limit.channel, at, float(shares[0]), float(shares[1]), float(shares[2]), height)
