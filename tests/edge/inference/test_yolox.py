"""A real network on real streets: what it finds, and many sources at once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from edge.config.inference import InferenceSettings, ModelSettings
from edge.config.inputs import FileInput
from edge.detectors.interface import Detections, Frame
from edge.inference.choice import choose
from edge.inference.port import ReplayModels
from edge.inference.proving import read_parts
from edge.inference.service import InferenceService
from edge.inference.sessions import Backend, SessionPlan, open_session, read_model
from edge.sources.opening import open_video
from edge.streams.camera import CameraStream
from tests.edge.inference.conftest import T0

DATA = Path(__file__).parents[4] / "shared" / "data"
MODEL = DATA / "weights" / "yolox_nano.onnx"
STREETS = DATA / "signals" / "dusk_crossings.mp4"
CAR, TRAFFIC_LIGHT = 2, 9

pytestmark = pytest.mark.skipif(not (MODEL.exists() and STREETS.exists()), reason=f"{MODEL} or {STREETS} is not there")


def settings(**changes: object) -> InferenceSettings:
    model = ModelSettings.model_validate({"path": MODEL, "format": "yolox", "min_score": 0.3})
    values = {"models": {"things": model}, "threads": 1, "measure_seconds": 0.2, **changes}
    return InferenceSettings.model_validate(values)


@pytest.fixture(scope="module")
def frames() -> Sequence[Frame]:
    """A dozen frames of three crossings at dusk, 1080p; they keep their pictures."""
    source = open_video(FileInput(type="file", path=STREETS, pace="fastest"))
    try:
        kept = []
        for one in CameraStream("crossing", source, wall_start=T0).frames():
            if one.index % 6 == 0:
                kept.append(one)
            if len(kept) == 12:
                break
        return kept
    finally:
        source.close()


def test_it_finds_cars_and_signals(frames: Sequence[Frame]) -> None:
    port = ReplayModels(settings()).port()
    found: Counter[int] = Counter()
    for one in frames:
        port.ask("things", one)
        (answer,) = port.answers()
        found.update(answer.classes.tolist())
        assert (answer.boxes[:, :2] < answer.boxes[:, 2:]).all()
        assert answer.boxes.min(initial=0) >= 0
        assert (answer.boxes[:, [0, 2]] <= one.width).all()
        assert (np.diff(answer.scores) <= 0).all(), "best first"
    assert found[CAR] + found[TRAFFIC_LIGHT] >= len(frames)
    assert found[CAR] + found[TRAFFIC_LIGHT] > 0.5 * found.total()


def test_both_libraries_find_the_same(frames: Sequence[Frame]) -> None:
    file = read_model(MODEL)
    sessions = [open_session(file, SessionPlan(backend)) for backend in Backend]
    picture = np.random.default_rng(0).uniform(0, 255, (1, 3, 416, 416)).astype(np.float32)
    first, second = (session.run(picture).copy() for session in sessions)
    assert np.abs(first - second).max() < 1e-3


def test_many_sources_share_it(frames: Sequence[Frame], tmp_path: Path) -> None:
    """Eight sources that ask five times a second: 40 a second are more than one core answers of 1080p pictures when it
    also decodes; each is heard alike, in its own order, and every question is accounted for."""
    choose("things", settings().models["things"], read_parts(settings().models["things"]), settings(), tmp_path)
    service = InferenceService(settings(), tmp_path)
    names = [f"camera-{number}" for number in range(8)]
    counted = {name: Counter[str]() for name in names}
    answers: dict[str, list[Detections]] = {name: [] for name in names}
    try:
        ports = {name: service.port(name, counts=counted[name]) for name in names}
        limit = time.monotonic() + 60
        while not ports[names[0]].ask("things", frames[0]):
            assert time.monotonic() < limit, "the model did not open"
            time.sleep(0.05)
        began, number = time.monotonic(), 0
        while (now := time.monotonic() - began) < 6:
            for index, (name, port) in enumerate(ports.items()):
                one = frames[(number + index) % len(frames)]
                moved = Frame(name, number, now, one.wall_time, one.luma, one.read_bgr, one.read_planes)
                port.ask("things", moved)
                answers[name] += port.answers()
            number += 1
            time.sleep(max(0.0, number * 0.2 - (time.monotonic() - began)))
        while any(one["waiting"] for one in service.status()):
            time.sleep(0.05)
    finally:
        service.close()
    heard = {name: len(found) for name, found in answers.items()}
    assert min(heard.values()) > 0
    assert max(heard.values()) <= min(heard.values()) + 3
    for name in names:
        times = [answer.media_time for answer in answers[name]]
        assert times == sorted(times)
        told = counted[name]
        left = told["asked"] - told["answered"] - told["replaced"] - told["shed"] - told["failed"]
        assert 0 <= left <= 2, "at most one in the inbox and one under way when it was closed"
