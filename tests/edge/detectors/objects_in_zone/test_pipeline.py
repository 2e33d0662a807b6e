"""The whole way: a recording with a thing that stands where it must not, from its pixels to its events and evidence."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from contract.events import HazardData
from edge.config.document import config_from_text
from edge.config.inference import InferenceSettings, ModelSettings
from edge.config.inputs import FileInput
from edge.detectors.interface import Observation
from edge.detectors.objects_in_zone import ObjectsInZoneDetector, ObjectsInZoneSettings
from edge.detectors.registry import PictureSize
from edge.inference.port import ReplayModels
from edge.inference.sessions import read_model
from edge.replay import Progress, replay
from edge.sources.opening import open_video
from edge.streams.camera import CameraStream
from tests.edge.detectors.objects_in_zone.street import EPOCH
from tests.edge.inference.tiny_model import tiny_model

DATA = Path(__file__).parents[5] / "shared" / "data"
YOLOX, CROSSINGS = DATA / "weights" / "yolox_nano.onnx", DATA / "signals" / "dusk_crossings.mp4"

CONFIG = """
device: {{id: box-1, state_dir: state}}
inference:
  models: {{tiny: {{path: {model}, format: yolov8, version: "3", labels: [red, blue]}}}}
evidence:
  blur: {{model: tiny, labels: [red, blue], min_score: 0.3}}
sources:
  gate:
    kind: camera
    location: {{lon: 113.62, lat: 34.75, accuracy_m: 20}}
    ground:
      points:
        - {{pixel: [0, 190], lon: 113.6200, lat: 34.7500}}
        - {{pixel: [256, 190], lon: 113.6202, lat: 34.7500}}
        - {{pixel: [256, 20], lon: 113.6202, lat: 34.7502}}
        - {{pixel: [0, 20], lon: 113.6200, lat: 34.7502}}
    detectors:
      objects_in_zone:
        model: tiny
        zones:
          - name: fire lane
            polygon: [[100, 60], [250, 60], [250, 190], [100, 190]]
            rules:
              - {{classes: [red], hazard: blocked_fire_lane, tier: alarm, dwell: {{seconds: 10, still: true}}}}
"""


def record_cells(path: Path, cells: Sequence[tuple[int, int, str, float, float]], seconds: float, fps: int = 4) -> Path:
    """256 × 192 px of 8 × 6 cells, some of them red or blue: (column, row, colour, from, to)."""
    with av.open(path, "w") as output:
        stream = output.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = 256, 192, "yuv420p", Fraction(1, fps)
        for number in range(int(seconds * fps)):
            picture = np.full((192, 256, 3), 20, np.uint8)
            for column, row, colour, begin, end in cells:
                if begin <= number / fps < end:
                    area = (slice(row * 32, row * 32 + 64), slice(column * 32, column * 32 + 64))
                    picture[area][:, :, 2 if colour == "red" else 0] = 255
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path


def events_of(folder: Path, clip: Path) -> list[HazardData]:
    config = config_from_text(CONFIG.format(model=tiny_model(folder / "tiny.onnx")), folder / "edge.yaml")
    (result,) = replay([clip], config, folder / "events.jsonl", folder / "evidence", Progress())
    assert result.problem is None
    lines = (folder / "events.jsonl").read_text().splitlines()
    return [HazardData.model_validate(json.loads(line)["data"]) for line in lines]


def test_a_lane_that_is_blocked_is_told_with_its_proof(tmp_path: Path) -> None:
    standing = [(4, 2, "red", 3.0, 32.0), (6, 2, "blue", 0.0, 60.0), (0, 0, "red", 0.0, 60.0)]
    events = events_of(tmp_path, record_cells(tmp_path / "gate.mp4", standing, 60))
    assert {(event.hazard, event.tier, event.producer.detector.split()[0]) for event in events} == {
        ("blocked_fire_lane", "alarm", "objects_in_zone")
    }
    assert [events[0].phase, events[-1].phase] == ["opened", "cleared"]
    assert len({event.episode_id for event in events}) == 1
    opened, over = events[0], events[-1]
    assert opened.media is not None
    assert opened.media.start_seconds == pytest.approx(13.5, abs=0.6)
    assert over.ended_at is not None
    assert (over.ended_at - over.started_at).total_seconds() == pytest.approx(32 - 13, abs=1.5)
    assert opened.producer.model is not None
    assert (opened.producer.model.name, opened.producer.model.version) == ("tiny", "3")
    assert opened.producer.model.sha256 == read_model(tmp_path / "tiny.onnx").sha256
    detail: dict[str, Any] = dict(opened.detail)
    assert (detail["zone"], detail["rule"], detail["count"], detail["limit"]) == ("fire lane", "dwell", 1, 10)
    assert detail["objects"][0]["label"] == "red"
    assert opened.location.method == "homography"
    assert opened.location.point.latitude == pytest.approx(34.7502 - 0.0002 * (128 - 20) / 170, abs=1e-5)
    kinds = {item.kind: item.redacted for item in over.evidence}
    assert kinds == {"snapshot": True, "track": False, "clip": False}


def test_a_lane_that_is_free_is_not_told(tmp_path: Path) -> None:
    passing = [(4, 2, "red", begin, begin + 5.0) for begin in (3.0, 20.0, 37.0)]
    assert events_of(tmp_path, record_cells(tmp_path / "gate.mp4", passing, 45)) == []


@pytest.mark.skipif(not (YOLOX.exists() and CROSSINGS.exists()), reason=f"{YOLOX} or {CROSSINGS} is not there")
def test_real_cars_that_wait_at_a_real_red_light() -> None:
    """A picture a second of a crossing at dusk: cars stand at the line for ten seconds and more, none for thirty."""
    labels = ("person", "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck")
    model = ModelSettings.model_validate({"path": YOLOX, "format": "yolox", "labels": labels})
    line = [[60, 600], [1000, 600], [1000, 860], [60, 860]]
    rules = [{"classes": ["car", "truck"], "dwell": {"seconds": limit, "still": True}} for limit in (6, 30)]
    zones = [
        {"name": name, "polygon": line, "rules": [rule]} for name, rule in zip(("6 s", "30 s"), rules, strict=True)
    ]
    values = ObjectsInZoneSettings.model_validate({"model": "things", "look_seconds": 1, "zones": zones})
    source = open_video(FileInput(type="file", path=CROSSINGS, pace="fastest"))
    port = ReplayModels(InferenceSettings(models={"things": model})).port()
    made = ObjectsInZoneDetector(values, PictureSize(source.width, source.height), port)
    found: list[Observation] = []
    try:
        for frame in CameraStream("crossing", source, wall_start=EPOCH).frames():
            found += made.observe(frame)
            if frame.media_time >= 36:
                break
    finally:
        source.close()
    assert {one.key for one in found} == {"6 s/dwell"}
    first = found[0]
    assert first.detail.as_json()["objects"][0]["label"] in ("car", "truck")
    assert first.confidence > 0.4
