"""Live cameras, played by a real RTSP server that can be killed."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import statistics
import subprocess
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from edge.sources.address import with_credentials
from edge.sources.errors import SourceError
from edge.sources.rtsp import RtspSource
from edge.sources.video import WAITING_FOR_KEY_FRAME
from edge.streams.camera import CameraStream
from tests.edge.video import record

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).parents[1] / "rtsp_camera.py"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Camera:
    """A GStreamer RTSP server in its own process; `mounts` as rtsp_camera.py takes them."""

    def __init__(self, *mounts: str, login: str | None = None) -> None:
        self.port = free_port()
        self.url = f"rtsp://viewer:s3cret-pa55@127.0.0.1:{self.port}/live"
        command = [SYSTEM_PYTHON, str(SERVER), str(self.port), *mounts, *(["--login", login] if login else [])]
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
    camera = Camera(str(clip))
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


def test_a_camera_that_takes_the_call_and_says_nothing_is_told_from_a_broken_video() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(SourceError) as raised:
        RtspSource(f"rtsp://127.0.0.1:{mute.getsockname()[1]}/live", open_timeout_seconds=0.5)
    assert "no answer within 0.5 s; check that the camera is on" in str(raised.value)


def test_a_camera_that_serves_no_more_viewers_is_not_told_to_have_another_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        threading.Thread(target=_refuse_all, args=(busy,), daemon=True).start()
        with pytest.raises(SourceError, match="serves as many viewers as it can; close other viewers"):
            RtspSource(f"rtsp://127.0.0.1:{busy.getsockname()[1]}/live", open_timeout_seconds=5)


def _refuse_all(server: socket.socket) -> None:
    """Answers every request of the next caller with RTSP's 503."""
    caller, _ = server.accept()
    with caller, caller.makefile("rwb") as lines:
        number = b"1"
        for line in lines:
            if line.lower().startswith(b"cseq:"):
                number = line.split(b":", 1)[1].strip()
            if line == b"\r\n":
                lines.write(b"RTSP/1.0 503 Service Unavailable\r\nCSeq: " + number + b"\r\n\r\n")
                lines.flush()


LOGIN = ("viewer", "p@ss w/rd:1")
PICTURES = "videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=15/1,format=I420 !"
ENCODINGS = {
    "h264": f"/h264={PICTURES} x264enc speed-preset=ultrafast key-int-max=15 ! rtph264pay name=pay0 pt=96",
    "hevc": f"/hevc={PICTURES} x265enc speed-preset=ultrafast key-int-max=15 ! rtph265pay name=pay0 pt=96",
    "mjpeg": f"/mjpeg={PICTURES} jpegenc ! rtpjpegpay name=pay0 pt=26",
}


@pytest.fixture(scope="module")
def many(clip: Path) -> Iterator[Camera]:
    """One server with every encoding, behind a login (digest)."""
    camera = Camera(
        *ENCODINGS.values(),
        f"/reordered=filesrc location={clip} ! qtdemux ! h264parse ! rtph264pay name=pay0",
        login=":".join(LOGIN),
    )
    yield camera
    camera.close()


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("codec", ENCODINGS)
def test_every_encoding_by_either_transport(many: Camera, codec: str, transport: Literal["tcp", "udp"]) -> None:
    url = with_credentials(f"rtsp://127.0.0.1:{many.port}/{codec}", *LOGIN)
    source = RtspSource(url, transport=transport)
    stream = CameraStream("many", source)
    times = []
    with source:
        for frame in stream.frames():
            assert frame.luma.shape == (240, 320)
            times.append(frame.media_time)
            if len(times) == 12:
                break
    assert source.codec == codec
    steps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(step > 0 for step in steps)
    assert statistics.median(steps) == pytest.approx(1 / 15, rel=0.1)
    assert LOGIN[1] not in source.name


def test_a_wrong_password_is_said_and_not_shown(many: Camera) -> None:
    url = with_credentials(f"rtsp://127.0.0.1:{many.port}/h264", "viewer", "wrong-pa55")
    with pytest.raises(SourceError, match="check user name and password") as raised:
        RtspSource(url)
    assert "wrong-pa55" not in "".join(traceback.format_exception(raised.value))


def test_reordered_pictures_come_in_the_order_in_which_they_are_shown(many: Camera) -> None:
    source = RtspSource(with_credentials(f"rtsp://127.0.0.1:{many.port}/reordered", *LOGIN))
    stream = CameraStream("reordered", source)
    brightness, times = [], []
    with source:
        for frame in stream.frames():
            brightness.append(int(frame.luma[100, 100]))
            times.append(frame.media_time)
            if len(times) == 25:
                break
    assert brightness == sorted(brightness)
    assert times == sorted(times)
    # The decoder learns only by and by how far it must look ahead: at most its first pictures are lost to that.
    assert stream.dropped["out_of_order"] <= 2


def test_a_long_wait_for_a_key_frame_is_said_and_costs_nothing(tmp_path: Path) -> None:
    """A camera that sends a key frame every 5 seconds, joined in the middle."""
    slow = f"{PICTURES} x264enc speed-preset=ultrafast key-int-max=75 ! rtph264pay name=pay0 pt=96 config-interval=1"
    camera = Camera(f"/slow={slow}")
    told: list[tuple[str, float]] = []
    try:
        url = f"rtsp://127.0.0.1:{camera.port}/slow"
        # The first viewer starts the encoder; the second comes into the middle of its group.
        with RtspSource(url), RtspSource(url) as source:
            source.says = lambda what: told.append((what, time.monotonic()))
            before = time.thread_time()
            packet = next(iter(source.packets()))
            spent = time.thread_time() - before
    finally:
        camera.close()
    assert packet.is_keyframe
    assert [what for what, _ in told][-1] == "", "and that it is over"
    if len(told) > 1:  # on a slow machine the wait may be shorter than it takes to speak of it
        assert {what for what, _ in told[:-1]} == {WAITING_FOR_KEY_FRAME}
    assert spent < 0.5, "no decoding while there is nothing to decode"
