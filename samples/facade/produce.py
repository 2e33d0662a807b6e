"""Writes clips with everything that is known about them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from samples.facade.encode import write_clip
from samples.facade.render import Renderer
from samples.facade.scenario import Scenario
from samples.facade.truth import (
    EpisodeTruth,
    clip_truth,
    episodes_of,
    facade_settings,
    homography_points,
    write_yaml,
)


@dataclass(frozen=True, slots=True)
class Produced:
    """A clip that has been written."""

    scenario: Scenario
    path: Path
    episodes: list[EpisodeTruth]
    facade: dict[str, Any]


def produce(scenario: Scenario, folder: Path, on_frame: Callable[[], None] = lambda: None) -> Produced:
    """Renders and encodes one clip, and writes `<name>.track.json` beside it.

    Raises ValueError if one of its falls cannot be seen or is not over at the end (see `truth.episode_of`).
    """
    renderer = Renderer(scenario)
    episodes = episodes_of(renderer)
    path = folder / f"{scenario.name}.mp4"
    write_clip(path, scenario, renderer.frames(), on_frame)
    track = {
        "file": path.name,
        "seed": scenario.seed,
        "fps": scenario.fps,
        "frames": scenario.frames,
        "size": [scenario.camera.width, scenario.camera.height],
        "homography": homography_points(scenario.camera),
        "episodes": [episode.as_json() for episode in episodes],
    }
    (folder / f"{scenario.name}.track.json").write_text(
        json.dumps(track, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    return Produced(scenario, path, episodes, facade_settings(renderer))


def write_index(folder: Path, produced: Sequence[Produced], command: str) -> None:
    """`truth.yaml` for `eval`, `calibration.yaml` for whoever writes a configuration, `edge.yaml` for `replay`."""
    made_by = f"Made by: {command}"
    truth = {"clips": [clip_truth(item.scenario, item.episodes) for item in produced]}
    write_yaml(folder / "truth.yaml", truth, f"What happens in the clips beside this file. {made_by}")
    calibration = {item.scenario.name: {"facade": item.facade} for item in produced}
    comment = f"The façade settings of each clip's camera, ready for an edge configuration. {made_by}"
    write_yaml(folder / "calibration.yaml", calibration, comment)


def replay_config(produced: Sequence[Produced]) -> dict[str, Any]:
    """An edge configuration that replays the clips: one source a clip, named after its stem."""
    return {
        "device": {"id": "samples", "state_dir": "edge-state"},
        "sources": {
            item.scenario.name: {
                "kind": "camera",
                "name": item.scenario.name,
                "location": {"lon": 113.65, "lat": 34.75, "accuracy_m": 25},
                "detectors": {"thrown_object": {"facade": item.facade}},
            }
            for item in produced
        },
    }
