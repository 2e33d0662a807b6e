"""`probe` against a real RTSP server, an HTTP camera, files; and what it advises."""

from __future__ import annotations

import dataclasses
import json
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config.inputs import FileInput, HttpInput, RtspInput
from edge.probe.advice import advice_on
from edge.probe.clock import CameraClock, clock_of, producer_time
from edge.probe.sample import ModeCost, Sample, take_sample
from edge.sources.decoding import DecodeMode
from edge.sources.errors import SourceError
from tests.edge.brokers import free_port
from tests.edge.http_camera import HttpCamera
from tests.edge.sources.test_rtsp import ENCODINGS, Camera, clip  # noqa: F401 - a fixture
from tests.edge.video import record

PASSWORD = "p@ss w/rd:1"


@pytest.fixture(scope="module")
def camera(clip: Path) -> Iterator[Camera]:  # noqa: F811
    server = Camera(ENCODINGS["h264"], ENCODINGS["hevc"], login=f"viewer:{PASSWORD}")
    yield server
    server.close()


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "edge.cli", "probe", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)


def test_a_camera_is_told_in_full(camera: Camera, tmp_path: Path) -> None:
    secret, still = tmp_path / "secret", tmp_path / "still.jpg"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    url = f"rtsp://127.0.0.1:{camera.port}/h264"
    done = run(url, "--user", "viewer", "--password-file", secret, "--seconds", "3", "--still", still, "--json")
    assert done.returncode == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["codec"], said["width"], said["height"], said["transport"]) == ("h264", 320, 240, "tcp")
    assert said["fps"] == pytest.approx(15, rel=0.1)
    assert said["group_frames"] == 15
    assert said["group_seconds"] == pytest.approx(1, abs=0.15)
    assert said["audio"] == ""
    assert said["clock"]["reports"] > 0, "the server sends sender reports"
    assert abs(said["clock"]["ahead_seconds"]) < 5, "server and client are one machine"
    assert [cost["mode"] for cost in said["costs"]] == [str(mode) for mode in DecodeMode]
    full, _, keys = said["costs"]
    assert full["pictures"] > 10 * keys["pictures"] > 0
    picture = cv2.imread(str(still))
    assert picture is not None
    assert picture.shape == (240, 320, 3)
    assert picture.max() > 200, "the ball is white"


def test_for_people(camera: Camera, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    url = f"rtsp://127.0.0.1:{camera.port}/hevc"
    done = run(url, "--user", "viewer", "--password-file", secret, "--seconds", "2", "--transport", "udp")
    assert done.returncode == 0, done.stderr
    for word in ("hevc", "320 × 240", "by          udp", "streams a core", "! H.265", "→ set the camera", "still: "):
        assert word in done.stdout
    still = Path(done.stdout.rsplit("still: ", 1)[1].strip())
    assert still.stat().st_size > 1000
    still.unlink()


def test_wrong_usage_and_failures_are_told_apart(tmp_path: Path) -> None:
    for arguments, word in [
        ([], "give an address"),
        (["--discover", "rtsp://10.0.0.1/"], "takes no address"),
        (["ftp://10.0.0.1/x"], "expected rtsp://"),
        (["rtsp://viewer:s3cret@:bad/x"], "expected an address"),
        (["rtsp://10.0.0.1/x", "--user", "viewer"], "--user needs --password-file"),
        (["rtsp://10.0.0.1/x", "--password-file", str(tmp_path)], "needs --user"),
        (["rtsp://10.0.0.1/x", "--transport", "smoke"], "expected tcp or udp"),
        (["rtsp://10.0.0.1/x", "--seconds", "0"], "greater than or equal to 1"),
    ]:
        done = CliRunner().invoke(app, ["probe", *arguments])
        assert done.exit_code == 2, (arguments, done.output)
        assert word in done.stderr
        assert "s3cret" not in done.stderr
        assert "Traceback" not in done.stderr
    away = run(f"rtsp://viewer:s3cret@127.0.0.1:{free_port()}/x")
    assert away.returncode == 1
    assert "error: rtsp://***@127.0.0.1" in away.stderr
    assert "s3cret" not in away.stderr


def test_a_recording_with_reordered_pictures(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", seconds=6, fps=25, gop=50)
    sample = take_sample(FileInput(type="file", path=path, pace="fastest"), 5)
    assert sample.reordered
    assert sample.group_frames == 50
    assert sample.clock is None
    pictures = {cost.mode: cost.pictures for cost in sample.costs}
    assert sample.disposable_share is not None
    assert pictures[DecodeMode.FULL] == sample.packets
    kept = (1 - sample.disposable_share) * sample.packets
    assert pictures[DecodeMode.SKIP_NON_REFERENCE] == pytest.approx(kept, abs=1)
    assert pictures[DecodeMode.KEY_FRAMES] == 3
    assert sample.still.shape == (120, 160, 3)


def test_mjpeg_over_http() -> None:
    with HttpCamera() as served:
        sample = take_sample(HttpInput(type="http", url=served.url("/video.mjpg")), 2)
    assert (sample.codec, sample.group_frames, sample.reordered) == ("mjpeg", 1, False)
    assert any("RTSP" in advice.remedy for advice in advice_on(sample, has_sub_stream=False))


def test_a_stream_that_never_comes_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be opened"):
        take_sample(RtspInput(type="rtsp", url=f"rtsp://127.0.0.1:{free_port()}/x", open_timeout_seconds=1), 1)


def test_the_cameras_clock() -> None:
    stamp = struct.pack("=qi", 1_795_303_824_013_054, 24)
    assert producer_time(stamp) == pytest.approx(1_795_303_824.013054)
    assert producer_time(b"") is None
    assert producer_time(struct.pack("=qi", 0, 0)) is None
    assert clock_of([]) is None
    now = time.time()
    assert clock_of([(now + 30.1, now), (now + 30.0, now), (now + 900, now)]) == CameraClock(30.1, 3)


def sample_with(**changes: Any) -> Sample:
    values: dict[str, Any] = {
        "address": "rtsp://***@10.0.0.7/live",
        "transport": "tcp",
        "opened_seconds": 1.0,
        "watched_seconds": 8.0,
        "codec": "h264",
        "profile": "Main",
        "width": 1920,
        "height": 1080,
        "pixel_format": "yuv420p",
        "nominal_fps": 25.0,
        "fps": 25.0,
        "interval_spread": 0.02,
        "group_frames": 50.0,
        "group_seconds": 2.0,
        "reordered": False,
        "disposable_share": 0.0,
        "bits_per_second": 4e6,
        "audio": "",
        "packets": 200,
        "clock": CameraClock(0.1, 20),
        "costs": (ModeCost(DecodeMode.FULL, 200, 4.0, 0.1),),
        "taken_at": datetime(2026, 11, 21, tzinfo=UTC),
        "still": np.zeros((1080, 1920, 3), np.uint8),
    }
    assert set(values) == {field.name for field in dataclasses.fields(Sample)}
    return Sample(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"codec": "hevc"}, "H.265"),
        ({"codec": "mjpeg"}, "MJPEG"),
        ({"reordered": True}, "B-frames"),
        ({"group_seconds": 8.0}, "every 8.0 s"),
        ({"group_seconds": None, "group_frames": None}, "only one key frame"),
        ({"interval_spread": 0.6}, "unevenly"),
        ({"fps": 4.0}, "too few"),
        ({"bits_per_second": 30e6}, "30 Mbit/s"),
        ({"clock": CameraClock(-3600.0, 5)}, "3600.0 s behind"),
        ({"costs": (ModeCost(DecodeMode.FULL, 200, 30.0, 0.75),)}, "75% of a core"),
    ],
)
def test_each_fault_has_its_advice(changes: dict[str, Any], word: str) -> None:
    said = advice_on(sample_with(**changes), has_sub_stream=False)
    assert [word in advice.found for advice in said] == [True]
    assert said[0].remedy


def test_a_good_stream_needs_none() -> None:
    assert advice_on(sample_with(), has_sub_stream=False) == []
    shown = advice_on(sample_with(), has_sub_stream=False, password_was_shown=True)
    assert "command line" in shown[0].found
    busy = sample_with(costs=(ModeCost(DecodeMode.FULL, 200, 30.0, 0.75),))
    assert advice_on(busy, has_sub_stream=True) == []
