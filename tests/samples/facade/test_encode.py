"""Files: the same bytes on every run, and what browsers and cameras expect."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import av
import numpy as np

from samples.facade.encode import write_clip
from samples.facade.produce import produce, replay_config, write_index
from samples.facade.render import Renderer
from samples.facade.scenario import Birds, Rain, Scenario


def test_same_scenario_same_bytes(small: Scenario, tmp_path: Path) -> None:
    scenario = replace(small, seconds=3.0, nuisances=(Birds(1), Rain(40)))
    digests = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        produced = produce(scenario, folder)
        write_index(folder, [produced], "a test")
        digests.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())})
    assert digests[0] == digests[1]
    assert set(digests[0]) == {"small.mp4", "small.track.json", "truth.yaml", "calibration.yaml"}


def test_file_is_what_a_browser_plays_and_a_camera_sends(small: Scenario, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    frames = list(Renderer(small).frames())
    write_clip(path, small, frames)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert video.average_rate == small.fps
        packets = [packet for packet in container.demux(video) if packet.pts is not None]
    assert [packet.pts for packet in packets] == [packet.dts for packet in packets]  # no B-frames
    keys = [index for index, packet in enumerate(packets) if packet.is_keyframe]
    assert keys == list(range(0, small.frames, small.fps))
    with av.open(str(path)) as container:
        decoded = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
    assert len(decoded) == len(frames)
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(decoded, frames, strict=True)]
    assert max(errors) < 60  # better than 30 dB: compressed, not spoilt


def test_replay_configuration_names_every_clip(small: Scenario, tmp_path: Path) -> None:
    produced = produce(small, tmp_path)
    sources = replay_config([produced])["sources"]
    assert list(sources) == ["small"]
    assert sources["small"]["detectors"]["thrown_object"]["facade"]["camera"]["distance_m"] == small.camera.distance_m
