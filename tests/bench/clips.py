"""The clips that benches decode: H.264 façades as a camera sends them, rendered once and kept in var/bench.

    python -m tests.bench.clips

`calm` has nothing that moves in the façade's polygon but a bird or two and one fall; in `leafy` a branch swings inside
the polygon, and nobody has masked it. `small` is the sub stream of such a camera: 640 x 360 at 10 frames a second.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from samples.facade.__main__ import generator_sha256
from samples.facade.camera import Camera
from samples.facade.catalogue import PLASTER_BLOCK
from samples.facade.lights import BY_DAY, SUNNY
from samples.facade.produce import produce
from samples.facade.scenario import Birds, Branch, Encoding, Fall, Scenario, Side, Thing
from tests.bench.rows import FOLDER

CLIPS = FOLDER / "clips"
NICENESS = 15
"""Rendering takes minutes: whoever else uses the machine comes first."""

_CAMERA = Camera(width=1920, height=1080, focal_px=1690.0, height_m=3.0, tilt_degrees=34.0, distance_m=20.0)
_CALM = Scenario(
    name="calm-1080p25",
    seed=31,
    light=SUNNY,
    imager=BY_DAY,
    seconds=40.0,
    fps=25,
    camera=_CAMERA,
    building=PLASTER_BLOCK,
    # What a camera of two megapixels is usually set to: 6 Mbit/s and a key frame every two seconds. Noise fills it.
    encoding=Encoding(crf=10, cap_kbit_s=6000, gop_seconds=2.0, preset="faster"),
    falls=(Fall(Thing.RUBBISH_BAG, 9.0, floor=8, bay=3, outward_m_s=1.2, sideways_m_s=0.3),),
    nuisances=(Birds(crossing=2),),
    caption="CAM 01",
)
SCENARIOS: Mapping[str, Scenario] = {
    "calm": _CALM,
    "leafy": replace(
        _CALM, name="leafy-1080p25", nuisances=(Birds(crossing=2), Branch(Side.RIGHT, reach=0.28, masked=False))
    ),
    "small": replace(
        _CALM,
        name="small-360p10",
        fps=10,
        camera=replace(_CAMERA, width=640, height=360, focal_px=563.0),
        encoding=Encoding(crf=18, cap_kbit_s=500, gop_seconds=2.0, preset="faster"),
        falls=(),
        caption="",
    ),
}


@dataclass(frozen=True, slots=True)
class BenchClip:
    """A clip, and the `facade` settings of its camera."""

    name: str
    path: Path
    facade: Mapping[str, Any]

    def edge_config(self, state_dir: Path) -> dict[str, Any]:
        """An edge configuration that replays the clip with `thrown_object`."""
        return {
            "device": {"id": "bench", "state_dir": str(state_dir)},
            "sources": {
                self.path.stem: {
                    "kind": "camera",
                    "name": self.path.stem,
                    "location": {"lon": 113.65, "lat": 34.75, "accuracy_m": 25},
                    "detectors": {"thrown_object": {"facade": dict(self.facade)}},
                }
            },
        }


def bench_clip(name: str) -> BenchClip:
    """The clip of this name: rendered on the first call, and again when the generator or the scenario has changed."""
    scenario = SCENARIOS[name]
    path, settings = CLIPS / f"{scenario.name}.mp4", CLIPS / f"{scenario.name}.yaml"
    recipe = f"{scenario!r}\ngenerator {generator_sha256()}\n"
    stamp = CLIPS / f"{scenario.name}.made-by.txt"
    if not stamp.is_file() or stamp.read_text(encoding="utf-8") != recipe:
        _render_apart(name)
        stamp.write_text(recipe, encoding="utf-8")
    return BenchClip(name, path, yaml.safe_load(settings.read_text(encoding="utf-8")))


def _render_apart(name: str) -> None:
    """In a child: niceness is for ever, and the memory of rendering would stay with the bench."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.nice(NICENESS)
            _render(name)
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if status:
        raise RuntimeError(f"rendering the bench clip {name} failed with status {status}")


def _render(name: str) -> None:
    scenario = SCENARIOS[name]
    CLIPS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    print(f"rendering {scenario.name}: {scenario.frames} frames", file=sys.stderr, flush=True)
    made = produce(scenario, CLIPS)
    (CLIPS / f"{scenario.name}.yaml").write_text(yaml.safe_dump(made.facade), encoding="utf-8")
    mbit_s = made.path.stat().st_size * 8 / 1e6 / scenario.seconds
    print(f"{made.path}: {mbit_s:.1f} Mbit/s, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    for wanted in SCENARIOS:
        bench_clip(wanted)
