"""Stills in a folder: in order, with their times, watched; a broken one costs itself only."""

from __future__ import annotations

import io
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.inputs import ImagesInput
from edge.sources.errors import SourceError, StreamChangedError
from edge.sources.images import ImagesSource
from edge.sources.still_times import exif_time, time_in_name
from edge.streams.camera import CameraStream


def still(path: Path, brightness: int, size: tuple[int, int] = (64, 48)) -> Path:
    assert cv2.imwrite(str(path), np.full((size[1], size[0], 3), brightness, np.uint8))
    return path


def source_of(path: Path, **more: Any) -> ImagesSource:
    return ImagesSource(ImagesInput.model_validate({"type": "images", "path": path, "pace": "fastest", **more}))


def played(source: ImagesSource, most: int = 100) -> list[tuple[float, int]]:
    """(media time, brightness) of each frame."""
    seen = []
    with source:
        for frame in CameraStream("stills", source).frames():
            seen.append((round(frame.media_time, 3), round(int(frame.luma.mean()), -1)))
            if len(seen) >= most:
                break
    return seen


def test_by_name_so_many_a_second(tmp_path: Path) -> None:
    for number, brightness in ((3, 30), (1, 10), (2, 20)):
        still(tmp_path / f"{number}.jpg", brightness * 5)
    (tmp_path / "notes.txt").write_text("no picture")
    frames = played(source_of(tmp_path, fps=2))
    assert [at for at, _ in frames] == [0, 0.5, 1.0]
    brightness = [value for _, value in frames]
    assert brightness == sorted(brightness)
    assert len(set(brightness)) == 3


def test_times_from_names_and_a_pattern(tmp_path: Path) -> None:
    for second in (10, 0, 25):
        still(tmp_path / f"north_20261121_0815{second:02}.png", 100 + second)
    still(tmp_path / "south_20261121_081501.png", 250)
    still(tmp_path / "north_untimed.png", 250)
    source = source_of(tmp_path / "north_*.png", times="name")
    assert [at for at, _ in played(source)] == [0, 10, 25]
    assert source.packets_broken == 1, "the one without a time"


def test_by_the_time_they_were_taken(tmp_path: Path) -> None:
    for name, taken in (("a", 30), ("b", 10), ("c", 20)):
        path = still(tmp_path / f"{name}.jpg", 50 + taken * 4)
        os.utime(path, (1_700_000_000 + taken, 1_700_000_000 + taken))
    frames = played(source_of(tmp_path, order="taken", times="taken"))
    assert [at for at, _ in frames] == [0, 10, 20]
    assert [value for _, value in frames] == sorted(value for _, value in frames)


@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_exif_says_when(order: str) -> None:
    mark = b"II*\x00" if order == "<" else b"MM\x00*"
    text = b"2026:11:21 08:15:30\x00"
    outer = struct.pack(order + "H", 1) + struct.pack(order + "HHII", 0x8769, 4, 1, 26) + bytes(4)
    inner = struct.pack(order + "H", 1) + struct.pack(order + "HHII", 0x9003, 2, 20, 44) + bytes(4)
    tiff = mark + struct.pack(order + "I", 8) + outer + inner + text
    head = b"\xff\xd8\xff\xe1\x00\x60Exif\x00\x00" + tiff
    assert exif_time(head) == pytest.approx(time_in_name("20261121_081530"))


@given(st.binary(max_size=200))
def test_broken_exif_is_no_time_and_no_fault(garbage: bytes) -> None:
    found = exif_time(b"\xff\xd8\xff\xe1\x00\x60Exif\x00\x00II*\x00" + garbage)
    assert found is None or isinstance(found, float)


@pytest.mark.parametrize(
    ("name", "seconds"),
    [("2026-11-21T08-15-30.250", 0.25), ("IMG20261121081530250", 0.25), ("x_20261121_081530", 0), ("clip-17", None)],
)
def test_digits_in_a_name(name: str, seconds: float | None) -> None:
    base = time_in_name("20261121 081530")
    found = time_in_name(name)
    assert base is not None
    assert found is None if seconds is None else found == pytest.approx(base + seconds)
    assert time_in_name("20261399_998877") is None, "digits, but no time"


def test_a_broken_picture_costs_itself_only(tmp_path: Path) -> None:
    for number in range(5):
        still(tmp_path / f"{number}.jpg", 100)
    whole = (tmp_path / "1.jpg").read_bytes()
    (tmp_path / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "2.jpg").write_bytes(b"\xff\xd8\xff" + os.urandom(500) + b"\xff\xd9")
    still(tmp_path / "3.jpg", 100, size=(32, 24))
    source = source_of(tmp_path)
    assert [at for at, _ in played(source)] == [0, 4], "their times do not move together"
    assert source.packets_broken == 3


def test_a_loop_goes_on_in_time(tmp_path: Path) -> None:
    for number in range(3):
        still(tmp_path / f"{number}.jpg", 100)
    times = [at for at, _ in played(source_of(tmp_path, fps=4, loop=True), most=8)]
    assert times == [0.25 * number for number in range(8)]


@pytest.mark.parametrize(("suffix", "codec"), [("jpg", "mjpeg"), ("png", "png")])
def test_clips_can_be_cut_from_any_encoding(tmp_path: Path, suffix: str, codec: str) -> None:
    for number in range(4):
        still(tmp_path / f"{number}.{suffix}", 40 * number + 60)
    source = source_of(tmp_path)
    stream = CameraStream("stills", source)
    count = sum(1 for _ in stream.frames())
    source.close()
    cut = stream.ring.cut(1, 2)
    assert count == 4
    assert cut is not None
    assert cut.template.codec == codec
    target = io.BytesIO()
    with cut.template.open() as template, av.open(target, "w", format="nut") as output:
        copy = output.add_stream_from_template(template.streams.video[0])
        for packet in cut.packets:
            output.mux(packet.to_av(copy, cut.packets[0].pts))
    target.seek(0)
    with av.open(target) as clip:
        assert len(list(clip.decode(video=0))) == 2


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such folder; relative paths start at"):
        source_of(tmp_path / "gone" / "*.jpg")
    (tmp_path / "page.jpg").write_text("<html>")
    with pytest.raises(SourceError, match="found no picture among 1 files"):
        source_of(tmp_path)
    still(tmp_path / "some.jpg", 100)
    with pytest.raises(SourceError, match="found no time in the names of 2 pictures, such as page"):
        played(source_of(tmp_path, times="name"))


def test_a_watched_folder_gives_what_comes(tmp_path: Path) -> None:
    still(tmp_path / "old-1.jpg", 100)
    still(tmp_path / "old-2.jpg", 120)
    source = source_of(tmp_path, watch=True)
    assert source.live

    def comes() -> None:
        time.sleep(0.3)
        growing = (still(tmp_path / "scratch.jpg", 200)).read_bytes()
        (tmp_path / "scratch.jpg").unlink()
        (tmp_path / "new-1.jpg").write_bytes(growing[: len(growing) // 2])
        time.sleep(0.2)
        (tmp_path / "new-1.jpg").write_bytes(growing)

    writer = threading.Thread(target=comes)
    writer.start()
    frames = played(source, most=2)
    writer.join()
    assert [value for _, value in frames] == [120, 200], "the newest that was there, then the new one, once it is whole"
    assert source.packets_broken == 0


def test_a_watched_folder_where_nothing_comes_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="found no picture among 0 files"):
        source_of(tmp_path, watch=True, open_timeout_seconds=0.1)
    still(tmp_path / "old.jpg", 100)
    with pytest.raises(SourceError, match=r"no new picture for 0\.5 s; check what puts them there"):
        played(source_of(tmp_path, watch=True, read_timeout_seconds=0.5))


def test_a_watched_folder_whose_pictures_grow_is_opened_anew(tmp_path: Path) -> None:
    still(tmp_path / "1.jpg", 100)
    source = source_of(tmp_path, watch=True)
    stream = CameraStream("stills", source)
    with source, pytest.raises(StreamChangedError, match="64 × 48 to 128 × 96"):
        for _ in stream.frames():
            still(tmp_path / "2.jpg", 100, size=(128, 96))
    with source_of(tmp_path, watch=True) as again:
        assert (again.width, again.height) == (128, 96)
