"""Captions inside of a video."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.flights.reading.captions import read_captions
from edge.flights.reading.sniff import read_telemetry
from edge.flights.reading.srt import read_srt
from edge.flights.telemetry import TelemetryError
from tests.edge.flights.reading.dialects import DIALECTS, cues, sample, settings_only
from tests.edge.flights.reading.movies import captioned


@pytest.mark.parametrize("name", DIALECTS)
def test_captions_say_what_subtitles_say(tmp_path: Path, name: str) -> None:
    video, subtitles = tmp_path / "DJI_0001.MP4", tmp_path / "other.SRT"
    texts = [DIALECTS[name](index) for index in range(6)]
    video.write_bytes(captioned(texts))
    subtitles.write_text(cues(texts), encoding="utf-8")
    found, expected = read_telemetry(video), read_srt(subtitles)
    assert found.dialect == expected.dialect
    assert [fix.line for fix in found.fixes] == [1, 2, 3, 4, 5, 6]
    for one, other in zip(found.fixes, expected.fixes, strict=True):
        assert (one.latitude, one.longitude, one.media_time) == (other.latitude, other.longitude, other.media_time)
        assert (one.above_takeoff_m, one.gimbal, one.taken_at) == (other.above_takeoff_m, other.gimbal, other.taken_at)
    assert [each.field for each in found.interpretations] == [each.field for each in expected.interpretations]


def test_log_beside_a_video_comes_first(tmp_path: Path) -> None:
    video = tmp_path / "DJI_0001.MP4"
    video.write_bytes(captioned([DIALECTS["dji-gps"](index) for index in range(3)]))
    (tmp_path / "DJI_0001.SRT").write_text(sample("dji-bracketed"))
    assert read_telemetry(video).dialect == "dji-bracketed"


def test_captions_without_position(tmp_path: Path) -> None:
    video = tmp_path / "DJI_0001.MP4"
    video.write_bytes(captioned([settings_only(0)] * 3))
    with pytest.raises(TelemetryError, match=r"line 1 \(dji-settings-only\): none of 3 records can be used"):
        read_captions(video)


def test_broken_movies(tmp_path: Path) -> None:
    video = tmp_path / "DJI_0001.MP4"
    whole = captioned([DIALECTS["dji-gps"](index) for index in range(3)])
    for length in range(0, len(whole), 97):
        video.write_bytes(whole[:length])
        with pytest.raises(TelemetryError):
            read_captions(video)
    turned = bytearray(whole)
    turned[60] ^= 0xFF  # within a text
    video.write_bytes(turned)
    assert len(read_captions(video).fixes) >= 2
