"""What lies between the pictures of a live stream: handed on with its time, and no reason to think that they come."""

from __future__ import annotations

import io
from fractions import Fraction

import av
import numpy as np
import pytest

from edge.sources.errors import SourceError
from edge.sources.http import HttpSource
from edge.streams.camera import CameraStream
from tests.edge.flights.reading.packets import flying, packet
from tests.edge.http_camera import FPS, HttpCamera

PACKET = 188


def telemetered(seconds: float, *, first: int = 0, stamped: bool = True) -> bytes:
    """MPEG-TS with pictures at FPS and a packet of telemetry with each."""
    target = io.BytesIO()
    with av.open(target, "w", format="mpegts") as output:
        video = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast", "bf": "0"})
        video.width, video.height, video.pix_fmt, video.gop_size = 160, 120, "yuv420p", FPS
        video.time_base = video.codec_context.time_base = Fraction(1, FPS)
        data = output.add_data_stream("klv")
        for number in range(first, first + int(seconds * FPS)):
            picture = np.full((120, 160, 3), 60 + number % 100, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            output.mux(video.encode(frame))
            sent = av.Packet(packet(flying(number)))
            sent.stream, sent.time_base = data, Fraction(1, 90_000)
            sent.pts = sent.dts = number * 90_000 // FPS
            output.mux(sent)
        output.mux(video.encode(None))
    return target.getvalue()


def of_data(stream: bytes) -> bytes:
    """Only the packets of its telemetry: those of the second elementary stream."""
    packets = [stream[at : at + PACKET] for at in range(0, len(stream), PACKET)]
    return b"".join(one for one in packets if (one[1] & 0x1F) << 8 | one[2] == 0x101)


def test_data_comes_with_the_time_of_its_picture() -> None:
    with HttpCamera(stream=telemetered(4, first=300)) as served:
        source = HttpSource(served.url("/video.ts"), read_timeout_seconds=3, with_data=True)
        heard: list[tuple[bytes, float | None]] = []
        source.on_data = lambda content, seconds: heard.append((content, seconds))
        stream = CameraStream("drone", source)
        with source:
            for frame in stream.frames():
                if frame.media_time > 2.5:
                    break
        origin = stream.origin_seconds
        assert origin is not None
        times = [seconds - origin for _, seconds in heard if seconds is not None]
        assert len(times) == len(heard) >= 20
        assert times == pytest.approx([times[0] + n / FPS for n in range(len(times))], abs=0.01)
        # What packet n says is of picture n: by its latitude, see `flying`.
        assert heard[0][0] == packet(flying(300 + round(times[0] * FPS)))


def test_stamps_that_begin_anew_take_the_data_with_them() -> None:
    """A remote control that reconnects counts from zero: pictures are made continuous, and so must telemetry be."""
    with HttpCamera(stream=telemetered(3, first=5000) + telemetered(3)) as served:
        source = HttpSource(served.url("/video.ts"), read_timeout_seconds=3, with_data=True)
        heard: list[float] = []
        source.on_data = lambda _content, seconds: heard.append(seconds or -1.0)
        stream = CameraStream("drone", source)
        with source:
            for frame in stream.frames():
                if frame.media_time > 4.5:
                    break
        assert stream.origin_seconds is not None
        late = [seconds - stream.origin_seconds for seconds in heard[-5:]]
        assert late == pytest.approx([4.5] * 5, abs=1.0)


def test_it_is_not_read_unless_it_is_asked_for() -> None:
    with HttpCamera(stream=telemetered(3)) as served:
        source = HttpSource(served.url("/video.ts"), read_timeout_seconds=3)
        heard: list[bytes] = []
        source.on_data = lambda content, _seconds: heard.append(content)
        with source:
            for number, _ in enumerate(source.packets()):
                if number == 15:
                    break
        assert heard == []


def test_data_does_not_keep_a_stream_alive_whose_pictures_stopped() -> None:
    stream = telemetered(3)
    with HttpCamera(stream=stream) as served:
        served.tail = of_data(telemetered(1))
        assert served.tail
        source = HttpSource(served.url("/video.ts"), read_timeout_seconds=0.5, with_data=True)
        with source, pytest.raises(SourceError, match="data came, but no picture for 1 s"):
            for _ in source.packets():
                pass
