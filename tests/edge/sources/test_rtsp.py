"""Live cameras, played by a real RTSP server that can be killed."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.sources.errors import SourceError
from edge.sources.rtsp import RtspSource
from edge.streams.camera import CameraStream
from tests.edge.video import record

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[1] / "rtsp_camera.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Camera:
    """A GStreamer RTSP server in its own process."""

    def __init__(self, clip: Path) -> None:
        self.port = free_port()
        self.url = f"rtsp://viewer:s3cret-pa55@127.0.0.1:{self.port}/live"
        command = [SYSTEM_PYTHON, str(SERVER), str(self.port), str(clip)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def close(self) -> None:
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    check = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if (
        not os.access(SYSTEM_PYTHON, os.X_OK)
        or subprocess.run([SYSTEM_PYTHON, "-c", check], capture_output=True, check=False).returncode
    ):
        pytest.skip("no GStreamer RTSP server: apt-get install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-good")
    return record(tmp_path_factory.mktemp("live") / "live.mp4", seconds=60, fps=10)


@pytest.fixture
def camera(clip: Path) -> Iterator[Camera]:
    camera = Camera(clip)
    yield camera
    camera.close()


def test_frames_come_with_their_time_of_arrival(camera: Camera) -> None:
    source = RtspSource(camera.url, open_timeout_seconds=10, read_timeout_seconds=5)
    stream = CameraStream("live", source)
    try:
        frames = []
        for frame in stream.frames():
            frames.append((frame.media_time, frame.wall_time, frame.luma.shape, int(frame.luma[100, 100])))
            if len(frames) == 15:
                break
    finally:
        stream.close()
    assert source.live
    assert frames[0][0] == 0
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(frames))
    assert frames[-1][0] == pytest.approx(1.4, abs=0.2)
    assert frames[0][1].tzinfo is not None
    assert {shape for _, _, shape, _ in frames} == {(120, 160)}
    assert frames[-1][3] > frames[0][3], "brightness rises from frame to frame"
    cut = stream.ring.cut(0, 1)
    assert cut is not None
    assert cut.covers_start


def test_a_server_that_is_killed_is_a_fault(camera: Camera) -> None:
    source = RtspSource(camera.url, read_timeout_seconds=2)
    seen = 0
    with source, pytest.raises(SourceError, match=r"ended after \d+ packets|reading failed") as raised:
        for _ in source.packets():
            seen += 1
            if seen == 5:
                camera.process.kill()
    assert seen >= 5
    assert "s3cret-pa55" not in str(raised.value)


def test_a_server_that_freezes_is_noticed(camera: Camera) -> None:
    source = RtspSource(camera.url, read_timeout_seconds=0.5)
    seen = 0
    with source, pytest.raises(SourceError):
        for _ in source.packets():
            seen += 1
            if seen == 5:
                camera.process.send_signal(signal.SIGSTOP)
    assert seen >= 5


def test_a_source_that_was_stopped_ends_without_a_fault(camera: Camera) -> None:
    source = RtspSource(camera.url)
    with source:
        for number, _ in enumerate(source.packets()):
            if number == 3:
                source.stop()
    assert source.packets_read >= 3


@pytest.mark.parametrize("path", ["live", "no-such-path?password=s3cret-pa55"])
def test_no_password_in_any_message(path: str) -> None:
    url = f"rtsp://admin:s3cret-pa55@127.0.0.1:{free_port()}/{path}"
    with pytest.raises(SourceError, match="cannot be opened") as raised:
        RtspSource(url, open_timeout_seconds=2)
    printed = "".join(traceback.format_exception(raised.value))
    assert "s3cret-pa55" not in printed
    assert "127.0.0.1" in str(raised.value)


def test_a_wrong_path_is_refused_with_a_remedy(camera: Camera) -> None:
    with pytest.raises(SourceError, match="check the path behind the host name"):
        RtspSource(camera.url.replace("/live", "/elsewhere"))


def test_nobody_listens_is_said_so() -> None:
    with pytest.raises(SourceError, match=r"check that the camera is on"):
        RtspSource(f"rtsp://127.0.0.1:{free_port()}/live", open_timeout_seconds=2)
