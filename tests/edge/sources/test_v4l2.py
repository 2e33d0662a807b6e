"""Cameras on a cable: what the device is told, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config.inputs import V4l2Input
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.v4l2 import device_options


def test_only_what_is_asked_for_is_said_to_the_device() -> None:
    assert device_options(None, None, None) == {}
    assert device_options((1280, 720), 12.5, "mjpeg") == {
        "video_size": "1280x720",
        "framerate": "12.5",
        "input_format": "mjpeg",
    }
    assert device_options(None, 30.0, None) == {"framerate": "30"}


@pytest.mark.parametrize(
    ("device", "said"),
    [
        ("/dev/video99", "no such device; this machine has: "),
        ("/dev/null", "is no video device, expected one such as /dev/video0"),
        ("/dev", "is a folder, expected one such as /dev/video0"),
    ],
)
def test_what_is_no_camera_is_named(device: str, said: str) -> None:
    with pytest.raises(SourceError, match=said):
        open_video(V4l2Input(type="v4l2", device=Path(device)))


def test_a_recording_is_no_device(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"x")
    with pytest.raises(SourceError, match="a recording is type: file"):
        open_video(V4l2Input(type="v4l2", device=path))


def test_a_camera_of_this_machine_gives_pictures() -> None:
    devices = sorted(Path("/dev").glob("video*"))
    if not devices:
        pytest.skip("no camera on this machine: modprobe vivid or v4l2loopback")
    with open_video(V4l2Input(type="v4l2", device=devices[0])) as source:
        frames = [
            frame for packet, _ in zip(source.packets(), range(5), strict=False) for frame in source.decode(packet)
        ]
    assert frames
