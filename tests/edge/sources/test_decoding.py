"""Decoding less, and more again; accelerators that are not there."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from av.codec.hwaccel import HWAccel
from av.error import FFmpegError

from edge.config.inputs import Hardware
from edge.sources import container, decoding
from edge.sources.decoding import DecodeMode, accelerators, chosen_accelerator
from edge.sources.file import FileSource
from edge.streams.nal import is_disposable
from tests.edge.video import record


@pytest.fixture(scope="module", params=["libx264", "libx265"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds at 25, a key frame a second, B-frames as the encoder likes."""
    path = tmp_path_factory.mktemp("clip") / f"{request.param}.mp4"
    return record(path, seconds=4, fps=25, gop=25, codec=request.param)


def times(path: Path, modes: dict[int, DecodeMode]) -> list[int]:
    """Presentation stamps (in frames) of what is decoded; `modes` by the number of the packet from which they hold."""
    found = []
    with FileSource(path) as source:
        for number, packet in enumerate(source.packets()):
            source.mode = modes.get(number, source.mode)
            found += source.decode(packet)
        found += source.decode(None)
        assert source.packets_broken == 0
        return [round(float((frame.pts or 0) * source.time_base) * 25) for frame in found]


def test_without_the_pictures_that_no_other_needs(clip: Path) -> None:
    with FileSource(clip) as source:
        packets = [(bytes(packet), source.codec) for packet in source.packets()]
    disposable = sum(bool(is_disposable(codec, data)) for data, codec in packets)
    assert 20 <= disposable <= 80, "B-frames that the tests need"
    seen = times(clip, {0: DecodeMode.SKIP_NON_REFERENCE})
    assert len(seen) == 100 - disposable, "what the bytes say is what the decoder leaves out"
    assert seen == sorted(seen)


def test_key_frames_alone_come_at_once(clip: Path) -> None:
    assert times(clip, {0: DecodeMode.KEY_FRAMES}) == [0, 25, 50, 75]
    with FileSource(clip) as source:
        source.mode = DecodeMode.KEY_FRAMES
        for packet in source.packets():
            assert bool(source.decode(packet)) == packet.is_keyframe, "none waits inside for the next"


def test_modes_change_in_the_middle_and_nothing_is_spoilt(clip: Path) -> None:
    seen = times(clip, {30: DecodeMode.KEY_FRAMES, 60: DecodeMode.FULL})
    assert seen == sorted(seen)
    assert set(range(20)) <= set(seen)
    assert [number for number in seen if 32 <= number < 75] == [50], "key frames only, and then full from the next on"
    assert set(range(75, 100)) <= set(seen)


def test_an_accelerator_that_this_machine_lacks_is_left_alone(clip: Path) -> None:
    for name, reason in accelerators().items():
        if reason:
            assert chosen_accelerator(name) == ("", f"{name}: {reason}")
            with FileSource(clip, hardware=name) as source:
                assert source.decoding == f"full by the processor ({name}: {reason})"
    assert chosen_accelerator("none") == ("", "")
    assert chosen_accelerator("vulkan")[0] in {"", "vulkan"}
    name, _ = chosen_accelerator("auto")
    assert name == "" or not accelerators()[name]
    assert {str(each) for each in Hardware} >= set(decoding.PREFERRED)


def test_one_that_fails_at_opening_leaves_the_stream_to_the_processor(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real call to a device that is not there, without the question beforehand that would have avoided it."""
    broken = next((name for name, why in accelerators().items() if why and "build" not in why), None)
    if broken is None:
        pytest.skip("every accelerator of this build works here")
    with pytest.raises(FFmpegError):
        av.open(str(clip), hwaccel=HWAccel(broken))
    monkeypatch.setattr(container, "chosen_accelerator", lambda _wanted: (broken, ""))
    with FileSource(clip, hardware=broken) as source:
        frames = [frame for packet in source.packets() for frame in source.decode(packet)]
        assert source.decoding == "full"
    assert len(frames) > 90
