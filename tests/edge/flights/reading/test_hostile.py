"""Mutated, cut and invented logs: read or refused, never a crash, never without end."""

from __future__ import annotations

import contextlib
import math
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.flights.reading.klv import Broken, LocalSet, Scanner
from edge.flights.reading.logs import MAX_FILE_BYTES
from edge.flights.reading.sniff import kind_of, read_telemetry
from edge.flights.reading.srt import CUE_LETTERS
from edge.flights.telemetry import Fix, TelemetryError, TelemetryLog
from tests.edge.flights.reading.dialects import AIRDATA, DIALECTS, OURS, sample
from tests.edge.flights.reading.movies import captioned
from tests.edge.flights.reading.packets import KEY, flying, metadata_stream, packet
from tests.edge.flights.reading.pictures import CAMERA, MAKER, PLACE, jpeg, tiff, xmp

SAMPLES: dict[str, bytes] = {name: sample(name, 4).encode() for name in DIALECTS}
SAMPLES |= {"airdata": AIRDATA.encode(), "ours": OURS.encode()}
SAMPLES |= {
    "klv": b"".join(packet(flying(index)) for index in range(4)),
    "stream": metadata_stream([packet(flying(index)) for index in range(4)]),
    "movie": captioned([DIALECTS["dji-bracketed"](index) for index in range(4)]),
    "jpeg": jpeg(
        tiff(MAKER, CAMERA, PLACE), xmp({"drone-dji:GimbalYawDegree": "1.0", "drone-dji:GimbalPitchDegree": "-90"})
    ),
    "tiff": tiff(MAKER, CAMERA, PLACE, ">") + xmp({"drone-dji:RelativeAltitude": "80"}),
}


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A log with bytes changed, pieces taken out, doubled or exchanged, and cut."""
    content = bytearray(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))])
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.integers(0, 40))
        how = draw(st.integers(0, 4))
        if how == 0:
            content[at : at + 1] = draw(st.binary(min_size=1, max_size=4))
        elif how == 1:
            del content[at : at + length]
        elif how == 2:
            content[at:at] = content[at : at + length] * draw(st.integers(1, 20))
        elif how == 3:
            content[at : at + length] = draw(
                st.sampled_from((b"-->", b"\n", b"\r", b"[latitude: ", b"GPS(", b"9" * 30, b"nan", KEY))
            )
        else:
            del content[at:]
    return bytes(content)


def believed(log: TelemetryLog) -> None:
    """Whatever was read can be true."""
    assert log.fixes
    for fix in log.fixes:
        assert -90 <= fix.latitude <= 90
        assert -180 <= fix.longitude <= 180
        for value in numbers(fix):
            assert math.isfinite(value)
        assert fix.taken_at is None or fix.taken_at.tzinfo is not None


def numbers(fix: Fix) -> list[float]:
    found = [
        fix.media_time,
        fix.above_takeoff_m,
        fix.above_sea_m,
        fix.above_ellipsoid_m,
        fix.focal_mm,
        fix.focal_35mm_mm,
    ]
    for attitude in (fix.gimbal, fix.platform):
        found += [] if attitude is None else [attitude.yaw, attitude.pitch, attitude.roll]
    return [each for each in found if each is not None]


@given(mutated())
def test_mutations_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated.log"
    path.write_bytes(content)
    try:
        believed(read_telemetry(path))
    except TelemetryError as error:
        assert str(error).startswith(str(path))


@given(st.binary(max_size=400))
def test_any_bytes_are_of_some_kind(content: bytes) -> None:
    kind_of(content)


@given(st.text(alphabet="[]():,.-> \n\r0123456789latiudeongGPSHOMEBAROTRFPYLnN/A°ïM", max_size=600))
def test_any_text_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "text.srt"
    path.write_text(f"1\n00:00:01,000 --> 00:00:02,000\n{text}\n", encoding="utf-8", newline="")
    try:
        believed(read_telemetry(path))
    except TelemetryError as error:
        assert "line " in str(error)


@given(st.lists(st.binary(max_size=60) | st.sampled_from([KEY, KEY + b"\x82\x01", packet(flying(1))]), max_size=12))
def test_scanner_finds_the_same_in_pieces_as_in_one(pieces: list[bytes]) -> None:
    def found(parts: list[bytes]) -> list[LocalSet]:
        scanner = Scanner()
        all_found = [each for part in parts for each in scanner.feed(part)] + scanner.finish()
        assert all(isinstance(each, LocalSet | Broken) for each in all_found)
        return [each for each in all_found if isinstance(each, LocalSet) and not each.checksum_fault]

    assert found(pieces) == found([b"".join(pieces)])


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 8_000,
        b"[latitude: " * 1_000,
        b"[" + b"a:" * 4_000 + b"]",
        b"GPS (" + b"1," * 4_000,
        b"GPS (1, 2, 3), HOME (" + b"1" * 8_000,
        b"Lat: " * 2_000,
        b"F.PRY (" * 2_000 + b" GPS (1,2,3)",
        b" " * 15_000 + b"-->",
        b"0" * 15_000 + b"-->",
        b"2022-08-07 " * 1_000 + b"GPS(1,2,3)",
        b"latitude,longitude," + b'"' * 8_000,
    ],
)
def test_lines_made_to_stall_a_parser(tmp_path: Path, line: bytes) -> None:
    """Thousands of such lines: a pattern that goes back and forth in them would take hours."""
    path = tmp_path / "a.srt"
    short = (b"1\n00:00:01,000 --> 00:00:02,000\n" + line[: CUE_LETTERS - 100] + b"\n\n") * 60
    path.write_bytes(short + (b"1\n00:00:01,000 --> 00:00:02,000\n" + line + b"\n\n") * 10)
    with contextlib.suppress(TelemetryError):
        read_telemetry(path)


@pytest.mark.parametrize(
    "content",
    [
        b"x" * 16_000_000,
        b"\n" * 150_000,
        b"1\n00:00:01,000 --> 00:00:02,000\n" + b"and more\n" * 80_000,
        b"00:00:01,000 --> 00:00:02,000\n" * 15_000,
        b"lat,lon\n" + b"0,0\n" * 15_000,
        KEY * 60_000,
    ],
    ids=["one line", "empty lines", "one cue", "empty cues", "zero fixes", "keys"],
)
def test_large_logs_of_nothing_take_little_memory(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes(content)
    del content
    tracemalloc.start()
    try:
        with pytest.raises(TelemetryError):
            read_telemetry(path)
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()


def test_file_larger_than_a_log_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.srt"
    with path.open("wb") as file:
        file.write(b"1\n00:00:01,000 --> 00:00:02,000\n" * 100)
        file.truncate(MAX_FILE_BYTES + 1)  # sparse: it takes no space
    with pytest.raises(TelemetryError, match="has 524 MB, a log has at most 524; split it"):
        read_telemetry(path)


@pytest.mark.parametrize("name", ["srt", "csv_log", "klv_log"])
def test_records_beyond_the_limit_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(f"edge.flights.reading.{name}.MAX_FIXES", 3)
    path = tmp_path / "a.log"
    content = {"srt": "dji-bracketed", "csv_log": "ours", "klv_log": "klv"}[name]
    extra = OURS.splitlines()[-1].encode() + b"\n"
    path.write_bytes(SAMPLES[content] + (extra * 5 if name == "csv_log" else b""))
    log = read_telemetry(path)
    assert len(log.fixes) == 3
    assert log.unread[-1].why == "the log is too long; split it"


def test_lines_beyond_the_limit_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.flights.reading.logs.MAX_LINES", 50)
    path = tmp_path / "a.srt"
    path.write_bytes(SAMPLES["dji-gps"] + b"\n" * 60)
    with pytest.raises(TelemetryError, match="line 51: a log has at most 50 lines; split it"):
        read_telemetry(path)
