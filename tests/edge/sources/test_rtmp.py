"""Streams of a real RTMP server."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from edge.config.inputs import CameraInput, RtmpInput, is_live, is_remote, patience_seconds
from edge.probe.cli import input_for
from edge.sources.errors import SourceError
from edge.sources.opening import open_video
from edge.sources.rtmp import RtmpSource, without_key
from edge.streams.camera import CameraStream
from tests.edge.brokers import free_port
from tests.edge.rtmp_camera import RtmpCamera, flv


def test_frames_of_a_published_stream() -> None:
    with RtmpCamera(flv(6)) as served:
        settings = RtmpInput(type="rtmp", url=served.url, read_timeout_seconds=4)
        stream = CameraStream("drone", open_video(settings))
        found = []
        try:
            for frame in stream.frames():
                found.append((frame.media_time, frame.luma.shape))
                if len(found) == 12:
                    break
        finally:
            stream.close()
    assert {shape for _, shape in found} == {(120, 160)}
    assert [time for time, _ in found] == pytest.approx([n / 10 for n in range(12)], abs=0.02)


def test_its_end_is_a_fault_that_does_not_tell_the_key() -> None:
    with RtmpCamera(flv(30)) as served:
        source = RtmpSource(served.url, read_timeout_seconds=3)
        assert source.live
        with source, pytest.raises(SourceError, match=r"ended after|reading failed") as raised:
            for number, _ in enumerate(source.packets()):
                if number == 3:
                    served.cut.set()
    assert "k3y" not in str(raised.value) and f"rtmp://127.0.0.1:{served.port}/live/***" in str(raised.value)


def test_what_nobody_publishes_or_serves_is_said() -> None:
    with RtmpCamera(flv(1)) as served, pytest.raises(SourceError, match="cannot be opened") as raised:
        RtmpSource(served.url.replace("k3y", "0ther"), open_timeout_seconds=3)
    assert "0ther" not in str(raised.value)
    with pytest.raises(SourceError, match="check that the camera is on"):
        RtmpSource(f"rtmp://127.0.0.1:{free_port()}/live/x", open_timeout_seconds=2)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("rtmp://10.0.0.7/live/k3y", "rtmp://10.0.0.7/live/***"),
        ("rtmp://10.0.0.7:1935/live/k3y?sign=a", "rtmp://10.0.0.7:1935/live/***"),
        ("rtmp://10.0.0.7", "rtmp://10.0.0.7"),
        ("rtmp://[::1", "rtmp://***"),
    ],
)
def test_keys_are_hidden(url: str, shown: str) -> None:
    assert without_key(url) == shown


def test_probe_knows_the_scheme() -> None:
    assert input_for("rtmp://10.0.0.7/live/k3y", None, "", "tcp") == RtmpInput(
        type="rtmp", url="rtmp://10.0.0.7/live/k3y"
    )


def test_settings() -> None:
    adapter: TypeAdapter[RtmpInput] = TypeAdapter(CameraInput)
    found = adapter.validate_python({"type": "rtmp", "url": "rtmps://relay.example/live/7"})
    assert is_live(found) and is_remote(found) and patience_seconds(found) == 30
    assert "live/7" not in repr(found)
    for url in ("rtsp://a/b", "rtmp://", "http://a/b"):
        with pytest.raises(ValidationError, match="expected a URL such as rtmp://"):
            RtmpInput(type="rtmp", url=url)
