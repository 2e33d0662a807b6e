"""Cameras that speak HTTP, played by a real server that can freeze, cut and end."""

from __future__ import annotations

import io
import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from edge.sources.address import with_credentials
from edge.sources.errors import SourceError, StreamChangedError
from edge.sources.http import HlsSource, HttpSource
from edge.sources.video import VideoSource
from edge.streams.camera import CameraStream
from tests.edge.http_camera import FPS, LOGIN, HttpCamera, transport_stream
from tests.edge.video import record


def stamps(source: VideoSource, most: int, *, after_five: Callable[[], None] | None = None) -> list[float]:
    """Times of the first packets, in seconds; closes the source."""
    seen = []
    with source:
        for packet in source.packets():
            assert packet.pts is not None
            seen.append(float(packet.pts * source.time_base))
            if len(seen) == 5 and after_five is not None:
                after_five()
            if len(seen) >= most:
                break
    return seen


def test_mjpeg_has_the_times_of_its_arrival() -> None:
    with HttpCamera() as camera, HttpSource(camera.url("/video.mjpg")) as source:
        stream = CameraStream("mjpeg", source)
        frames = []
        for frame in stream.frames():
            frames.append((frame.media_time, frame.luma.shape, int(frame.luma.mean())))
            if len(frames) == 15:
                break
        assert (source.codec, source.nominal_fps, source.live) == ("mjpeg", None, True)
    assert {shape for _, shape, _ in frames} == {(120, 160)}
    assert all(later[0] > earlier[0] for earlier, later in itertools.pairwise(frames))
    assert frames[-1][2] > frames[0][2], "brightness rises from frame to frame"
    assert frames[-1][0] >= 0.5 * 10 / FPS, "not libav's 25 a second: what was read while opening comes at once"


def test_a_transport_stream_keeps_its_own_times() -> None:
    with HttpCamera(stream=transport_stream(4, audio=True)) as camera:
        seen = stamps(HttpSource(camera.url("/video.ts")), 15)
    assert [later - earlier for earlier, later in itertools.pairwise(seen)] == pytest.approx([0.1] * 14)


def test_a_camera_that_sends_no_key_frame_is_told_how_to_be_set() -> None:
    """Not that it should be encoded anew, which is said of recordings."""
    keyless, whole = io.BytesIO(), av.open(io.BytesIO(transport_stream(4)), "r")
    with whole, av.open(keyless, "w", format="mpegts") as output:
        stream = output.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(whole.streams.video[0]):
            if packet.size and not packet.is_keyframe:
                packet.stream = stream
                output.mux(packet)
    with HttpCamera(stream=keyless.getvalue()) as camera, pytest.raises(SourceError) as raised:
        HttpSource(camera.url("/video.ts"), open_timeout_seconds=3, read_timeout_seconds=1)
    assert "a key frame tells, and none came while it was opened; check that the camera sends H.264 or H.265" in str(
        raised.value
    )


def test_a_camera_that_freezes_is_noticed() -> None:
    with HttpCamera() as camera, pytest.raises(SourceError, match=r"nothing came for 1 s; the camera or the network"):
        stamps(HttpSource(camera.url("/video.mjpg"), read_timeout_seconds=1), 1000, after_five=camera.frozen.set)


def test_sound_does_not_keep_a_frozen_picture_alive() -> None:
    sound_only = transport_stream(4, audio=True)
    packets = [sound_only[start : start + 188] for start in range(0, len(sound_only), 188)]
    # From the half on, without the packets of the picture (its PID is libav's first, 256).
    half = len(packets) // 2
    mute = [packet for packet in packets[half:] if int.from_bytes(packet[1:3], "big") & 0x1FFF != 256]
    with HttpCamera(stream=b"".join(packets[:half])) as camera:
        camera.tail = b"".join(mute)
        late = threading.Timer(15, camera.cut.set)
        late.start()
        with pytest.raises(SourceError, match="nothing came for 1 s"):
            stamps(HttpSource(camera.url("/video.ts"), read_timeout_seconds=1), 1000)
        late.cancel()


def test_an_end_is_a_fault() -> None:
    with HttpCamera() as camera, pytest.raises(SourceError, match=r"live stream ended after|reading failed after"):
        stamps(HttpSource(camera.url("/video.mjpg")), 1000, after_five=camera.cut.set)


def test_another_size_ends_the_session_and_the_next_one_has_it() -> None:
    changing = transport_stream(2) + transport_stream(2, size=(320, 240), first=20)
    with HttpCamera(stream=changing) as camera:
        source = HttpSource(camera.url("/video.ts"))
        stream = CameraStream("changing", source)
        sizes = set()
        with source, pytest.raises(StreamChangedError, match="size changed from 160 × 120 to 320 × 240"):
            sizes.update(frame.luma.shape for frame in stream.frames())
        assert sizes == {(120, 160)}, "no frame of the new size reached anybody"
        camera.stream = transport_stream(2, size=(320, 240))
        with HttpSource(camera.url("/video.ts")) as again:
            assert (again.width, again.height) == (320, 240)


def test_a_recording_is_refused_with_the_remedy(tmp_path: Path) -> None:
    recording = record(tmp_path / "clip.mp4", seconds=2).read_bytes()
    with HttpCamera(recording=recording) as camera, pytest.raises(SourceError, match=r"recording of 2 s.*type: file"):
        HttpSource(camera.url("/recording.mp4"))


def test_a_wrong_path_and_a_missing_login_are_named_without_the_password() -> None:
    with HttpCamera(login=True) as camera:
        with pytest.raises(SourceError, match="check user name and password") as raised:
            HttpSource(with_credentials(camera.url("/video.mjpg"), "viewer", "wrong-pa55"))
        assert "wrong-pa55" not in str(raised.value)
        right = with_credentials(camera.url("/video.mjpg"), *LOGIN)
        assert len(stamps(HttpSource(right), 3)) == 3
        with pytest.raises(SourceError, match="check the path behind the host name"):
            HttpSource(with_credentials(camera.url("/elsewhere"), *LOGIN))


def test_a_playlist_begins_at_its_newest_segment_and_is_played_in_its_time() -> None:
    with HttpCamera() as camera:
        seen = stamps(HlsSource(camera.url("/live/index.m3u8")), 25)
        first = camera.asked.index("/live/index.m3u8")
        segments = [path for path in camera.asked[first:] if "segment" in path]
        newest = int(segments[0].removeprefix("/live/segment-").removesuffix(".ts"))
        assert newest >= 2, "three segments were there, the newest of them is played"
    assert all(later > earlier for earlier, later in itertools.pairwise(seen))
    assert seen[-1] - seen[0] >= 2.3


def test_a_playlist_that_ends_or_has_ended_is_no_live_stream() -> None:
    with HttpCamera() as camera:
        with pytest.raises(SourceError, match="the live stream ended after"):
            stamps(
                HlsSource(camera.url("/live/index.m3u8")),
                1000,
                after_five=lambda: setattr(camera, "finished_playlist", True),
            )
        with pytest.raises(SourceError, match="recording of 3 s"):
            HlsSource(camera.url("/live/index.m3u8"))


def test_a_playlist_cannot_make_the_box_read_its_own_files(tmp_path: Path) -> None:
    secret = tmp_path / "secret.ts"
    secret.write_bytes(transport_stream(1))

    class Evil(HttpCamera):
        def playlist(self) -> bytes:
            return f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1.0,\nfile://{secret}\n".encode()

    with Evil() as camera, pytest.raises(SourceError):
        stamps(HlsSource(camera.url("/live/index.m3u8"), open_timeout_seconds=2, read_timeout_seconds=1), 3)
