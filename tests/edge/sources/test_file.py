"""Recordings: whole, looped, paced, missing, broken, cut short."""

from __future__ import annotations

import itertools
import time
import wave
from fractions import Fraction
from pathlib import Path

import av
import pytest

from edge.sources.errors import SourceError
from edge.sources.file import FileSource
from edge.sources.timeline import RESTART_SECONDS, Timeline
from tests.edge.video import record


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return record(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=2, fps=10)


def stamps(source: FileSource, most: int = 10_000) -> list[int]:
    found = []
    for packet in source.packets():
        assert packet.dts is not None
        found.append(packet.dts)
        if len(found) >= most:
            break
    return found


def test_a_recording_is_read_once_and_whole(clip: Path) -> None:
    with FileSource(clip) as source:
        pictures = [picture for packet in source.packets() for picture in source.decode(packet)]
        pictures += source.decode(None)
        assert (source.width, source.height, source.live) == (160, 120, False)
        assert source.duration_seconds == pytest.approx(2, abs=0.11)
        assert source.nominal_fps == pytest.approx(10)
    assert len(pictures) == 20
    assert source.packets_broken == 0


def test_a_loop_goes_on_in_time(clip: Path) -> None:
    with FileSource(clip, loop=True) as source:
        seen = stamps(source, 65)
    steps = {later - earlier for earlier, later in itertools.pairwise(seen)}
    assert len(steps) == 1, "three rounds, and no seam in their stamps"
    assert steps.pop() > 0


def test_real_time_takes_its_time_and_can_be_stopped(clip: Path) -> None:
    with FileSource(clip, realtime=True) as source:
        started = time.monotonic()
        seen = 0
        for _ in source.packets():
            seen += 1
            if seen == 8:
                source.stop()
        assert time.monotonic() - started >= 0.5, "eight frames of ten a second"
    assert seen == 8


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.mp4: no such file; relative paths start at"):
        FileSource(tmp_path / "gone.mp4")
    with pytest.raises(SourceError, match="is a folder, expected a video file"):
        FileSource(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\x00" * 5000, b"this is no video\n" * 100])
def test_garbage_is_no_video(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "garbage.mp4"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=r"garbage\.mp4: "):
        FileSource(path)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(8000)
        output.writeframes(b"\x00\x00" * 8000)
    with pytest.raises(SourceError, match="no video stream, found only audio; give a video file"):
        FileSource(path)


def test_a_file_cut_short_says_so_after_its_frames(clip: Path, tmp_path: Path) -> None:
    # The index first, so that the rest can be missing and the file still opens.
    whole = tmp_path / "whole.mp4"
    with av.open(str(clip)) as source, av.open(str(whole), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    content = whole.read_bytes()
    short = tmp_path / "short.mp4"
    short.write_bytes(content[: -len(content) // 4])
    seen = 0
    with FileSource(short) as source, pytest.raises(SourceError, match=r"short\.mp4: (ends after|reading failed)"):
        for _ in source.packets():
            seen += 1
    assert 0 < seen < 20


def test_a_spoilt_packet_is_counted_and_the_rest_is_seen(clip: Path) -> None:
    with FileSource(clip) as source:
        pictures = 0
        for number, packet in enumerate(source.packets()):
            damaged = packet
            if number == 5:
                damaged = av.Packet(b"\xff" * packet.size)
                damaged.pts, damaged.dts, damaged.time_base = packet.pts, packet.dts, packet.time_base
            pictures += len(source.decode(damaged))
    assert source.packets_broken >= 1
    assert pictures >= 9, "at least from the next key frame on"


def test_titles_in_another_encoding_do_no_harm(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "titled.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        output.metadata["title"] = "TITLE-TO-REPLACE"
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    path.write_bytes(path.read_bytes().replace(b"TITLE-TO-REPLACE", "南门摄像机机号".encode("gbk").ljust(16)))
    with FileSource(path) as source:
        assert len(stamps(source)) == 20


def test_decode_stamps_that_matroska_leaves_out_are_filled_in(clip: Path, tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(clip)) as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    with FileSource(path, loop=True) as opened:
        packets = list(itertools.islice(((packet.pts, packet.dts) for packet in opened.packets()), 60))
    seen = [dts for _, dts in packets]
    assert seen[0] < 0
    assert sorted(pts for pts, _ in packets) == [100 * number for number in range(60)]
    assert {later - earlier for earlier, later in itertools.pairwise(seen)} == {100}


class _Stamped:
    """What a timeline looks at in a packet."""

    def __init__(self, pts: int | None, dts: int | None, *, key: bool = False) -> None:
        self.pts, self.dts, self.is_keyframe, self.duration = pts, dts, key, 40


def placed(*packets: _Stamped) -> list[int | None]:
    timeline = Timeline(Fraction(1, 1000))
    return [packet.dts for packet in packets if timeline.place(packet)]  # type: ignore[arg-type]


def test_what_comes_before_the_first_key_frame_with_a_time_is_left_out() -> None:
    assert placed(
        _Stamped(0, 0), _Stamped(None, None, key=True), _Stamped(None, 40, key=True), _Stamped(80, 80, key=True)
    ) == [80]


def test_a_clock_that_falls_back_is_lifted_and_reordering_is_not() -> None:
    back = int(RESTART_SECONDS * 1000) + 500
    again = 5040 - back
    seen = placed(
        _Stamped(5000, 5000, key=True), _Stamped(5040, 5040), _Stamped(again, again), _Stamped(again + 40, again + 40)
    )
    assert seen == [5000, 5040, 5080, 5120]
    assert placed(_Stamped(100, 100, key=True), _Stamped(60, 60)) == [100, 60]
