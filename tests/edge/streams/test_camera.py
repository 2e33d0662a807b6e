"""Frames with their times, luma in place, and clips that play after the source is gone."""

from __future__ import annotations

import gc
import io
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from edge.sources.errors import SourceError
from edge.sources.file import FileSource
from edge.streams.camera import PLANAR_LUMA, CameraStream, luma_view
from edge.streams.ring import PacketCut
from tests.edge.video import record

START = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=4, fps=10)


def remuxed(cut: PacketCut) -> list[av.VideoFrame]:
    target = io.BytesIO()
    with cut.template.open() as template, av.open(target, "w", format="mp4") as output:
        stream = output.add_stream_from_template(template.streams.video[0])
        for packet in cut.packets:
            output.mux(packet.to_av(stream, cut.packets[0].pts))
    target.seek(0)
    with av.open(target) as played:
        return list(played.decode(video=0))


def test_frames_come_in_order_with_media_and_wall_time(clip: Path) -> None:
    stream = CameraStream("gate", FileSource(clip), wall_start=START)
    frames = [(f.index, f.media_time, (f.wall_time - START).total_seconds(), f.source_id) for f in stream.frames()]
    stream.close()
    assert [frame[0] for frame in frames] == list(range(40))
    assert [frame[1] for frame in frames] == pytest.approx([n / 10 for n in range(40)])
    assert [frame[2] for frame in frames] == pytest.approx([n / 10 for n in range(40)], abs=1e-6)
    assert {frame[3] for frame in frames} == {"gate"}


def test_luma_is_looked_at_in_place_and_cannot_be_written(clip: Path) -> None:
    stream = CameraStream("gate", FileSource(clip), wall_start=START)
    frame = next(stream.frames())
    assert frame.luma.shape == (120, 160)
    assert not frame.luma.flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        frame.luma[0, 0] = 0
    bgr = frame.read_bgr()
    assert bgr.shape == (120, 160, 3)
    assert abs(int(bgr[100, 100].mean()) - 60) <= 3
    assert stream.converted_from is None
    stream.close()


@pytest.mark.parametrize("width", [160, 162, 200, 638])
@pytest.mark.parametrize("format_name", ["yuv420p", "yuvj420p", "nv12"])
def test_rows_further_apart_than_the_width_are_honoured(width: int, format_name: str) -> None:
    picture = av.VideoFrame(width, 64, format_name)
    plane = picture.planes[0]
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
    rows[:] = 255
    rows[:64, :width] = np.arange(64)[:, None]
    view = luma_view(picture)
    assert view.shape == (64, width)
    assert (view == np.arange(64)[:, None]).all()
    assert format_name in PLANAR_LUMA


def test_a_view_outlives_its_frame(clip: Path) -> None:
    with av.open(str(clip)) as container:
        view = luma_view(next(container.decode(video=0)))
    before = view.copy()
    gc.collect()
    assert (view == before).all()


def test_another_pixel_format_is_converted_and_noted(tmp_path: Path) -> None:
    path = tmp_path / "deep.mkv"
    with av.open(str(path), "w") as output:
        track = output.add_stream("ffv1", rate=10)
        track.width, track.height, track.pix_fmt = 64, 48, "yuv420p10le"
        track.time_base = Fraction(1, 10)
        for _ in range(3):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), format="bgr24")
            output.mux(track.encode(picture.reformat(format="yuv420p10le")))
        output.mux(track.encode(None))
    stream = CameraStream("deep", FileSource(path), wall_start=START)
    frames = [frame.luma.copy() for frame in stream.frames()]
    stream.close()
    assert stream.converted_from == "yuv420p10le"
    assert {frame.shape for frame in frames} == {(48, 64)}
    assert abs(int(frames[0].mean()) - 126) <= 6


def test_a_clip_plays_after_its_source_is_closed(clip: Path) -> None:
    stream = CameraStream("gate", FileSource(clip), wall_start=START, history_seconds=10)
    for _ in stream.frames():
        pass
    stream.close()
    gc.collect()
    cut = stream.ring.cut(1.5, 2.5)
    assert cut is not None
    pictures = remuxed(cut)
    assert len(pictures) >= 16, "from the key frame at 1.0 s on"
    assert pictures[0].pts == 0
    again = remuxed(cut)
    assert len(again) == len(pictures), "a cut can be written more than once"


def test_a_stream_that_is_stopped_ends(clip: Path) -> None:
    stream = CameraStream("gate", FileSource(clip, loop=True, realtime=True), wall_start=START)
    seen = 0
    for _ in stream.frames():
        seen += 1
        if seen == 3:
            stream.stop()
    stream.close()
    assert 3 <= seen <= 20


def test_a_file_whose_pictures_are_gone_is_an_error(clip: Path, tmp_path: Path) -> None:
    content = bytearray(clip.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    path = tmp_path / "emptied.mp4"
    path.write_bytes(content)
    stream = CameraStream("gate", FileSource(path), wall_start=START)
    with pytest.raises(SourceError, match=r"emptied\.mp4: 40 packets, none of them a key frame"):
        list(stream.frames())
    stream.close()


def test_packets_that_all_fail_to_decode_are_an_error(clip: Path) -> None:
    class Deaf(FileSource):
        def decode(self, packet: object) -> list[av.VideoFrame]:
            return []

    stream = CameraStream("gate", Deaf(clip), wall_start=START)
    with pytest.raises(SourceError, match=r"clip\.mp4: none of 40 packets could be decoded; the file is damaged"):
        list(stream.frames())
    stream.close()


def test_a_time_without_zone_is_refused(clip: Path) -> None:
    with FileSource(clip) as source, pytest.raises(ValueError, match="time zone"):
        CameraStream("gate", source, wall_start=datetime(2026, 3, 1))  # noqa: DTZ001 - the fault under test
