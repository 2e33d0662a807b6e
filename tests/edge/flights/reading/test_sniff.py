"""The right reader by content, and the log beside a video."""

from __future__ import annotations

import os
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from contract.geometry import Point
from edge.flights.reading.sniff import Kind, companion_of, kind_of, read_telemetry
from edge.flights.telemetry import TelemetryError
from tests.edge.flights.reading.dialects import AIRDATA, DIALECTS, OURS, sample
from tests.edge.flights.reading.packets import flying, metadata_stream, muxed, packet
from tests.edge.flights.reading.pictures import CAMERA, MAKER, PLACE, jpeg, tiff

MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(200)


@pytest.mark.parametrize(
    ("content", "dialect"),
    [
        *((sample(name).encode(), name.split(" ")[0]) for name in DIALECTS),
        (AIRDATA.encode(), "csv"),
        (OURS.encode(), "csv"),
        (packet(flying(0)), "misb-0601"),
        (metadata_stream([packet(flying(index)) for index in range(5)]), "misb-0601"),
        (jpeg(tiff(MAKER, CAMERA, PLACE)), "still"),
        (tiff(MAKER, CAMERA, PLACE), "still"),
    ],
)
@pytest.mark.parametrize("name", ["flight.dat", "flight.SRT", "flight.MP4", "flight"])
def test_content_decides_not_the_name(tmp_path: Path, content: bytes, dialect: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    log = read_telemetry(path)
    assert log.dialect == dialect
    assert log.path == str(path)
    assert log.fixes


def test_clues_reach_the_reader(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    path.write_text(sample("dji-gps metres"))
    log = read_telemetry(path, near=Point(coordinates=(36.6, -6.1)), zone=timezone(timedelta(hours=8)))
    assert (log.fixes[0].latitude, log.fixes[0].longitude) == (-6.112, 36.6146)
    assert all(each.certain for each in log.interpretations if each.field in ("GPS(…)", "time zone"))


@pytest.mark.parametrize("name", ["DJI_0001.srt", "DJI_0001.SRT", "dji_0001.Srt", "DJI_0001.csv"])
def test_video_is_read_by_its_companion(tmp_path: Path, name: str) -> None:
    video, log = tmp_path / "DJI_0001.MP4", tmp_path / name
    video.write_bytes(MP4)
    log.write_text(OURS if name.endswith("csv") else sample("dji-bracketed"))
    assert companion_of(video) == log
    assert read_telemetry(video).path == str(log)


def test_subtitles_before_csv_and_nothing_of_another_name(tmp_path: Path) -> None:
    video = tmp_path / "DJI_0001.MP4"
    video.write_bytes(MP4)
    assert companion_of(video) is None
    (tmp_path / "DJI_0002.SRT").write_text("")
    (tmp_path / "DJI_0001.LRF").write_text("")
    (tmp_path / "DJI_0001.KLV").mkdir()
    assert companion_of(video) is None
    (tmp_path / "DJI_0001.CSV").write_text(OURS)
    (tmp_path / "DJI_0001.SRT").write_text(sample("dji-gps"))
    assert companion_of(video) == tmp_path / "DJI_0001.SRT"
    assert companion_of(tmp_path / "none" / "DJI_0001.MP4") is None


def test_video_alone_says_what_is_missing(tmp_path: Path) -> None:
    video = tmp_path / "DJI_0001.MP4"
    video.write_bytes(MP4)
    with pytest.raises(
        TelemetryError, match=r"line 1 \(captions\): .*; put the log beside the video, named DJI_0001\.SRT"
    ):
        read_telemetry(video)
    (tmp_path / "DJI_0001.SRT").write_bytes(MP4)  # a companion that is a video itself
    (tmp_path / "DJI_0001.CSV").write_bytes(MP4)
    with pytest.raises(TelemetryError, match="put the log beside the video"):
        read_telemetry(video)


def test_stream_without_klv_is_read_by_its_companion(tmp_path: Path) -> None:
    video = tmp_path / "flight.ts"
    muxed(video, [b"nothing to see here"] * 5)
    with pytest.raises(TelemetryError, match="misb-0601"):
        read_telemetry(video)
    (tmp_path / "flight.srt").write_text(sample("dji-bracketed"))
    assert read_telemetry(video).dialect == "dji-bracketed"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "line 1 (srt): holds no record"),
        (bytes(5000), "line 1 (unknown): is of no known kind"),
        (b"a,b,c\n1,2,3\n", "line 1 (csv): found columns a, b, c;"),
        (b"hello\n", "line 1 (srt)"),
    ],
)
def test_what_is_no_telemetry(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.SRT"
    path.write_bytes(content)
    with pytest.raises(TelemetryError) as raised:
        read_telemetry(path)
    assert message in str(raised.value)


def test_pipes_and_folders_are_refused(tmp_path: Path) -> None:
    """A pipe would be waited for, for ever."""
    pipe = tmp_path / "pipe.srt"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path, tmp_path / "none.srt"):
        with pytest.raises(TelemetryError):
            read_telemetry(path)


def test_kinds() -> None:
    assert kind_of(b"\x1aE\xdf\xa3" + bytes(100)) is Kind.VIDEO
    assert kind_of((b"\x00\x00\x00\x00\x47" + bytes(187)) * 6) is Kind.TRANSPORT_STREAM
    assert kind_of(b"\x47" * 100) is Kind.SUBTITLES
    assert kind_of(b"lat,lon\n1,2\n") is Kind.CSV
