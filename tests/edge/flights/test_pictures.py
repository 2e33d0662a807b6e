"""Key frames of a video: the file stays open, whoever reads, and what is broken in it costs itself."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from edge.detectors.interface import Image
from edge.flights.pictures import KEPT_OPEN, KeyMoment, VideoPictures
from edge.sources.errors import SourceError


@pytest.fixture
def video(flown_video: Path, tmp_path: Path) -> Path:
    """Ten seconds that a test may break."""
    return Path(shutil.copy(flown_video, tmp_path / flown_video.name))


def as_stream(video: Path) -> Path:
    """The same pictures in a transport stream, which has no index."""
    path = video.with_suffix(".ts")
    with av.open(str(video)) as source, av.open(str(path), "w", format="mpegts") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    return path


def one_by_one(video: Path) -> dict[KeyMoment, Image]:
    """Each read by somebody who has read nothing before."""
    return {moment: VideoPictures(video).read_bgr(moment) for moment in VideoPictures(video).key_moments()}


def descriptors(video: Path) -> int:
    """How often this process has it open."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # that of listing them
            found += str(each.readlink()).removesuffix(" (deleted)") == str(video)
    return found


def damage(video: Path, moment: KeyMoment, share: float = 0.5) -> None:
    """The last part of a key frame becomes zeros."""
    with av.open(str(video)) as container:
        packet = next(each for each in container.demux(video=0) if each.pts == moment.pts)
        at, size = packet.pos, packet.size
    assert at is not None
    content = bytearray(video.read_bytes())
    lost = round(size * share)
    content[at + size - lost : at + size] = bytes(lost)
    video.write_bytes(bytes(content))


@pytest.mark.parametrize("kind", ["mp4", "transport stream"])
def test_a_picture_is_the_same_whatever_was_read_before_it(video: Path, kind: str) -> None:
    path = video if kind == "mp4" else as_stream(video)
    expected = one_by_one(path)
    pictures, moments = VideoPictures(path), list(expected)
    assert len(moments) == 10
    for index in (7, 0, 9, 9, 3, 2, 1, 8, 4, 5, 6, 0):
        assert np.array_equal(pictures.read_bgr(moments[index]), expected[moments[index]])


def test_the_file_stays_open_and_is_not_opened_again(video: Path) -> None:
    expected = one_by_one(video)
    pictures = VideoPictures(video)
    moments = pictures.key_moments()
    assert descriptors(video) == 0, "only who reads pictures keeps it open"
    pictures.read_bgr(moments[5])
    assert descriptors(video) == 1
    video.unlink()
    for moment in moments:
        assert np.array_equal(pictures.read_bgr(moment), expected[moment])
    assert descriptors(video) == 1


def test_it_is_closed_once_nobody_holds_its_pictures(video: Path) -> None:
    pictures = VideoPictures(video)
    read, moment = pictures.read_bgr, pictures.key_moments()[2]
    read(moment)
    del pictures
    assert descriptors(video) == 1, "who may read keeps it"
    del read
    assert descriptors(video) == 0


def test_several_threads_read_at_once_and_few_files_stay_open(video: Path) -> None:
    expected = one_by_one(video)
    pictures, order = VideoPictures(video), list(expected) * 4
    with ThreadPoolExecutor(6) as threads:
        read = list(threads.map(pictures.read_bgr, order))
    assert all(np.array_equal(picture, expected[moment]) for moment, picture in zip(order, read, strict=True))
    assert 1 <= descriptors(video) <= KEPT_OPEN


@pytest.mark.parametrize("kind", ["mp4", "transport stream"])
@pytest.mark.parametrize("share", [0.5, 0.97])
def test_a_broken_key_frame_costs_itself_only(video: Path, kind: str, share: float) -> None:
    path = video if kind == "mp4" else as_stream(video)
    expected = one_by_one(path)
    moments = list(expected)
    damage(path, moments[4], share)
    pictures = VideoPictures(path)
    for index in (3, 4, 5, 4, 4, 0, 9):
        if index == 4:
            with pytest.raises(SourceError, match=r"at 4\.\d{3} s"):
                pictures.read_bgr(moments[4])
        else:
            assert np.array_equal(pictures.read_bgr(moments[index]), expected[moments[index]])
    assert descriptors(path) == 1


def test_what_is_not_there_is_said_and_what_is_there_is_still_read(video: Path) -> None:
    expected = one_by_one(video)
    pictures = VideoPictures(video)
    last = max(expected, key=lambda moment: moment.pts)
    for nowhere in (KeyMoment(last.pts + 10**9, 1e6), KeyMoment(-(10**9), -1e6), KeyMoment(last.pts - 1, 8.9)):
        with pytest.raises(SourceError, match="not there any more"):
            pictures.read_bgr(nowhere)
        assert descriptors(video) == 0, "it may be what is open that is to blame"
        assert np.array_equal(pictures.read_bgr(last), expected[last])


def test_a_file_that_was_cut_while_it_was_open_keeps_what_is_whole(video: Path) -> None:
    expected = one_by_one(video)
    pictures, moments = VideoPictures(video), list(expected)
    pictures.read_bgr(moments[0])
    os.truncate(video, video.stat().st_size // 2)
    with pytest.raises(SourceError):
        pictures.read_bgr(moments[9])
    assert np.array_equal(pictures.read_bgr(moments[1]), expected[moments[1]])
