"""What is decoded, from what is needed and what is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.detectors.registry import FrameNeeds
from edge.sources.decoding import DecodeMode
from edge.sources.file import FileSource
from edge.streams.camera import CameraStream
from edge.streams.nal import is_disposable
from edge.streams.plan import HEALTH_NEEDS, DecodePlan, decode_plan, leaner
from edge.streams.rhythm import Rhythm, StreamFacts
from tests.edge.video import record

FULL, SKIP, KEYS = DecodeMode.FULL, DecodeMode.SKIP_NON_REFERENCE, DecodeMode.KEY_FRAMES
MAIN = StreamFacts("main", 2560, 1440, fps=25, key_seconds=2, reference_share=1)
SUB = StreamFacts("sub", 640, 360, fps=25, key_seconds=2, reference_share=1)


def facts(fps: float = 25, key_seconds: float = 2, reference_share: float | None = 1) -> list[StreamFacts]:
    return [StreamFacts("main", 1920, 1080, fps, key_seconds, reference_share)]


@pytest.mark.parametrize(
    ("needs", "streams", "mode"),
    [
        ([HEALTH_NEEDS], facts(), KEYS),
        ([HEALTH_NEEDS], facts(key_seconds=12), FULL),
        ([HEALTH_NEEDS, FrameNeeds(fps=25)], facts(), FULL),
        ([FrameNeeds(fps=25)], facts(fps=50, reference_share=0.5), SKIP),
        ([FrameNeeds(fps=25)], facts(fps=24.4, reference_share=0.9), FULL),
        ([FrameNeeds(fps=25)], facts(fps=25.2, reference_share=0.98), SKIP),
        ([FrameNeeds(fps=12)], facts(fps=25, reference_share=0.5), SKIP),
        ([FrameNeeds(fps=12)], facts(fps=25, reference_share=0.4), FULL),
        ([FrameNeeds(fps=12)], facts(fps=25, reference_share=None), FULL),
        ([FrameNeeds(fps=0.5)], facts(key_seconds=2), KEYS),
        ([FrameNeeds(fps=1)], facts(key_seconds=2), FULL),
        ([FrameNeeds(fps=1, key_frames=True), FrameNeeds(fps=2)], facts(fps=25, reference_share=0.4), SKIP),
    ],
)
def test_no_more_than_is_needed(needs: list[FrameNeeds], streams: list[StreamFacts], mode: DecodeMode) -> None:
    assert decode_plan(needs, streams) == DecodePlan("main", mode)


def test_what_is_not_known_yet_is_decoded() -> None:
    assert decode_plan([HEALTH_NEEDS], [StreamFacts("main", 1920, 1080)]).mode is FULL


@pytest.mark.parametrize(("min_height", "role"), [(0, "sub"), (360, "sub"), (361, "main"), (2000, "main")])
def test_the_smallest_stream_that_is_high_enough(min_height: int, role: str) -> None:
    needs = [FrameNeeds(min_height=min_height), FrameNeeds()]
    assert decode_plan(needs, [MAIN, SUB]).role == decode_plan(needs, [SUB, MAIN]).role == role


NEEDS = st.builds(FrameNeeds, fps=st.floats(0.1, 60), min_height=st.integers(0, 3000), key_frames=st.booleans())


@given(st.lists(NEEDS, max_size=5), st.floats(1, 60), st.floats(0.02, 30), st.floats(0.05, 1))
def test_every_need_is_met_as_far_as_the_camera_sends_it(
    needs: list[FrameNeeds], fps: float, key_seconds: float, share: float
) -> None:
    mode = decode_plan(needs, facts(fps, key_seconds, share)).mode
    got = {FULL: fps, SKIP: fps * share, KEYS: 1 / key_seconds}[mode]
    for need in needs:
        if not need.key_frames:
            assert got >= 0.9 * min(need.fps, fps)
        elif mode is KEYS:
            assert key_seconds <= 10 or need.fps * key_seconds <= 1.06


@given(st.sampled_from(DecodeMode), st.sampled_from(DecodeMode))
def test_the_leaner_of_two(one: DecodeMode, other: DecodeMode) -> None:
    order = [FULL, SKIP, KEYS]
    assert order.index(leaner(one, other)) == max(order.index(one), order.index(other))


@pytest.mark.parametrize(
    ("codec", "data", "disposable"),
    [
        ("h264", bytes([0, 0, 0, 1, 0x09, 0xF0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x65, 9]), False),
        ("h264", bytes([0, 0, 1, 0x06, 5, 0, 0, 1, 0x01, 9]), True),
        ("h264", bytes([0, 0, 1, 0x41, 9]), False),
        ("h264", bytes([0, 0, 0, 2, 0x06, 5, 0, 0, 0, 2, 0x01, 9]), True),
        ("hevc", bytes([0, 0, 1, 0x46, 1, 0, 0, 1, 0x00, 1]), True),
        ("hevc", bytes([0, 0, 1, 0x02, 1]), False),
        ("hevc", bytes([0, 0, 1, 0x26, 1]), False),
        ("mjpeg", b"\xff\xd8", False),
        ("h264", bytes([0, 0, 1, 0x04, 0x01]) + bytes(0x103), True),
        ("h264", b"", None),
        ("av1", b"\x12\x00", None),
    ],
)
def test_pictures_that_no_other_needs(codec: str, data: bytes, disposable: bool | None) -> None:
    assert is_disposable(codec, data) is disposable


@given(st.sampled_from(["h264", "hevc"]), st.binary(max_size=300))
def test_garbage_is_no_fault(codec: str, data: bytes) -> None:
    assert is_disposable(codec, data) in {True, False, None}


def test_the_rhythm_of_a_real_stream(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", seconds=4, fps=25, gop=25)
    rhythm = Rhythm("main", "h264", 160, 120)
    with FileSource(path) as source:
        assert rhythm.facts.fps is None
        for packet in source.packets():
            rhythm.saw(float((packet.pts or 0) * source.time_base), bytes(packet), is_key=packet.is_keyframe)
    found = rhythm.facts
    assert found.fps == pytest.approx(25, abs=0.1)
    assert found.key_seconds == pytest.approx(1, abs=0.01)
    assert found.reference_share is not None
    assert 0.3 < found.reference_share < 0.8


def test_a_stream_goes_over_to_what_is_needed(tmp_path: Path) -> None:
    path = record(tmp_path / "clip.mp4", seconds=6, fps=25, gop=25)
    with FileSource(path) as source:
        stream = CameraStream("lean", source, needs=[HEALTH_NEEDS])
        times = [round(frame.media_time, 2) for frame in stream.frames()]
    assert [at for at in times if at > 1.2] == [2, 3, 4, 5], "key frames, once the first group has shown the rhythm"
    with FileSource(path) as source:
        stream = CameraStream("all", source, needs=[HEALTH_NEEDS, FrameNeeds(fps=25)])
        assert sum(1 for _ in stream.frames()) == 150
