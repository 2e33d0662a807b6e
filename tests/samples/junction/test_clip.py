"""The committed clip: small, playable, true, still what the generator makes, and told as what it is."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
import yaml

from edge.detectors.interface import Frame
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from edge.vision.planes import Planes
from samples.junction.camera import ReadRegion, split
from samples.junction.clip import add_to_index, junction_clip, truth_of
from samples.junction.installed import document_of
from samples.junction.judging import judge
from samples.junction.render import Renderer
from samples.junction.running import run_frames

SCENE = junction_clip()


@pytest.fixture(scope="module")
def clips(root: Path) -> Path:
    return root / "samples" / "clips"


def _frames(path: Path, step: int) -> list[tuple[int, np.ndarray]]:
    with av.open(str(path)) as container:
        decoded = enumerate(container.decode(video=0))
        return [(i, frame.to_ndarray(format="yuv420p")) for i, frame in decoded if i % step == 0]


def test_clip_is_small_and_plays_in_a_browser(clips: Path) -> None:
    path = clips / "junction-1.mp4"
    assert path.stat().st_size < 1_500_000
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height, float(video.average_rate or 0)) == (640, 360, 8)
        assert video.frames == 8 * 210


def test_truth_and_calibration_are_the_generators(clips: Path) -> None:
    truth = yaml.safe_load((clips / "truth.yaml").read_text(encoding="utf-8"))["clips"]
    assert [clip for clip in truth if clip["file"] == "junction-1.mp4"] == [truth_of(SCENE)]
    calibration = yaml.safe_load((clips / "calibration.yaml").read_text(encoding="utf-8"))["junction-1"]
    written = TrafficSignalSettings.model_validate(calibration["traffic_signal"])
    assert written == TrafficSignalSettings.model_validate(document_of(SCENE))
    assert len(written.heads) == 5


def test_adding_a_clip_again_changes_nothing_and_keeps_the_others(tmp_path: Path, clips: Path) -> None:
    for name in ("truth.yaml", "calibration.yaml"):
        (tmp_path / name).write_bytes((clips / name).read_bytes())
    add_to_index(tmp_path, SCENE, "python -m samples.junction")
    for name in ("truth.yaml", "calibration.yaml"):
        assert (tmp_path / name).read_text(encoding="utf-8") == (clips / name).read_text(encoding="utf-8")


def test_pictures_are_still_what_the_generator_makes_and_the_power_failure_is_told(clips: Path) -> None:
    """One picture a second of the real file, through the real pipeline: the bus is nothing, the failure one alarm."""
    renderer = Renderer(SCENE)
    pictures = _frames(clips / "junction-1.mp4", 8)
    for index, picture in pictures[::60]:
        error = np.mean((picture.astype(np.float64) - renderer.picture(index / 8, index)) ** 2)
        assert error < 40, f"picture {index} differs; run python -m samples.junction --out samples/clips"

    def frames() -> list[Frame]:
        made = []
        for index, picture in pictures:
            luma, u, v = split(picture, 640, 360)
            planes = Planes(luma, (u, v))
            at = SCENE.begins_at + timedelta(seconds=index / 8)
            made.append(Frame("junction-1", index, index / 8, at, luma, ReadRegion(planes)))
        return made

    judged = judge(SCENE, run_frames(SCENE, frames(), renderer))
    (answer,) = judged.answered
    assert answer.said is not None
    assert answer.said.scope == "junction"
    assert answer.delay_seconds is not None
    assert 20 < answer.delay_seconds < 60
    assert answer.repair_error_seconds == pytest.approx(0, abs=40)  # a cycle takes 37 s
    assert judged.others == []
