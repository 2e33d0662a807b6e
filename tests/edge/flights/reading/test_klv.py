"""MISB ST 0601: published packets, packets made by the standard, and streams that carry them."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from edge.flights.reading.klv import Broken, LocalSet, Scanner, checksum_of
from edge.flights.reading.klv_log import read_klv, read_transport_stream
from edge.flights.telemetry import TelemetryError
from edge.vision.pose import turned
from tests.edge.flights.reading.packets import KEY, flying, metadata_stream, muxed, packet, signed, unsigned


def scanned(raw: bytes) -> LocalSet:
    (found,) = Scanner().feed(raw)
    assert isinstance(found, LocalSet)
    return found


def published(shared_data: Path, name: str) -> Path:
    path = shared_data / "drone" / "klv" / name
    if not path.is_file():
        pytest.skip(f"shared/data has no drone/klv/{name}")
    return path


PUBLISHED = {
    5: 159.974365,
    6: -0.431531724,
    7: 3.40586566,
    13: 60.1768229669783,
    14: 128.426759042045,
    15: 14190.7195,
    16: 144.571298,
    17: 152.643626,
    18: 160.719211,
    19: -168.792325,
    21: 68590.9833,
    22: 722.819867,
    23: -10.5423886331461,
    24: 29.157890122923,
    25: 3216.03723,
    65: 6,
}
"""The examples of ST 0601 itself, tag by tag."""


@pytest.mark.parametrize("name", ["DynamicOnlyMISMMSPacketData.bin", "DynamicConstantMISMMSPacketData.bin"])
def test_published_packets_decode_to_their_values(shared_data: Path, name: str) -> None:
    raw = published(shared_data, name).read_bytes()
    found = scanned(raw)
    for tag, value in PUBLISHED.items():
        assert found.number(tag) == pytest.approx(value, rel=5e-9), tag
    assert found.time == datetime(2009, 1, 12, 22, 8, 22, tzinfo=UTC)
    assert not found.faults
    # The same by hand: bytes of tag 13 and 5 as they stand in the packet, mapped as the standard has it.
    latitude = struct.unpack_from(">i", raw, raw.index(b"\x0d\x04") + 2)[0]
    assert found.number(13) == pytest.approx(latitude * 180 / 0xFFFFFFFE, abs=1e-12)
    heading = struct.unpack_from(">H", raw, raw.index(b"\x05\x02") + 2)[0]
    assert found.number(5) == pytest.approx(heading * 360 / 0xFFFF, abs=1e-12)


def test_published_constants(shared_data: Path) -> None:
    found = scanned(published(shared_data, "DynamicConstantMISMMSPacketData.bin").read_bytes())
    assert [found.values[tag] for tag in (3, 10, 11, 12)] == ["Mission 12", "Predator", "EO Nose", "Geodetic WGS84"]
    assert found.number(20) == pytest.approx(176.865437690572, rel=1e-9)
    assert found.unknown == 2  # the security set and the core identifier


def test_published_packet_with_a_sound_checksum_is_a_fix(shared_data: Path) -> None:
    log = read_klv(published(shared_data, "DynamicOnlyMISMMSPacketData.bin"))
    (fix,) = log.fixes
    assert (round(fix.latitude, 6), round(fix.longitude, 6)) == (60.176823, 128.426759)
    assert fix.above_sea_m == pytest.approx(14190.72, abs=0.01)
    assert fix.platform is not None


def test_published_packet_whose_checksum_is_wrong_is_no_fix(shared_data: Path) -> None:
    """Its bytes sum up to another checksum than it says: ST 0601.8-08 has such packets thrown away."""
    path = published(shared_data, "DynamicConstantMISMMSPacketData.bin")
    assert checksum_of(path.read_bytes()[:-2]) == 0x3E1E
    with pytest.raises(TelemetryError, match=r"line 1 \(misb-0601\): .*checksum is aa43, its bytes have 3e1e"):
        read_klv(path)


# ---- made packets


def test_made_packet_comes_back() -> None:
    found = scanned(packet(flying(3, heading=200.0, pitch=-3.0, roll=4.0)))
    assert found.number(13) == pytest.approx(34.75003, abs=5e-8)
    assert found.number(5) == pytest.approx(200, abs=0.003)
    assert found.number(6) == pytest.approx(-3, abs=0.0004)
    assert found.number(75) == pytest.approx(175, abs=0.2)
    assert found.time == datetime(2026, 5, 12, 1, 30, 0, 600_000, UTC)
    assert not found.checksum_fault


def test_error_indicators_are_not_known() -> None:
    items = flying(0) | {13: b"\x80\x00\x00\x00", 6: b"\x80\x00", 19: b"\x80\x00\x00\x00", 90: b"\x80\x00\x00\x00"}
    found = scanned(packet(items))
    assert [found.values[tag] for tag in (13, 6, 19, 90)] == [None] * 4
    assert found.number(14) is not None


def test_wrong_lengths_and_unknown_tags_cost_themselves() -> None:
    found = scanned(packet(flying(0) | {15: b"\x01\x02\x03", 200: b"abc", 3: b"M"}))
    assert found.number(15) is None
    assert found.faults == ("tag 15 (sensor true altitude) has 3 bytes, expected 2",)
    assert found.unknown == 1
    assert found.values[3] == "M"


def test_long_forms_of_length() -> None:
    """Longer than 127 bytes, and lengths in more bytes than needed."""
    found = scanned(packet(flying(0) | {200: bytes(90)}))
    assert found.number(13) == pytest.approx(34.75)
    raw = packet(flying(0))
    long = KEY + b"\x84\x00\x00\x00" + raw[16:-2]
    long += struct.pack(">H", checksum_of(long))
    assert scanned(long).number(13) == pytest.approx(34.75)


@pytest.mark.parametrize(
    ("tag", "raw", "value"),
    [
        (104, b"\x00\x00\x00", -900.0),  # IMAPB of ST 1201: the lowest number is the lower end
        (104, b"\x03\x84\x00", 900.0),  # 1800 m above that end, in steps of 1/128 m
        (104, b"\xc8\x00\x00", None),  # an infinity
        (90, signed(45.0, 90, 4), 45.0),
        (82, signed(-34.5, 90, 4), -34.5),
        (26, signed(0.05, 0.075, 2), 0.05),
        (45, unsigned(100.0, 0, 4095, 2), 100.0),
    ],
)
def test_mappings(tag: int, raw: bytes, value: float | None) -> None:
    found = scanned(packet(flying(0) | {tag: raw})).values[tag]
    assert found is None if value is None else found == pytest.approx(value, rel=1e-3)


@pytest.mark.parametrize("clock", [0, 1, 2**63, 2**64 - 1, 4_133_980_800_000_000])
def test_clock_that_was_never_set_is_no_time(clock: int) -> None:
    assert scanned(packet(flying(0) | {2: struct.pack(">Q", clock)})).time is None


def test_camera_straight_down_turns_with_its_platform(tmp_path: Path) -> None:
    path = tmp_path / "a.klv"
    path.write_bytes(packet(flying(0, heading=30.0)))
    gimbal = read_klv(path).fixes[0].gimbal
    assert gimbal is not None
    # Heading is in steps of 0.0055 degrees; straight down it is where the top of the picture points.
    expected = turned(30.0, -90.0, 0.0)
    assert np.allclose(turned(gimbal.yaw, gimbal.pitch, gimbal.roll), expected, atol=1e-4)


def test_turns_are_put_together_not_added(tmp_path: Path) -> None:
    """Banked 20 degrees to the right, a camera that looks to the right looks 20 degrees down, without roll."""
    items = flying(0, heading=0.0, roll=20.0) | {18: unsigned(90, 0, 360, 4), 19: signed(0, 180, 4)}
    path = tmp_path / "a.klv"
    path.write_bytes(packet(items))
    gimbal = read_klv(path).fixes[0].gimbal
    assert gimbal is not None
    assert (gimbal.yaw, gimbal.pitch, gimbal.roll) == pytest.approx((90, -20, 0), abs=0.01)


def test_camera_of_an_unknown_platform_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "a.klv"
    path.write_bytes(packet({tag: raw for tag, raw in flying(0).items() if tag != 7}))
    (fix,) = read_klv(path).fixes
    assert (fix.gimbal, fix.platform) == (None, None)


def test_fields_of_view_are_a_focal_length_by_the_diagonal(tmp_path: Path) -> None:
    path = tmp_path / "a.klv"
    path.write_bytes(packet(flying(0)))
    focal = read_klv(path).fixes[0].focal_35mm_mm
    # 73.74 and 53.13 degrees are 3:4 halves over 1: a diagonal half of 0.9014.
    assert focal == pytest.approx(math.hypot(36, 24) / 2 / math.hypot(0.75, 0.5), rel=1e-3)


# ---- streams of bytes


def test_pieces_of_any_size() -> None:
    raw = b"noise" + b"".join(packet(flying(index)) for index in range(4)) + b"\x06\x0e\x2b"
    for size in (1, 7, 64, 100_000):
        scanner = Scanner()
        found = [each for at in range(0, len(raw), size) for each in scanner.feed(raw[at : at + size])]
        assert [each.number(13) for each in found if isinstance(each, LocalSet)] == pytest.approx(
            [34.75, 34.75001, 34.75002, 34.75003]
        )
        assert not scanner.finish()


def test_damage_costs_its_packet(tmp_path: Path) -> None:
    good = [packet(flying(index)) for index in range(5)]
    turned_bit = bytearray(good[1])
    turned_bit[turned_bit.index(b"\x0d\x04") + 4] ^= 1
    raw = good[0] + bytes(turned_bit) + good[2][:50] + good[3] + KEY + b"\x84\xff\xff\xff\xff" + good[4] + good[0][:30]
    path = tmp_path / "a.klv"
    path.write_bytes(raw)
    log = read_klv(path)
    assert [round((fix.latitude - 34.75) / 1e-5) for fix in log.fixes] == [0, 3, 4]
    assert [each.why.split(":")[0].split(" ")[0] for each in log.unread] == ["checksum", "is", "claims", "is"]


def test_packets_that_hold_nothing() -> None:
    for raw in (KEY + b"\x00", KEY + b"\x04\x01\x02\x00\x00", KEY + b"\x80", KEY + b"\x05\xff\xff\xff\xff\xff"):
        found = Scanner().feed(raw + bytes(40))
        assert all(isinstance(each, Broken) or each.checksum_fault for each in found)


def test_keys_without_end_take_no_time() -> None:
    """A scanner that looked at 64 KB after each key would look at 25 GB here."""
    scanner = Scanner()
    piece = (KEY + b"\x82\xff\x00") * 3_000
    count = sum(len(scanner.feed(piece)) for _ in range(7))
    assert count > 20_000


def test_file_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.klv"
    path.write_bytes(bytes(1000))
    with pytest.raises(TelemetryError, match=r"line 1 \(misb-0601\): holds no record"):
        read_klv(path)
    path.write_bytes(packet({tag: raw for tag, raw in flying(0).items() if tag != 13}))
    with pytest.raises(TelemetryError, match="has no position of the sensor"):
        read_klv(path)


# ---- transport streams


def test_private_stream_beside_pictures(tmp_path: Path) -> None:
    path = tmp_path / "flight.ts"
    muxed(path, [packet(flying(index)) for index in range(10)])
    log = read_transport_stream(path)
    assert log.dialect == "misb-0601"
    assert [fix.media_time for fix in log.fixes] == pytest.approx([index * 0.2 for index in range(10)], abs=1e-4)
    assert log.fixes[3].latitude == pytest.approx(34.75003, abs=1e-7)
    assert not log.unread


@pytest.mark.parametrize("stream_type", [0x06, 0x15])
def test_private_and_metadata_streams(tmp_path: Path, stream_type: int) -> None:
    """Without pictures there is no media time. A set of 400 bytes crosses packets of the transport stream."""
    path = tmp_path / "flight.ts"
    packets = [packet(flying(index) | {200: bytes(range(120)) * 3}) for index in range(12)]
    path.write_bytes(metadata_stream(packets, stream_type))
    log = read_transport_stream(path)
    assert len(log.fixes) == 12
    assert all(fix.media_time is None for fix in log.fixes)


def test_stream_that_becomes_another_one_keeps_what_was_before(tmp_path: Path) -> None:
    path = tmp_path / "flight.ts"
    packets = [packet(flying(index)) for index in range(400)]
    path.write_bytes(metadata_stream(packets) + metadata_stream(packets[:5], pid=0x102))
    log = read_transport_stream(path)
    assert [fix.line for fix in log.fixes] == list(range(1, 401))
    assert len(log.unread) == 5


def test_packet_of_an_unknown_stream_is_no_crash(tmp_path: Path) -> None:
    """One bit of a packet's address: libav makes a stream of it that nobody has announced."""
    raw = bytearray(metadata_stream([packet(flying(index)) for index in range(8)]))
    raw[3 * 188 + 2] ^= 0x10
    path = tmp_path / "flight.ts"
    path.write_bytes(raw)
    try:
        assert read_transport_stream(path).fixes
    except TelemetryError as error:
        assert "the stream is broken from here on" in str(error)


def test_broken_transport_streams(tmp_path: Path) -> None:
    path = tmp_path / "flight.ts"
    muxed(path, [packet(flying(index)) for index in range(10)])
    raw = path.read_bytes()
    path.write_bytes(raw[: len(raw) // 2])
    assert 3 <= len(read_transport_stream(path).fixes) <= 6
    path.write_bytes(raw[:500])
    with pytest.raises(TelemetryError, match=str(path)):
        read_transport_stream(path)
    path.write_bytes(b"")
    with pytest.raises(TelemetryError, match=str(path)):
        read_transport_stream(path)
