"""MISB ST 0601: the UAS datalink local set, as military and some survey drones send it. Bytes in, values out.

Written from MISB ST 0601.8 (tags and their ranges), ST 0107 (key, BER lengths and tags) and ST 1201 (IMAPB).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from edge.flights.reading.angles import mounted
from edge.flights.reading.logs import Collected
from edge.flights.telemetry import Attitude, Fix, Positioning

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")
"""The universal label of the UAS datalink local set."""
MAX_PACKET_BYTES = 64 * 1024
"""The standard's sets have some hundred."""
Value = float | int | str | None
"""None: the sender says that it does not know (the error indicator of the tag)."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = (_EPOCH + timedelta(days=7_305), _EPOCH + timedelta(days=47_482))
"""1990 to 2100: a clock outside of it was never set."""
_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _whole(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _from_zero(size: int, least: float, most: float) -> Callable[[bytes], float]:
    """Unsigned integers that stretch from `least` to `most`."""
    top = (1 << 8 * size) - 1

    def value(raw: bytes) -> float:
        return least + (most - least) * int.from_bytes(raw, "big") / top

    return value


def _around_zero(size: int, reach: float) -> Callable[[bytes], float | None]:
    """Signed integers of -reach to reach; the lowest one says that the value is not known."""
    top = (1 << 8 * size - 1) - 1

    def value(raw: bytes) -> float | None:
        number = int.from_bytes(raw, "big", signed=True)
        return None if number < -top else reach * number / top

    return value


def _mapped(least: float, most: float) -> Callable[[bytes], float | None]:
    """IMAPB of ST 1201: any number of bytes, the first bit for special values."""

    def value(raw: bytes) -> float | None:
        number, bits = int.from_bytes(raw, "big"), 8 * len(raw)
        if number >> (bits - 1) and number != 1 << (bits - 1):
            return None  # infinities, not-a-numbers
        scale = 2.0 ** (bits - 1 - math.ceil(math.log2(most - least)))
        offset = scale * least - math.floor(scale * least) if least < 0 < most else 0.0
        return (number - offset) / scale + least

    return value


@dataclass(frozen=True, slots=True)
class Tag:
    """How one tag is read. `size`: bytes, 0 for any number."""

    name: str
    size: int
    read: Callable[[bytes], Value]


def _tags() -> dict[int, Tag]:
    latitude, longitude = _around_zero(4, 90.0), _around_zero(4, 180.0)
    height = _from_zero(2, -900.0, 19_000.0)
    tags = {
        2: Tag("time", 8, _whole),
        3: Tag("mission id", 0, _text),
        4: Tag("platform tail number", 0, _text),
        5: Tag("platform heading", 2, _from_zero(2, 0.0, 360.0)),
        6: Tag("platform pitch", 2, _around_zero(2, 20.0)),
        7: Tag("platform roll", 2, _around_zero(2, 50.0)),
        10: Tag("platform designation", 0, _text),
        11: Tag("image source sensor", 0, _text),
        12: Tag("image coordinate system", 0, _text),
        13: Tag("sensor latitude", 4, latitude),
        14: Tag("sensor longitude", 4, longitude),
        15: Tag("sensor true altitude", 2, height),
        16: Tag("horizontal field of view", 2, _from_zero(2, 0.0, 180.0)),
        17: Tag("vertical field of view", 2, _from_zero(2, 0.0, 180.0)),
        18: Tag("sensor relative azimuth", 4, _from_zero(4, 0.0, 360.0)),
        19: Tag("sensor relative elevation", 4, _around_zero(4, 180.0)),
        20: Tag("sensor relative roll", 4, _from_zero(4, 0.0, 360.0)),
        21: Tag("slant range", 4, _from_zero(4, 0.0, 5_000_000.0)),
        22: Tag("target width", 2, _from_zero(2, 0.0, 10_000.0)),
        23: Tag("frame centre latitude", 4, latitude),
        24: Tag("frame centre longitude", 4, longitude),
        25: Tag("frame centre elevation", 2, height),
        40: Tag("target latitude", 4, latitude),
        41: Tag("target longitude", 4, longitude),
        42: Tag("target elevation", 2, height),
        45: Tag("target error, 90 % circle", 2, _from_zero(2, 0.0, 4_095.0)),
        46: Tag("target error, 90 % height", 2, _from_zero(2, 0.0, 4_095.0)),
        59: Tag("platform call sign", 0, _text),
        65: Tag("version", 1, _whole),
        75: Tag("sensor ellipsoid height", 2, height),
        78: Tag("frame centre ellipsoid height", 2, height),
        90: Tag("platform pitch, full", 4, _around_zero(4, 90.0)),
        91: Tag("platform roll, full", 4, _around_zero(4, 90.0)),
        104: Tag("sensor ellipsoid height, extended", 0, _mapped(-900.0, 40_000.0)),
    }
    for corner in range(4):
        tags[26 + 2 * corner] = Tag(f"corner {corner + 1} latitude offset", 2, _around_zero(2, 0.075))
        tags[27 + 2 * corner] = Tag(f"corner {corner + 1} longitude offset", 2, _around_zero(2, 0.075))
        tags[82 + 2 * corner] = Tag(f"corner {corner + 1} latitude", 4, latitude)
        tags[83 + 2 * corner] = Tag(f"corner {corner + 1} longitude", 4, longitude)
    return tags


TAGS: Mapping[int, Tag] = _tags()
CHECKSUM = 1


@dataclass(frozen=True, slots=True)
class LocalSet:
    """One packet. `values` by tag; `unknown`: how many tags are none of `TAGS`."""

    values: Mapping[int, Value]
    unknown: int = 0
    faults: tuple[str, ...] = ()
    """Values that could not be read."""
    checksum_fault: str = ""
    """How its checksum contradicts its bytes, empty if it does not. ST 0601.8-08: such a packet is not to be used."""

    def number(self, tag: int) -> float | None:
        value = self.values.get(tag)
        return None if value is None or isinstance(value, str) else float(value)

    @property
    def time(self) -> datetime | None:
        """Tag 2, microseconds of POSIX time; None where no clock was set."""
        value = self.values.get(2)
        if not isinstance(value, int) or not 0 < value < 1 << 52:
            return None
        moment = _EPOCH + timedelta(microseconds=value)
        return moment if _YEARS[0] <= moment < _YEARS[1] else None


@dataclass(frozen=True, slots=True)
class Broken:
    """Bytes that begin like a packet and are none."""

    why: str


@dataclass(slots=True)
class Scanner:
    """Finds packets in bytes that come piece by piece, whatever lies between them. Holds at most one packet."""

    _held: bytearray = field(default_factory=bytearray)

    def feed(self, piece: bytes) -> list[LocalSet | Broken]:
        """What is complete with these bytes."""
        self._held += piece
        found: list[LocalSet | Broken] = []
        at = 0
        while True:
            start = self._held.find(KEY, at)
            if start < 0:
                at = max(at, len(self._held) - len(KEY) + 1)
                break
            at = start
            length = _length(self._held, start + len(KEY))
            if length is None:
                break
            value_at, size = length
            if size > MAX_PACKET_BYTES:
                found.append(Broken(f"claims {size} bytes, a packet has at most {MAX_PACKET_BYTES}"))
                at = start + len(KEY)
                continue
            end = value_at + size
            following = self._held.find(KEY, start + len(KEY), end)
            if following >= 0:
                found.append(Broken("is cut short: another packet begins within it"))
                at = following
                continue
            if end > len(self._held):
                break
            found.append(_packet(bytes(self._held[start:end]), value_at - start))
            at = end
        del self._held[:at]
        return found

    def finish(self) -> list[LocalSet | Broken]:
        """What is left when no more bytes come."""
        cut = bytes(self._held).startswith(KEY)
        self._held.clear()
        return [Broken("is cut short: the bytes end within it")] if cut else []


def _length(raw: bytearray | bytes, at: int) -> tuple[int, int] | None:
    """Where the value begins, and its BER length. None: more bytes are needed."""
    if at >= len(raw):
        return None
    first = raw[at]
    if first < 0x80:
        return at + 1, first
    count = first & 0x7F
    if not 1 <= count <= 4:
        return at + 1, MAX_PACKET_BYTES + 1  # indefinite, or larger than any packet
    if at + 1 + count > len(raw):
        return None
    return at + 1 + count, int.from_bytes(raw[at + 1 : at + 1 + count], "big")


def checksum_of(packet: bytes) -> int:
    """ST 0601 §8.1: the sum of 16-bit words, from the key to the length of the checksum itself."""
    return (sum(packet[0::2]) * 256 + sum(packet[1::2])) & 0xFFFF


def _packet(raw: bytes, at: int) -> LocalSet | Broken:
    """A packet of whole bytes; its items begin at `at`."""
    if len(raw) < at + 4 or raw[-4:-2] != bytes((CHECKSUM, 2)):
        return Broken("has no checksum at its end")
    said, summed = int.from_bytes(raw[-2:], "big"), checksum_of(raw[:-2])
    fault = "" if said == summed else f"checksum is {said:04x}, its bytes have {summed:04x}"
    values: dict[int, Value] = {}
    unknown, faults = 0, []
    end = len(raw) - 4
    while at < end:
        number, at = _tag(raw, at, end)
        length = _length(raw, at)
        if length is None or number < 0 or length[0] + length[1] > end:
            return Broken(f"tag {number} reaches beyond the packet")
        at, size = length
        value, at = raw[at : at + size], at + size
        tag = TAGS.get(number)
        if tag is None:
            unknown += 1
        elif size != tag.size and (tag.size or not 0 < size <= 127):
            faults.append(f"tag {number} ({tag.name}) has {size} bytes, expected {tag.size or '1 to 127'}")
        else:
            values[number] = tag.read(value)
    return LocalSet(values, unknown, tuple(faults), fault)


def _tag(raw: bytes, at: int, end: int) -> tuple[int, int]:
    """BER-OID: seven bits a byte. -1: it does not end."""
    number = 0
    for index in range(at, min(at + 4, end)):
        number = number << 7 | raw[index] & 0x7F
        if raw[index] < 0x80:
            return number, index + 1
    return -1, end


def fix_of(found: LocalSet, line: int, media_time: float | None, collected: Collected) -> Fix | str:
    """What a packet says as a fix, or why it cannot be one."""
    latitude, longitude = found.number(13), found.number(14)
    if latitude is None or longitude is None:
        return "has no position of the sensor (tags 13, 14)"
    platform = _platform(found)
    camera = _camera(found, platform, collected)
    ellipsoid = found.number(75) if found.number(104) is None else found.number(104)
    sea = found.number(15)
    if sea is not None:
        collected.read("tag 15", "height above the sea", "sensor true altitude of ST 0601")
    if ellipsoid is not None:
        collected.read("tag 75", "height above the ellipsoid", "sensor ellipsoid height of ST 0601")
    return Fix(
        line,
        latitude,
        longitude,
        media_time=media_time,
        taken_at=found.time,
        above_sea_m=sea,
        above_ellipsoid_m=ellipsoid,
        gimbal=camera,
        platform=platform,
        focal_35mm_mm=_film(found, collected),
        positioning=Positioning.UNKNOWN,
    )


def _platform(found: LocalSet) -> Attitude | None:
    heading = found.number(5)
    pitch = found.number(6) if found.number(90) is None else found.number(90)
    roll = found.number(7) if found.number(91) is None else found.number(91)
    if heading is None or pitch is None or roll is None:
        return None
    return Attitude(heading if heading <= 180 else heading - 360, pitch, roll)


def _camera(found: LocalSet, platform: Attitude | None, collected: Collected) -> Attitude | None:
    azimuth, elevation, roll = found.number(18), found.number(19), found.number(20)
    if platform is None or azimuth is None or elevation is None:
        return None
    if roll is None:
        collected.read("tag 20", "0", "sensor relative roll is not sent", certain=False)
        roll = 0.0
    return mounted(platform, Attitude(azimuth, elevation, roll))


def _film(found: LocalSet, collected: Collected) -> float | None:
    """Focal length of 35 mm film from both fields of view: the one whose diagonal sees as much."""
    across, down = found.number(16), found.number(17)
    if across is None or down is None or not (0 < across < 175 and 0 < down < 175):
        return None
    half = math.hypot(math.tan(math.radians(across / 2)), math.tan(math.radians(down / 2)))
    collected.read("tags 16, 17", "focal length of 35 mm film by the diagonal", "fields of view of ST 0601")
    return _FILM_DIAGONAL_MM / 2 / half
