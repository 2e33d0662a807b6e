"""What `input` of a camera may say, and what is said of the rest. Passwords stay out of every message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from edge.checks import Grade, findings
from edge.config.document import EdgeConfig, load_config_with_lines
from edge.config.inputs import is_live, is_remote, patience_seconds
from edge.config.problems import ConfigError
from edge.config.sources import CameraSource
from edge.config.text import ParsedText
from tests.edge.brokers import free_port
from tests.edge.http_camera import HttpCamera
from tests.edge.sources.test_images import still


def loaded(folder: Path, address: dict[str, Any]) -> tuple[EdgeConfig, ParsedText]:
    source = {"kind": "camera", "location": {"lon": 113.6, "lat": 34.7, "accuracy_m": 20}, "input": address}
    document = {"device": {"id": "box-1", "state_dir": str(folder / "state")}, "sources": {"gate": source}}
    path = folder / "edge.yaml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_config_with_lines(path)


def refusal(folder: Path, address: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as raised:
        loaded(folder, address)
    return str(raised.value)


EXAMPLES: dict[str, dict[str, Any]] = {
    "rtsp": {"type": "rtsp", "url": "rtsp://10.0.0.7/live"},
    "twin": {"type": "rtsp", "streams": {"main": "rtsp://10.0.0.7/1", "sub": "rtsp://10.0.0.7/2"}},
    "login": {"type": "rtsp", "url": "rtsp://10.0.0.7/live", "username": "viewer", "password_file": "camera.password"},
    "http": {"type": "http", "url": "http://10.0.0.7/video.mjpg", "hardware": "none"},
    "hls": {"type": "hls", "url": "https://10.0.0.7/live.m3u8"},
    "v4l2": {"type": "v4l2", "device": "/dev/video0", "size": [1280, 720], "fps": 15, "pixel_format": "mjpeg"},
    "images": {"type": "images", "path": "stills", "times": "name"},
    "watched": {"type": "images", "path": "stills/*.jpg", "watch": True},
    "file": {"type": "file", "path": "clip.mp4"},
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_input_can_be_written(name: str, tmp_path: Path) -> None:
    config, _ = loaded(tmp_path, EXAMPLES[name])
    source = config.sources["gate"]
    assert isinstance(source, CameraSource)
    assert source.input is not None
    assert is_remote(source.input) == (source.input.type in {"rtsp", "http", "hls"})
    assert is_live(source.input) == (name not in {"images", "file"})
    assert (patience_seconds(source.input) > 0) == (source.input.type not in {"images", "file"})


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ({"type": "rtsp"}, "found neither of url and streams"),
        ({**EXAMPLES["rtsp"], "streams": EXAMPLES["twin"]["streams"]}, "found both of url and streams"),
        ({"type": "rtsp", "streams": {"main": "rtsp://10.0.0.7/1"}}, "found nothing, expected a value"),
        ({"type": "rtsp", "url": "http://viewer:s3cret@10.0.0.7/"}, "expected a URL such as rtsp://"),
        ({"type": "rtsp", "url": "rtsp://viewer:s3cret@10.0.0.7:port/"}, "expected a URL such as rtsp://"),
        ({"type": "rtsp", "url": "rtsp://viewer:s3cret@10.0.0.7/", "username": "x"}, "username beside a url"),
        ({**EXAMPLES["http"], "password_file": "x"}, "a password_file without username"),
        ({**EXAMPLES["http"], "hardware": "gpu"}, "expected one of auto, none, vaapi"),
        ({**EXAMPLES["hls"], "url": "rtsp://10.0.0.7/"}, "expected a URL such as http://"),
        ({**EXAMPLES["v4l2"], "size": [1, 720]}, "greater than or equal to 16"),
        ({**EXAMPLES["v4l2"], "pixel_format": "x; rm"}, "pixel_format"),
        ({**EXAMPLES["watched"], "loop": True}, "found loop and watch"),
        ({"type": "rtps", "url": "rtsp://10.0.0.7/"}, "did you mean 'rtsp'?"),
        ({**EXAMPLES["rtsp"], "transprt": "udp"}, "did you mean 'transport'?"),
    ],
)
def test_what_is_wrong_is_named(address: dict[str, Any], said: str, tmp_path: Path) -> None:
    text = refusal(tmp_path, address)
    assert said in text
    assert "edge.yaml:" in text
    assert "s3cret" not in text


def grades(folder: Path, address: dict[str, Any], *, online: bool) -> dict[str, tuple[Grade, str]]:
    config, parsed = loaded(folder, address)
    return {
        found.subject: (found.grade, found.message)
        for found in findings(folder / "edge.yaml", config, parsed, online=online)
        if found.grade is not Grade.WARNING
    }


def test_check_opens_what_is_here_and_leaves_the_network_alone(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    still(tmp_path / "stills" / "20261121_081500.jpg", 100)
    assert grades(tmp_path, EXAMPLES["images"], online=False)["gate"][0] is Grade.FINE
    assert grades(tmp_path, EXAMPLES["hls"], online=False)["gate"] == (
        Grade.FINE,
        "not opened: a camera is reached with --online",
    )
    grade, said = grades(tmp_path, {**EXAMPLES["v4l2"], "device": "/dev/null"}, online=False)["gate"]
    assert grade is Grade.PROBLEM
    assert "is no video device" in said


def test_check_reaches_cameras_and_their_secrets_online(tmp_path: Path) -> None:
    with HttpCamera() as served:
        grade, said = grades(tmp_path, {"type": "http", "url": served.url("/video.mjpg")}, online=True)["gate"]
        assert (grade, said.endswith("160 × 120")) == (Grade.FINE, True)
    port = free_port()
    twin = {"main": f"rtsp://127.0.0.1:{port}/1", "sub": f"rtsp://127.0.0.1:{port}/2"}
    address = {"type": "rtsp", "streams": twin, "username": "viewer", "password_file": "camera.password"}
    found = grades(tmp_path, address, online=True)
    assert "cannot be read" in found["gate.password_file"][1]
    (tmp_path / "camera.password").write_text("s3cret\n")
    found = grades(tmp_path, address, online=True)
    assert found["gate"][0] is Grade.PROBLEM
    assert "s3cret" not in str(found)
