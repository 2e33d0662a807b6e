"""Notes that a drone's camera writes into its pictures: EXIF and DJI's XMP, as bytes in front of a JPEG."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction

from contract.geometry import Point
from edge.flights.telemetry import Attitude, Positioning
from edge.vision.lens import Lens

SITE_M = 96.4
"""Height of the ground above the sea in what the drone writes."""
SENSOR_WIDTH_MM = 13.2
MAKE, MODEL = "DJI", "GS-TOWN"
RTK_FLAGS = {Positioning.GNSS: 16, Positioning.RTK_FLOAT: 34, Positioning.RTK_FIXED: 50}
_ASCII, _SHORT, _LONG, _RATIONAL, _BYTE = 2, 3, 4, 5, 1
_SIZES = {_BYTE: 1, _ASCII: 1, _SHORT: 2, _LONG: 4, _RATIONAL: 8}


@dataclass(frozen=True, slots=True)
class Notes:
    """What a picture says of itself."""

    taken_at: datetime
    place: Point
    up_m: float
    """Above the ground that the drone took off from."""
    gimbal: Attitude
    platform: Attitude
    lens: Lens
    positioning: Positioning
    horizontal_sigma_m: float
    vertical_sigma_m: float


def with_notes(jpeg: bytes, notes: Notes) -> bytes:
    """The JPEG with EXIF and XMP behind its first marker. Raises ValueError if it is no JPEG."""
    if jpeg[:2] != b"\xff\xd8":
        raise ValueError(f"found {jpeg[:2]!r}, expected a JPEG, which begins with FF D8")
    exif, xmp = b"Exif\0\0" + _exif(notes), b"http://ns.adobe.com/xap/1.0/\0" + _xmp(notes).encode()
    segments = b"".join(b"\xff\xe1" + struct.pack(">H", len(part) + 2) + part for part in (exif, xmp))
    return jpeg[:2] + segments + jpeg[2:]


Value = str | int | bytes | Sequence[Fraction]


def _exif(notes: Notes) -> bytes:
    focal_mm = notes.lens.focal_x / notes.lens.width * SENSOR_WIDTH_MM
    local = notes.taken_at.astimezone(UTC).strftime("%Y:%m:%d %H:%M:%S")
    image: dict[int, tuple[int, Value]] = {
        0x010F: (_ASCII, MAKE),
        0x0110: (_ASCII, MODEL),
        0x0112: (_SHORT, 1),
        0x0132: (_ASCII, local),
    }
    details: dict[int, tuple[int, Value]] = {
        0x829D: (_RATIONAL, [Fraction(28, 10)]),
        0x8827: (_SHORT, 100),
        0x9003: (_ASCII, local),
        0x9011: (_ASCII, "+00:00"),
        0x9291: (_ASCII, f"{notes.taken_at.microsecond // 1000:03d}"),
        0x920A: (_RATIONAL, [Fraction(round(focal_mm * 1000), 1000)]),
        0xA002: (_LONG, notes.lens.width),
        0xA003: (_LONG, notes.lens.height),
        0xA405: (_SHORT, round(notes.lens.focal_x / notes.lens.width * 36)),
    }
    place = notes.place
    altitude = SITE_M + notes.up_m
    gps: dict[int, tuple[int, Value]] = {
        0x0000: (_BYTE, bytes((2, 3, 0, 0))),
        0x0001: (_ASCII, "N" if place.latitude >= 0 else "S"),
        0x0002: (_RATIONAL, _degrees(place.latitude)),
        0x0003: (_ASCII, "E" if place.longitude >= 0 else "W"),
        0x0004: (_RATIONAL, _degrees(place.longitude)),
        0x0005: (_BYTE, bytes((0 if altitude >= 0 else 1,))),
        0x0006: (_RATIONAL, [Fraction(round(abs(altitude) * 1000), 1000)]),
    }
    return _tiff(image, details, gps)


def _degrees(value: float) -> list[Fraction]:
    value = abs(value)
    whole = int(value)
    minutes = int((value - whole) * 60)
    seconds = (value - whole - minutes / 60) * 3600
    return [Fraction(whole), Fraction(minutes), Fraction(round(max(0.0, seconds) * 1_000_000), 1_000_000)]


def _tiff(image: dict[int, tuple[int, Value]], details: dict[int, tuple[int, Value]],
          gps: dict[int, tuple[int, Value]]) -> bytes:  # fmt: skip
    """Three directories one after another, little-endian, each followed by what is too long for its entries."""
    start = 8
    image = {**image, 0x8769: (_LONG, 0), 0x8825: (_LONG, 0)}
    at_details = start + len(_directory(image, start))
    at_gps = at_details + len(_directory(details, at_details))
    image[0x8769], image[0x8825] = (_LONG, at_details), (_LONG, at_gps)
    header = b"II" + struct.pack("<HI", 42, start)
    return header + _directory(image, start) + _directory(details, at_details) + _directory(gps, at_gps)


def _directory(entries: dict[int, tuple[int, Value]], at: int) -> bytes:
    found = struct.pack("<H", len(entries))
    spill = b""
    free = at + 2 + 12 * len(entries) + 4
    for tag in sorted(entries):
        kind, value = entries[tag]
        data = _data(kind, value)
        count = len(data) // _SIZES[kind]
        if len(data) <= 4:
            found += struct.pack("<HHI", tag, kind, count) + data.ljust(4, b"\0")
        else:
            found += struct.pack("<HHII", tag, kind, count, free + len(spill))
            spill += data + b"\0" * (len(data) % 2)
    return found + struct.pack("<I", 0) + spill


def _data(kind: int, value: Value) -> bytes:
    if isinstance(value, str):
        return value.encode("ascii") + b"\0"
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return struct.pack("<H" if kind == _SHORT else "<I", value)
    return b"".join(struct.pack("<II", part.numerator, part.denominator) for part in value)


def _xmp(notes: Notes) -> str:
    lens, place = notes.lens, notes.place
    # DJI counts the optical centre from the picture's middle, and the middle from the corner of the first pixel.
    centre = lens.centre_x + 0.5 - lens.width / 2, lens.centre_y + 0.5 - lens.height / 2
    bend = ",".join(f"{value:.9f}" for value in lens.distortion)
    values = {
        "AltitudeType": "RtkAlt",
        "GpsStatus": "RTK" if notes.positioning is Positioning.RTK_FIXED else "GPS",
        "GpsLatitude": f"{place.latitude:+.9f}",
        "GpsLongitude": f"{place.longitude:+.9f}",
        "AbsoluteAltitude": f"{SITE_M + notes.up_m:+.3f}",
        "RelativeAltitude": f"{notes.up_m:+.3f}",
        "GimbalRollDegree": f"{notes.gimbal.roll:+.2f}",
        "GimbalYawDegree": f"{_signed(notes.gimbal.yaw):+.2f}",
        "GimbalPitchDegree": f"{notes.gimbal.pitch:+.2f}",
        "FlightRollDegree": f"{notes.platform.roll:+.2f}",
        "FlightYawDegree": f"{_signed(notes.platform.yaw):+.2f}",
        "FlightPitchDegree": f"{notes.platform.pitch:+.2f}",
        "RtkFlag": str(RTK_FLAGS.get(notes.positioning, 0)),
        "RtkStdLon": f"{notes.horizontal_sigma_m:.5f}",
        "RtkStdLat": f"{notes.horizontal_sigma_m:.5f}",
        "RtkStdHgt": f"{notes.vertical_sigma_m:.5f}",
        "DewarpData": f"2026-01-01;{lens.focal_x:.6f},{lens.focal_y:.6f},{centre[0]:.6f},{centre[1]:.6f},{bend}",
        "DewarpFlag": "0",
    }
    inside = "\n".join(f'   drone-dji:{name}="{value}"' for name, value in values.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="DJI Meta Data" xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/"\n'
        f"{inside}/>\n </rdf:RDF>\n</x:xmpmeta>"
    )


def _signed(yaw: float) -> float:
    return math.remainder(yaw, 360.0)
