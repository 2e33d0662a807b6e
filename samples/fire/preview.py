"""Pictures to look at: of composites for training, of look-alikes, of a scene over time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from samples.fire.lookalikes.shared import Lookalike
from samples.fire.optics import Picture
from samples.fire.places import picture_of_place
from samples.fire.render import Renderer
from samples.fire.scenario import Light, Scene, Setting
from samples.fire.stills import Composite, Kind, Label, composite, lookalike

TILE = 300
INK = {Label.FIRE: (60, 220, 60), Label.SMOKE: (230, 190, 40)}
SETTINGS = (Setting.ROOM, Setting.YARD, Setting.STREET)
LIGHTS = (Light.DAY, Light.DULL, Light.NIGHT)


def backgrounds(rng: np.random.Generator, count: int, size: int = 416) -> Sequence[Picture]:
    """Square places that the project makes, for whoever has no photographs."""
    made = []
    for _ in range(count):
        scene = Scene(
            name="background",
            seed=int(rng.integers(1 << 30)),
            fps=1,
            seconds=1,
            setting=SETTINGS[int(rng.integers(3))],
            light=LIGHTS[int(rng.integers(3))],
            width=size,
            height=size,
        )
        made.append(picture_of_place(scene)[0])
    return made


def stills_sheet(path: Path, seed: int, shown: str, pictures: Sequence[Picture] | None = None) -> None:
    """24 composites: `shown` is `fire`, `smoke`, `both` or `lookalikes`. `pictures`: backgrounds."""
    rng = np.random.default_rng(seed)
    made = []
    places = pictures if pictures is not None else backgrounds(rng, 24)
    for number in range(24):
        place = places[number % len(places)]
        if shown == "lookalikes":
            made.append(lookalike(rng, place, [tuple(Lookalike)[number % len(Lookalike)]]))
        else:
            made.append(composite(rng, place, Kind(shown)))
    _write(path, [_boxed(one) for one in made], 6)


def scene_sheet(path: Path, scene: Scene, photographs: Path | None = None, count: int = 12) -> None:
    """`count` pictures of a scene at even times."""
    renderer = Renderer(scene, photographs)
    wanted = {int(scene.seconds * scene.fps * (n + 0.5) / count) for n in range(count)}
    tiles = []
    for index in range(int(scene.seconds * scene.fps)):
        i420 = renderer.picture(index / scene.fps, index)
        if index in wanted:
            picture = np.asarray(cv2.cvtColor(i420, cv2.COLOR_YUV2BGR_I420), np.uint8)
            cv2.putText(picture, f"{scene.name} {index / scene.fps:.0f} s", (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.5,
                        (255, 255, 255), 1, cv2.LINE_AA)  # fmt: skip
            tiles.append(picture)
    _write(path, tiles, 3)


def _boxed(made: Composite) -> Picture:
    picture = made.picture.copy()
    for box in made.boxes:
        cv2.rectangle(picture, (box.left, box.top), (box.right - 1, box.bottom - 1), INK[box.label], 1)
    return np.asarray(cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)


def _write(path: Path, tiles: list[Picture], columns: int) -> None:
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles) - columns + 1, columns)]
    cv2.imwrite(str(path), np.vstack(rows))
