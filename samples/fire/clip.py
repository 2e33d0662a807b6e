"""The clip that the project ships: a works yard with people and a beacon, where pallets catch fire and burn out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from samples.fire.lookalikes.shared import Lookalike
from samples.fire.optics import Picture
from samples.fire.render import Renderer
from samples.fire.scenario import FireSpec, Light, Scene, Setting
from samples.junction.clip import encode, enter

COMMAND = "python -m samples.fire"


def yard_clip() -> Scene:
    """640×360, 66 s at 12 pictures a second; it catches fire at 12 s and is out at 52 s."""
    return Scene(
        name="yard-1",
        seed=38,
        fps=12,
        seconds=66,
        setting=Setting.YARD,
        light=Light.DULL,
        fires=(FireSpec(start=12, end=52, x=0.46, y=0.68, flame_px=50, smoke_px=190, grow_seconds=12, strength=8),),
        lookalikes=(Lookalike.HI_VIS, Lookalike.BEACON),
        noise=1.2,
    )


def write_clip(folder: Path, scene: Scene, on_picture: Callable[[], None] = lambda: None) -> tuple[Path, Renderer]:
    """Renders and encodes a scene as `<name>.mp4`; the renderer then knows what could be seen. Equal pictures give
    equal bytes."""
    renderer = Renderer(scene)
    path = folder / f"{scene.name}.mp4"
    encode(path, scene, pictures(renderer), on_picture)
    return path, renderer


def pictures(renderer: Renderer) -> Iterator[Picture]:
    """All of a scene's pictures, I420, in order."""
    scene = renderer.scene
    for index in range(int(scene.seconds * scene.fps)):
        yield renderer.picture(index / scene.fps, index)


def truth_of(renderer: Renderer) -> dict[str, Any]:
    """The clip as a truth file lists it, once all its pictures were made: what could be seen, and since when."""
    episodes = []
    for fire in renderer.fires:
        for hazard, seen in (("fire", fire.flames), ("smoke", fire.smoke)):
            if seen.since is not None:
                times = {"start_seconds": round(seen.since, 2), "end_seconds": fire.spec.end}
                episodes.append({"hazard": hazard, **times})
    return {"file": f"{renderer.scene.name}.mp4", "episodes": episodes}


def add_to_index(folder: Path, renderer: Renderer) -> None:
    """Puts the clip into `truth.yaml` and `calibration.yaml`."""
    enter(folder, renderer.scene.name, truth_of(renderer), {"fire_smoke": {}}, COMMAND)
