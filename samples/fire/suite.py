"""The evaluation set: seeded clips of fires, hours of look-alikes, and real footage where it is there. Never committed.

It is a development set: its figures say how the detector does on *these* pictures.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from samples.facade.seeding import stream
from samples.fire.lookalikes.shared import Lookalike
from samples.fire.scenario import FireSpec, Light, Scene, Setting

SEED = 5
SHARED = Path("../shared/data")
PHOTOGRAPHS = SHARED / "streets/dashcam"
"""Real streets as backgrounds, where they are there; the project does not ship them."""
FLAMES, SMOKES = 28, 14
QUICK_KINDS = (
    Lookalike.BEACON, Lookalike.SIGN, Lookalike.LAMP, Lookalike.WELDING, Lookalike.TAIL_LIGHTS, Lookalike.RED_CLOTH,
    Lookalike.TV_WALL,
)  # fmt: skip
"""What flashes or waves: rendered at 10 pictures a second, or its rhythm would be lost."""
QUICK_SECONDS, QUICK_FPS = 240.0, 10.0
SLOW_SECONDS, SLOW_FPS = 630.0, 4.0
"""What drifts. Two scenes a kind: 4 h 5 min in all."""
RATES = (12.5, 8.0, 15.0, 12.5, 25.0, 10.0, 5.0)
SETTINGS = (Setting.YARD, Setting.STREET, Setting.ROOM, Setting.PHOTOGRAPH)
DARK_KINDS = (Lookalike.INFRARED_BLOOM, Lookalike.COBWEB)
OUTDOOR_KINDS = (
    Lookalike.TAIL_LIGHTS, Lookalike.SUNSET_GLASS, Lookalike.FOG, Lookalike.DUST, Lookalike.EXHAUST, Lookalike.CLOUDS,
)  # fmt: skip
LOW_SUN_KINDS = (Lookalike.SUNSET_GLASS,)
DAY_KINDS = (Lookalike.CLOUDS, Lookalike.DUST)


def evaluation_set(seed: int = SEED, photographs: Path | None = None, holding: str = "") -> tuple[Scene, ...]:
    """All scenes whose names hold a text: `flame-…`, `smoke-…` with a fire, `like-…` without.

    `photographs`: a folder whose pictures may serve as backgrounds; without it yards take their place.
    """
    pictures = sorted(p.name for p in photographs.iterdir()) if photographs is not None and photographs.is_dir() else []
    scenes = [*_flames(seed, pictures), *_smokes(seed, pictures), *_lookalikes(seed, pictures)]
    return tuple(scene for scene in scenes if holding in scene.name)


def _flames(seed: int, pictures: Sequence[str]) -> list[Scene]:
    lights = (Light.DAY, Light.NIGHT, Light.DULL, Light.INFRARED, Light.LOW_SUN, Light.NIGHT, Light.DAY)
    scenes = []
    for number in range(FLAMES):
        rng = stream(seed, "flame", number)
        light, setting = lights[number % len(lights)], SETTINGS[number % len(SETTINGS)]
        dark = light in (Light.NIGHT, Light.INFRARED)
        start = float(rng.uniform(15, 25))
        px = float(np.exp(rng.uniform(np.log(14), np.log(70))))
        fire = FireSpec(
            start=start,
            end=start + 45,
            x=float(rng.uniform(0.12, 0.88)),
            y=float(rng.uniform(0.55, 0.95)),
            flame_px=px,
            smoke_px=px * float(rng.choice([0, 2.5, 4])),
            grow_seconds=float(rng.uniform(8, 30)),
            black=rng.random() < 0.4,
            strength=float(rng.uniform(6, 25) if dark else rng.uniform(4, 12)),
            wind=float(rng.choice([0, 0, 0.6, -0.6])),
        )
        scenes.append(_scene(rng, f"flame-{number:02d}-{light.value}", light, setting, pictures, (fire,), 75.0, number))
    return scenes


def _smokes(seed: int, pictures: Sequence[str]) -> list[Scene]:
    lights = (Light.DAY, Light.DULL, Light.NIGHT, Light.DAY, Light.INFRARED)
    scenes = []
    for number in range(SMOKES):
        rng = stream(seed, "smoke", number)
        light, setting = lights[number % len(lights)], SETTINGS[number % len(SETTINGS)]
        start = float(rng.uniform(20, 30))
        fire = FireSpec(
            start=start,
            end=start + 100,
            x=float(rng.uniform(0.15, 0.85)),
            y=float(rng.uniform(0.6, 0.95)),
            smoke_px=float(rng.uniform(110, 340)),
            grow_seconds=float(rng.uniform(15, 60)),
            black=rng.random() < 0.3 and light not in (Light.NIGHT, Light.INFRARED),
            density=float(rng.uniform(2.5, 7)),
            wind=float(rng.choice([0, 0, 0.5, -0.5])),
        )
        name = f"smoke-{number:02d}-{light.value}"
        scenes.append(_scene(rng, name, light, setting, pictures, (fire,), start + 105, number))
    return scenes


def _scene(
    rng: np.random.Generator,
    name: str,
    light: Light,
    setting: Setting,
    pictures: Sequence[str],
    fires: tuple[FireSpec, ...],
    seconds: float,
    number: int,
) -> Scene:
    photograph = pictures[int(rng.integers(len(pictures)))] if pictures and setting is Setting.PHOTOGRAPH else None
    return Scene(
        name=name,
        seed=int(rng.integers(1 << 30)),
        fps=RATES[number % len(RATES)],
        seconds=seconds,
        setting=Setting.YARD if setting is Setting.PHOTOGRAPH and photograph is None else setting,
        light=light,
        photograph=photograph,
        fires=fires,
        traffic=float(rng.choice([0, 0.1, 0.25])) if setting is Setting.STREET else 0.0,
        shake_px=float(rng.choice([0, 0, 0.7])),
        noise=float(rng.uniform(1, 4 if light in (Light.NIGHT, Light.INFRARED) else 2.5)),
        quality=int(rng.choice([24, 28, 32])),
    )


def _lookalikes(seed: int, pictures: Sequence[str]) -> list[Scene]:
    scenes = []
    for place, kind in enumerate(Lookalike):
        quick = kind in QUICK_KINDS
        for number in range(2):
            rng = stream(seed, "like", kind.value, number)
            setting = SETTINGS[(place + 2 * number) % len(SETTINGS)]
            if kind in OUTDOOR_KINDS and setting is Setting.ROOM:
                setting = Setting.YARD
            light = _light_of(kind, number)
            photograph = pictures[int(rng.integers(len(pictures)))] if pictures else None
            if setting is Setting.PHOTOGRAPH and photograph is None:
                setting = Setting.YARD
            scenes.append(
                Scene(
                    name=f"like-{kind.value}-{number}-{light.value}",
                    seed=int(rng.integers(1 << 30)),
                    fps=QUICK_FPS if quick else SLOW_FPS,
                    seconds=QUICK_SECONDS if quick else SLOW_SECONDS,
                    setting=setting,
                    light=light,
                    photograph=photograph if setting is Setting.PHOTOGRAPH else None,
                    lookalikes=(kind,),
                    traffic=0.1 if setting is Setting.STREET else 0.0,
                    shake_px=0.5 * number,
                    noise=float(rng.uniform(1, 3)),
                )
            )
    return scenes


def _light_of(kind: Lookalike, number: int) -> Light:
    if kind in LOW_SUN_KINDS:
        return Light.LOW_SUN
    if kind in DAY_KINDS:
        return (Light.DAY, Light.DULL)[number]
    if kind in DARK_KINDS:
        return Light.INFRARED
    return (Light.DAY, Light.NIGHT)[number]
