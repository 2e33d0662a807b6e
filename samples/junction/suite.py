"""The evaluation set: seeded scenes with faults of every kind, and hours of normal operation. Never committed.

It varies what a city varies. It is a development set: its figures say how the detector does on *these* pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import HeadKind, LawfulOrder
from samples.facade.seeding import stream
from samples.junction.episodes import Order, cycle_seconds, faults_of
from samples.junction.heads import outline
from samples.junction.plans import Crossroads, HeadSpec, JunctionSpec
from samples.junction.scenario import (
    Away,
    Billboard,
    Branch,
    Codec,
    Event,
    Fog,
    GainStep,
    HeadLook,
    LensRain,
    Make,
    Moment,
    Scene,
    Shake,
    Sky,
    Vehicle,
)

SEED = 4
PHOTOGRAPHS = Path("../shared/data/streets/dashcam")
"""Real streets as backgrounds, where they are there; the project does not ship them."""
SIZES = ((640, 360), (640, 360), (640, 360), (768, 432), (960, 540))
SMALLEST_PX, USUAL_PX, LARGEST_PX = 6.5, 30.0, 58.0
THEMES = (
    "sunny", "dull", "low_sun", "dusk", "night", "infrared", "infrared_switch", "fog", "lens_rain", "shake", "drift",
    "ptz", "gain", "branch", "wet_night", "billboard",
)  # fmt: skip
"""What is special about a scene; light, buses and flicker vary in all of them."""
SKIES = {
    "low_sun": Sky.LOW_SUN, "dusk": Sky.DUSK, "night": Sky.NIGHT, "infrared": Sky.INFRARED, "dull": Sky.DULL,
    "wet_night": Sky.NIGHT, "infrared_switch": Sky.DUSK,
}  # fmt: skip
HOURS = {Sky.SUNNY: 11, Sky.DULL: 14, Sky.LOW_SUN: 17, Sky.DUSK: 18, Sky.NIGHT: 20, Sky.INFRARED: 20}
"""Local time of a light, so that timetables fit it."""
WARM_UP_SECONDS = 200.0
"""Normal operation before the first fault: a detector must have seen a cycle or two of this light."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a scene is drawn for."""

    name: str
    fps: float
    theme: str
    seconds: float = 0.0
    """Of normal operation; of a scene with faults it follows from them."""
    orders: tuple[Order, ...] = ()


def evaluation_set(seed: int = SEED, photographs: Path | None = None, holding: str = "") -> tuple[Scene, ...]:
    """All scenes whose names hold a text: `fault-…` with episodes, `calm-…` without.

    `photographs`: a folder whose pictures may serve as backgrounds; a set drawn without them differs in those only.
    """
    pictures = sorted(path.name for path in photographs.iterdir()) if photographs is not None else []
    wanted = [scene for scene in (*_fault_scenes(), *_calm_scenes()) if holding in scene.name]
    return tuple(_scene(seed, one, pictures) for one in wanted)


def _fault_scenes() -> list[Wanted]:
    """Slow scenes for what a picture a second shows, quicker ones for the rest. Three episodes a scene."""
    dark = [Order(Fault.DARK, scope) for scope in ("head", "junction", "head", "approach") for _ in range(11)]
    slow = [*dark, *[Order(Fault.LAMP)] * 28, *[Order(Fault.STUCK)] * 28]
    middle = [
        *[Order(Fault.CONFLICT, "groups")] * 27,
        *[Order(Fault.SEQUENCE)] * 27,
        *[Order(Fault.COUNTDOWN)] * 27,
        *slow[::9],  # some of the slow kinds are also judged at a quicker camera
    ]
    slow = [order for place, order in enumerate(slow) if place % 9]
    quick = [Order(Fault.FLASHING, scope) for scope in ("head", "junction") for _ in range(14)]
    kinds = (
        ("slow", slow, (1.0, 0.5, 1.0, 0.5)),
        ("middle", middle, (2.0, 2.0, 4.0, 2.0)),
        ("quick", quick, (4.0, 4.0, 5.0, 8.0)),
    )
    wanted = []
    for name, orders, rates in kinds:
        for number, share in enumerate(_dealt(orders, -(-len(orders) // 3))):
            # 7 and 16 have no common divisor: every kind of scene meets many themes.
            theme = THEMES[(number * 7 + len(name)) % len(THEMES)]
            rate = rates[number % len(rates)]
            wanted.append(Wanted(f"fault-{name}-{number:02d}-{theme}", rate, theme, orders=tuple(share)))
    return wanted


def _calm_scenes() -> list[Wanted]:
    """About 56 hours: most of it at a picture in two seconds, a part as quick as a camera gives."""
    wanted = []
    for number in range(32):
        theme = THEMES[number % len(THEMES)]
        wanted.append(Wanted(f"calm-slow-{number:02d}-{theme}", (0.5, 0.5, 1.0, 0.2)[number // 8], theme, 5400.0))
    for number in range(16):
        theme = THEMES[(number * 5 + 2) % len(THEMES)]
        fps, seconds = (8.0, 600.0) if number % 2 else (2.0, 1800.0)
        wanted.append(Wanted(f"calm-quick-{number:02d}-{theme}", fps, theme, seconds))
    return wanted


def _dealt(orders: Sequence[Order], hands: int) -> list[list[Order]]:
    """Orders dealt out like cards, so that a scene has different kinds."""
    return [list(orders[hand::hands]) for hand in range(hands)]


def _scene(seed: int, wanted: Wanted, pictures: Sequence[str]) -> Scene:
    rng = stream(seed, wanted.name)
    spec = _layout(rng, wanted).spec()
    width, height = SIZES[int(rng.integers(len(SIZES)))]
    sky = (
        SKIES.get(wanted.theme)
        or (Sky.SUNNY, Sky.DULL, Sky.DUSK, Sky.NIGHT)[int(rng.choice(4, p=[0.4, 0.3, 0.1, 0.2]))]
    )
    begins = (
        datetime(2026, 3, 4, HOURS[sky], 0, tzinfo=UTC) - timedelta(hours=8) + timedelta(minutes=int(rng.integers(60)))
    )
    scene = Scene(
        name=wanted.name,
        seed=int(rng.integers(2**31)),
        width=width,
        height=height,
        fps=wanted.fps,
        seconds=wanted.seconds,
        spec=spec,
        looks=_looks(rng, spec, (width, height), sky),
        light=(Moment(0, sky),),
        begins_at=begins,
        wet=wanted.theme == "wet_night" or rng.random() < 0.15,
        traffic=float(rng.uniform(0.05, 0.4)),
        drift_px_per_hour=float(rng.choice([-1, 1]) * rng.uniform(2, 6)) if wanted.theme == "drift" else 0.0,
        codec=Codec.H264 if rng.random() < 0.25 and width == 640 else Codec.BLOCKS,
        tags=(wanted.theme, sky.value),
    )  # fmt: skip
    scene = replace(scene, quality=int(rng.integers(22, 32) if scene.codec is Codec.H264 else rng.integers(35, 75)))
    if pictures and sky in (Sky.SUNNY, Sky.DULL) and rng.random() < 0.5:
        scene = replace(scene, photograph=pictures[int(rng.integers(len(pictures)))])
    if wanted.orders:
        faults = faults_of(wanted.orders, scene, WARM_UP_SECONDS, rng)
        after = max(fault.end_seconds for fault in faults)
        scene = replace(scene, faults=faults, seconds=after + 4 * cycle_seconds(spec) + 40)
    scene = replace(scene, light=_light(wanted, sky, scene.seconds))
    return replace(scene, events=_events(rng, wanted, scene))


def _layout(rng: np.random.Generator, wanted: Wanted) -> Crossroads:
    quick = wanted.fps >= 2
    adaptive = bool(rng.random() < (0.7 if not wanted.orders else 0.5))
    kinds = {order.fault for order in wanted.orders}
    china = bool(rng.random() < 0.8)
    flash = None
    if not wanted.orders and wanted.theme in ("night", "wet_night", "infrared"):
        flash = (20.7 * 3600, 5 * 3600.0)  # begins while the scene runs
    return Crossroads(
        adaptive=adaptive,
        rests=adaptive and bool(rng.random() < 0.4) and Fault.STUCK not in kinds,
        left_turns=bool(rng.random() < 0.7),
        pedestrians=bool(rng.random() < 0.6),
        arrow=bool(rng.random() < 0.3),
        countdown_seconds=float(rng.choice([9, 30, 99])) if Fault.COUNTDOWN in kinds or rng.random() < 0.4 else None,
        order=LawfulOrder.CHINA if china else LawfulOrder.RED_AMBER,
        night_flash=flash,
        scale=float(rng.uniform(0.55, 0.8) if quick and wanted.orders else rng.uniform(0.6, 1.3)),
        heads_per_group=int(rng.integers(1, 3)),
        flash_hz=float(rng.uniform(0.9, 1.1)),
    )


def _looks(rng: np.random.Generator, spec: JunctionSpec, size: tuple[int, int], sky: Sky) -> dict[str, HeadLook]:
    """Places heads without overlap; what does not fit is drawn smaller."""
    flickers = rng.random() < 0.4
    largest = LARGEST_PX if rng.random() < 0.15 else USUAL_PX
    for attempt in range(200):
        limit = max(largest * 0.985**attempt, 9.0)
        looks: dict[str, HeadLook] = {}
        for head in spec.heads:
            look = _placed(rng, head, looks, spec, size, limit)
            if look is None:
                break
            flicker = float(rng.uniform(0.05, 0.3)) if flickers else 0.0
            phantom = float(rng.uniform(0.0, 0.9)) if sky is Sky.LOW_SUN else 0.0
            looks[head.id] = replace(look, flicker=flicker, phantom=phantom, power=float(rng.uniform(0.7, 1.3)))
        if len(looks) == len(spec.heads):
            return looks
    raise ValueError(f"found no room for {len(spec.heads)} heads in {size[0]} × {size[1]} pixels; draw fewer")


def _placed(
    rng: np.random.Generator,
    head: HeadSpec,
    others: dict[str, HeadLook],
    spec: JunctionSpec,
    size: tuple[int, int],
    limit: float,
) -> HeadLook | None:
    width, height = size
    taken = [outline(other, others[other.id]) for other in spec.heads if other.id in others]
    for _ in range(30):
        diameter = float(np.exp(rng.uniform(np.log(SMALLEST_PX), np.log(limit))))
        band = (0.42, 0.6) if head.kind is HeadKind.PEDESTRIAN else (0.06, 0.34)
        look = HeadLook(
            x=round(float(rng.uniform(0.04, 0.94)) * width, 1),
            y=round(float(rng.uniform(*band)) * height, 1),
            diameter=round(diameter, 1),
            horizontal=bool(rng.random() < 0.2) and head.kind is not HeadKind.PEDESTRIAN,
            make=list(Make)[int(rng.integers(len(Make)))],
            digits_side=int(rng.choice([-1, 1])),
        )
        left, top, right, bottom = outline(head, look)
        rim = 0.5 * diameter + 4  # boards and poles of heads reach a little farther than their housings
        if left < 8 or top < 8 or right > width - 8 or bottom > height - 30:
            continue
        if all(left - rim > b[2] or right + rim < b[0] or top - rim > b[3] or bottom + rim < b[1] for b in taken):
            return look
    return None


def _light(wanted: Wanted, sky: Sky, seconds: float) -> tuple[Moment, ...]:
    match wanted.theme:
        case "infrared_switch":
            return Moment(0, Sky.DUSK), Moment(0.45 * seconds, Sky.INFRARED)
        case "dusk":
            return Moment(0, Sky.DULL), Moment(0.4 * seconds, Sky.DUSK), Moment(0.8 * seconds, Sky.NIGHT)
        case _:
            return (Moment(0, sky),)


def _events(rng: np.random.Generator, wanted: Wanted, scene: Scene) -> tuple[Event, ...]:
    """Buses in every scene, and what the theme says. Not within a fault's first minutes: it would be another fault."""
    heads = [head.id for head in scene.spec.heads]
    groups = {group for fault in scene.faults for group in fault.groups}
    failing = {head for fault in scene.faults if fault.scope == "head" for head in fault.heads}
    failing |= {head.id for head in scene.spec.heads if head.group in groups}
    some = str(rng.choice([head for head in heads if head not in failing] or heads))
    lasting: dict[str, list[Event]] = {
        "shake": [Shake(float(rng.uniform(1, 4)))],
        "branch": [Branch(some, float(rng.uniform(0.4, 1.1)), float(rng.uniform(0.3, 0.9)))],
        "billboard": [_billboard(rng, scene)],
    }
    events = lasting.get(wanted.theme, [])
    t = float(rng.uniform(60, 200))
    while t < scene.seconds - 200:
        lasts = float(rng.uniform(20, 120))
        if not _disturbs(scene, t, t + lasts):
            events.append(_vehicle(rng, str(rng.choice(heads)), t, t + lasts))
        t += lasts + float(rng.uniform(90, 420))
    t = float(rng.uniform(30, 90) if scene.faults else rng.uniform(300, 900))
    while t < scene.seconds - 300:
        lasts = float(rng.uniform(40, 100) if scene.faults else rng.uniform(60, 420))
        if not _disturbs(scene, t, t + lasts):
            events += _passing(rng, wanted.theme, t, t + lasts)
        t += lasts + float(rng.uniform(200, 900))
    return tuple(events)


def _disturbs(scene: Scene, start: float, end: float) -> bool:
    """Whether it would hide a fault, of which the set says that it can be seen, for long."""
    return any(fault.start_seconds - 20 < end and start < fault.end_seconds for fault in scene.faults)


def _vehicle(rng: np.random.Generator, head: str, start: float, end: float) -> Vehicle:
    colour = np.clip(rng.dirichlet([0.7, 0.7, 0.7]) * rng.uniform(0.15, 1.6), 0.02, 0.85)
    return Vehicle(
        head,
        start,
        end,
        (float(colour[0]), float(colour[1]), float(colour[2])),
        from_left=bool(rng.random() < 0.5),
        speed=float(rng.uniform(80, 220)),
        cover=float(rng.choice([1.0, 1.0, 0.7, 0.4])),
    )


def _passing(rng: np.random.Generator, theme: str, start: float, end: float) -> list[Event]:
    match theme:
        case "fog":
            return [Fog(start, end, float(rng.uniform(0.3, 0.97)), ramp=float(rng.uniform(10, 40)))]
        case "lens_rain":
            return [LensRain(start, end, int(rng.integers(10, 50)))]
        case "ptz":
            return [Away(start, end, int(rng.integers(-2, 3)), int(rng.integers(-2, 3)))]
        case "gain":
            return [GainStep(start, end, float(rng.choice([0.55, 0.7, 1.4, 1.8])))]
        case _:
            return []


def _billboard(rng: np.random.Generator, scene: Scene) -> Billboard:
    """Where no head is."""
    taken = [outline(head, scene.looks[head.id]) for head in scene.spec.heads]
    for _ in range(100):
        width, height = int(rng.integers(20, 60)), int(rng.integers(14, 40))
        x, y = int(rng.integers(4, scene.width - 70)), int(rng.integers(4, scene.height // 2))
        if all(x > b[2] + 30 or x + width < b[0] - 30 or y > b[3] + 30 or y + height < b[1] - 30 for b in taken):
            return Billboard(x, y, width, height, float(rng.uniform(4, 12)))
    return Billboard(4, scene.height - 44, 30, 30)
