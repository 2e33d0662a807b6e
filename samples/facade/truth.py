"""What is known about a clip: episodes in seconds, tracks in pixels and metres, and the calibration of its camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from shapely.geometry import Polygon, box

from samples.facade.actors import FallingThing
from samples.facade.camera import Camera
from samples.facade.render import Renderer
from samples.facade.scenario import Scenario

HAZARD = "thrown_object"
CONTRAST_PROBES = 7
ROOF_MARGIN_M = 0.5
"""A façade polygon reaches this far above the roof: things are let go over the parapet."""


@dataclass(frozen=True, slots=True)
class TrackPoint:
    """Where a thing is in the middle of one frame's exposure."""

    seconds: float
    pixel: tuple[float, float]
    metres: tuple[float, float, float]
    width_px: float
    """Diameter of a disc as large as the thing looks on average."""
    inside: bool


@dataclass(frozen=True, slots=True)
class EpisodeTruth:
    """One fall. It ends with the impact, or when the thing has left the picture for good."""

    thing: str
    start_seconds: float
    end_seconds: float
    landed: bool
    contrast_to_noise: float
    """Median over its way of how far it stands out of the picture's noise: below 3 nobody could see it for sure."""
    track: tuple[TrackPoint, ...]

    @property
    def seen(self) -> tuple[TrackPoint, ...]:
        """The part of the track that lies in the picture."""
        return tuple(point for point in self.track if point.inside)

    @property
    def seen_drop_m(self) -> float:
        """How far it falls while it can be seen, metres."""
        heights = [point.metres[1] for point in self.seen]
        return max(heights) - min(heights) if heights else 0.0

    @property
    def narrowest_px(self) -> float:
        """Its smallest width while it is in the picture, pixels."""
        return min((point.width_px for point in self.seen), default=0.0)

    def as_json(self) -> dict[str, Any]:
        """Plain data, rounded so that files stay small."""
        return {
            "hazard": HAZARD,
            "thing": self.thing,
            "start_seconds": round(self.start_seconds, 3),
            "end_seconds": round(self.end_seconds, 3),
            "landed": self.landed,
            "seen_drop_m": round(self.seen_drop_m, 2),
            "narrowest_px": round(self.narrowest_px, 2),
            "contrast_to_noise": round(self.contrast_to_noise, 1),
            "track": [
                {
                    "seconds": round(point.seconds, 3),
                    "pixel": [round(value, 2) for value in point.pixel],
                    "metres": [round(value, 3) for value in point.metres],
                    "width_px": round(point.width_px, 2),
                    "inside": point.inside,
                }
                for point in self.track
            ],
        }


def episode_of(renderer: Renderer, thing: FallingThing) -> EpisodeTruth:
    """The truth about one fall.

    Raises ValueError if the thing is never in the picture, or its fall does not end within the clip.
    """
    scenario = renderer.scenario
    camera, path = scenario.camera, thing.path
    fine = np.arange(path.start_seconds, path.end_seconds, 0.005)
    inside = camera.contains(camera.project(path.at(fine)))
    if not inside.any():
        raise ValueError(
            f"{scenario.name}: {thing.fall.thing} let go at {path.start_seconds:.2f} s is never in the picture"
        )
    landed = bool(inside[-1])
    end = path.end_seconds if landed else float(fine[np.flatnonzero(inside)[-1]])
    if end > scenario.seconds:
        raise ValueError(
            f"{scenario.name}: the fall of {thing.fall.thing} ends at {end:.2f} s, the clip at {scenario.seconds} s"
        )
    middle = scenario.imager.exposure_seconds / 2
    stamps = np.arange(scenario.frames) / scenario.fps + middle
    stamps = stamps[(stamps >= path.start_seconds) & (stamps <= end + 1e-6)]
    size = thing.mesh.mean_diameter_m
    track = [_point(camera, float(seconds), thing, size) for seconds in stamps]
    seen = [point for point in track if point.inside]
    probes = seen[:: max(1, len(seen) // CONTRAST_PROBES)]
    contrasts = [renderer.contrast_to_noise(thing, int(p.seconds * scenario.fps), p.pixel) for p in probes]
    contrast = float(np.median(contrasts)) if contrasts else 0.0
    return EpisodeTruth(thing.fall.thing.value, path.start_seconds, end, landed, contrast, tuple(track))


def _point(camera: Camera, seconds: float, thing: FallingThing, size_m: float) -> TrackPoint:
    place = thing.path.at(np.array([seconds]))
    pixel = camera.project(place)
    width = camera.focal_px * size_m / float(camera.depth(place)[0])
    return TrackPoint(
        seconds,
        (float(pixel[0, 0]), float(pixel[0, 1])),
        (float(place[0, 0]), float(place[0, 1]), float(place[0, 2])),
        width,
        bool(camera.contains(pixel)[0]),
    )


def episodes_of(renderer: Renderer) -> list[EpisodeTruth]:
    """All falls of a clip by their time of release."""
    found = [episode_of(renderer, thing) for thing in renderer.things()]
    return sorted(found, key=lambda episode: episode.start_seconds)


def clip_truth(scenario: Scenario, episodes: list[EpisodeTruth]) -> dict[str, Any]:
    """One entry of `clips` in a truth file; without episodes the clip is nuisance."""
    return {
        "file": f"{scenario.name}.mp4",
        "episodes": [
            {
                "hazard": HAZARD,
                "start_seconds": round(episode.start_seconds, 2),
                "end_seconds": round(episode.end_seconds, 2),
            }
            for episode in episodes
        ],
    }


def facade_settings(renderer: Renderer) -> dict[str, Any]:
    """What an installer would enter for this camera, as the edge's configuration names it: polygon, ignore, camera."""
    scenario = renderer.scenario
    camera, building = scenario.camera, scenario.building
    left, right, top = building.left_m, building.right_m, building.height_m + ROOF_MARGIN_M
    visible_top = min(top, _highest_visible(camera))
    corners = np.array([(left, 0.5, 0), (right, 0.5, 0), (right, visible_top, 0), (left, visible_top, 0)], np.float64)
    settings: dict[str, Any] = {
        "polygon": _clipped(camera, [(float(x), float(y)) for x, y in camera.project(corners)]),
        "ignore": [_clipped(camera, [(float(x), float(y)) for x, y in ring]) for ring in renderer.masked_outlines()],
        "camera": {
            "height_m": camera.height_m,
            "tilt_degrees": camera.tilt_degrees,
            "focal_px": camera.focal_px,
            "distance_m": camera.distance_m,
        },
    }
    if scenario.caption:
        height, width = camera.height, camera.width
        settings["ignore"].append(
            [[0, height - 24], [width // 3, height - 24], [width // 3, height - 1], [0, height - 1]]
        )
    return settings


def homography_points(camera: Camera) -> list[dict[str, list[float]]]:
    """Four measured points of the façade, pixel and metres: the other way to calibrate the same camera."""
    pixels = np.array([(0.2, 0.85), (0.8, 0.85), (0.7, 0.2), (0.3, 0.2)]) * (camera.width, camera.height)
    metres = camera.to_facade(pixels)
    return [
        {"pixel": [round(float(x), 1), round(float(y), 1)], "metres": [round(float(a), 3), round(float(b), 3)]}
        for (x, y), (a, b) in zip(pixels, metres, strict=True)
    ]


def _highest_visible(camera: Camera) -> float:
    """A height on the façade above which nothing is in the picture; it keeps the polygon before the vanishing line."""
    metres = camera.to_facade(np.array([[camera.width / 2, -camera.height * 0.05]]))
    height = float(metres[0, 1])
    return height if height > 0 else 200.0


def _clipped(camera: Camera, ring: list[tuple[float, float]]) -> list[list[int]]:
    """A ring of pixels cut to the picture, whole numbers."""
    cut = Polygon(ring).intersection(box(0, 0, camera.width - 1, camera.height - 1))
    if cut.is_empty or not isinstance(cut, Polygon):
        raise ValueError(f"the polygon {ring} does not lie in a picture of {camera.width} × {camera.height}")
    return [[round(x), round(y)] for x, y in list(cut.exterior.coords)[:-1]]


class _Dumper(yaml.SafeDumper):
    """Lists of numbers on one line, everything else in blocks."""


def _one_line(dumper: yaml.SafeDumper, data: list[Any]) -> yaml.Node:
    plain = all(isinstance(item, int | float | str) for item in data)
    points = all(isinstance(item, list) and all(isinstance(value, int | float) for value in item) for item in data)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", data, flow_style=plain or points)


_Dumper.add_representer(list, _one_line)


def write_yaml(path: Path, data: object, comment: str) -> None:
    """YAML that people can read, with a comment on top."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=118)
    path.write_text("".join(f"# {line}\n" for line in comment.splitlines()) + text, encoding="utf-8")
