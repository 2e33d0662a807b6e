"""What watching for fire costs: eight streams of 640 × 360 on one core, decoded, watched and shown to the model.

    python -m tests.bench fire

Everything is done by one thread, and CPU time is measured: a core that is busy with other things changes little. Seven
cameras are calm (traffic passes), before one something burns. `fire.core_share` is CPU seconds a second of media for
all eight; 1 is a whole core. The model is the default one (`models/fire_smoke`), asked as in service: every 10 s, and
twice a second on suspicion, which a fire is.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from edge.config.inference import InferenceSettings
from edge.detectors.fire_smoke import FireSmokeDetector, FireSmokeSettings
from edge.detectors.interface import Frame, InferencePort
from edge.detectors.registry import CameraContext, FrameNeeds, PictureSize
from edge.guard import GuardedDetector
from edge.inference.port import ReplayModels
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from tests.bench.rows import ROOT, Row, at_most, publish, skipped
from tests.edge.detectors.fire_smoke.scenes import Draw, film, flame, passing

WEIGHTS = {"f32": ROOT / "models/fire_smoke/fire_smoke.onnx", "int8": ROOT / "models/fire_smoke/fire_smoke-int8.onnx"}
SIZE = PictureSize(640, 360)
FPS = 25
SECONDS = 22.0
STREAMS = 8
ROUNDS = 2
EPOCH = datetime(2026, 1, 5, tzinfo=UTC)
CALM: tuple[Draw, ...] = (passing((60, 60, 60)), passing((200, 200, 200), width=60, height=34, every=7.0, row=110))


def recorded(path: Path, draws: Sequence[Draw]) -> Path:
    """What a camera's sub stream sends, H.264 at 640 × 360 and 25 frames a second."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = SIZE.width, SIZE.height, "yuv420p"
        stream.gop_size = 2 * FPS
        stream.options = {"preset": "veryfast", "crf": "24"}
        stream.time_base = Fraction(1, FPS)
        for frame in film(draws, SECONDS, fps=FPS):
            picture = cv2.resize(frame.read_bgr(), (SIZE.width, SIZE.height), interpolation=cv2.INTER_CUBIC)
            for packet in stream.encode(av.VideoFrame.from_ndarray(np.asarray(picture, np.uint8), format="bgr24")):
                output.mux(packet)
        for packet in stream.encode(None):
            output.mux(packet)
    return path


def frames_of(path: Path) -> Iterator[Frame]:
    """Decoded, as the edge does it."""
    with FileSource(path) as source:
        yield from CameraStream(path.stem, source, wall_start=EPOCH).frames()


def decoding(path: Path) -> float:
    """CPU seconds to decode one stream."""
    began = time.process_time()
    for _ in frames_of(path):
        pass
    return time.process_time() - began


def watching(paths: Sequence[Path], weights: Path | None) -> tuple[float, set[str]]:
    """CPU seconds for all streams, frame by frame in turn, and what was told."""
    models = None if weights is None else ReplayModels(_inference(weights))
    settings = FireSmokeSettings(model=None if models is None else "fire")
    streams = [(frames_of(path), _guarded(settings, None if models is None else models.port())) for path in paths]
    keys: set[str] = set()
    began = time.process_time()
    while streams:
        for frames, guarded in tuple(streams):
            frame = next(frames, None)
            if frame is None:
                streams.remove((frames, guarded))
                continue
            keys |= {observation.key for observation in guarded.observe(frame)}
            if guarded.fault:
                raise RuntimeError(guarded.fault)
    return time.process_time() - began, keys


def _guarded(settings: FireSmokeSettings, port: InferencePort | None) -> GuardedDetector:
    context = CameraContext("bench", SIZE, port)
    return GuardedDetector("bench", FrameNeeds(fps=settings.max_fps), lambda: FireSmokeDetector(settings, context))


def _inference(weights: Path) -> InferenceSettings:
    row = {"path": str(weights), "format": "yolov8", "labels": ["fire", "smoke"], "version": "bench"}
    return InferenceSettings.model_validate({"models": {"fire": row}})


def run() -> list[Row]:
    """Measures and publishes."""
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        calm = recorded(Path(scratch) / "calm.mp4", CALM)
        burning = recorded(Path(scratch) / "burning.mp4", (*CALM, flame(begins=3.0)))
        rows = [*_alone(calm, burning), *_together(calm, burning)]
    publish("fire", rows)
    return rows


def _alone(calm: Path, burning: Path) -> list[Row]:
    rows = []
    looked = SECONDS * FireSmokeSettings().max_fps
    for name, path in (("calm", calm), ("burning", burning)):
        costs, ratios = [], []
        for _ in range(ROUNDS):
            decode = decoding(path)
            whole, keys = watching([path], None)
            assert bool(keys) == (name == "burning"), keys
            costs.append((whole - decode) * 1000 / looked)
            ratios.append(whole / decode)
        note = f"{ROUNDS} alternating rounds, CPU time, one thread, 15 of 25 frames a second looked at, no model"
        rows.append(at_most(f"fire.look_cpu.{name}", costs, "ms a frame looked at", None, note))
        rows.append(at_most(f"fire.cost_ratio.{name}", ratios, "x decode-only", None, note))
    return rows


def _together(calm: Path, burning: Path) -> list[Row]:
    paths = [*([calm] * (STREAMS - 1)), burning]
    rows = []
    for name, weights in (("classical", None), *WEIGHTS.items()):
        figure, unit = f"fire.core_share.{name}", f"cores for {STREAMS} streams"
        if weights is not None and not weights.exists():
            rows.append(skipped(figure, unit, 1.0, f"{weights.relative_to(ROOT)} is not there"))
            continue
        shares = []
        for _ in range(ROUNDS):
            cpu, keys = watching(paths, weights)
            assert any(key.startswith("fire") for key in keys), "the one that burns must be found, or it costs nothing"
            shares.append(cpu / SECONDS)
        note = f"{ROUNDS} rounds, {STREAMS} × 640 x 360 at 25, decoding included, one of them burning"
        rows.append(at_most(figure, shares, unit, 1.0, note))
    return rows


if __name__ == "__main__":
    sys.exit(any(row.ok is False for row in run()))
