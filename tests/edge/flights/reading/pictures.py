"""Pictures with EXIF and XMP, written by hand: a JPEG of segments, its EXIF a TIFF of directories."""

from __future__ import annotations

import struct
from collections.abc import Mapping

Value = str | bytes | int | list[tuple[int, int]]
ASCII, SHORT, LONG, RATIO, BYTE = 2, 3, 4, 5, 1

IMAGE = {"ImageWidth": 0x0100, "ImageLength": 0x0101, "Make": 0x010F, "Model": 0x0110, "Orientation": 0x0112}
IMAGE |= {"SubIFDs": 0x014A, "XMP": 0x02BC}
EXIF = {"FocalLength": 0x920A, "FocalLengthIn35mmFilm": 0xA405, "DigitalZoomRatio": 0xA404, "MakerNote": 0x927C}
EXIF |= {"DateTimeOriginal": 0x9003, "OffsetTimeOriginal": 0x9011, "SubSecTimeOriginal": 0x9291}
EXIF |= {"PixelXDimension": 0xA002, "PixelYDimension": 0xA003}
GPS = {"LatitudeRef": 1, "Latitude": 2, "LongitudeRef": 3, "Longitude": 4, "AltitudeRef": 5, "Altitude": 6}
GPS |= {"TimeStamp": 7, "DateStamp": 29}


def tiff(image: Mapping[str, Value], exif: Mapping[str, Value], gps: Mapping[str, Value], order: str = "<") -> bytes:
    """A TIFF structure with the three directories."""
    head = (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "I", 8)
    first = [(IMAGE[name], value) for name, value in image.items()]
    at = 8
    # The pointers to the inner directories have a fixed size: lay out with zeros first, then with what they are.
    pointers = [0, 0]
    for _ in range(2):
        outer = _directory(sorted([*first, (0x8769, pointers[0]), (0x8825, pointers[1])]), at, order)
        inner = _directory(sorted((EXIF[name], value) for name, value in exif.items()), at + len(outer), order)
        place = _directory(sorted((GPS[name], value) for name, value in gps.items()), at + len(outer + inner), order)
        pointers = [at + len(outer), at + len(outer + inner)]
    return head + outer + inner + place


def _directory(entries: list[tuple[int, Value]], at: int, order: str) -> bytes:
    table, behind = struct.pack(order + "H", len(entries)), b""
    data_at = at + 2 + 12 * len(entries) + 4
    for tag, value in entries:
        kind, count, content = _encoded(tag, value, order)
        if len(content) <= 4:
            field = content.ljust(4, b"\x00")
        else:
            field = struct.pack(order + "I", data_at + len(behind))
            behind += content + b"\x00" * (len(content) % 2)
        table += struct.pack(order + "HHI", tag, kind, count) + field
    return table + b"\x00\x00\x00\x00" + behind


def _encoded(tag: int, value: Value, order: str) -> tuple[int, int, bytes]:
    if isinstance(value, str):
        content = value.encode() + b"\x00"
        return ASCII, len(content), content
    if isinstance(value, bytes):
        return BYTE, len(value), value
    if isinstance(value, int):
        short = tag in (0x0112, 0xA405)
        return (SHORT, 1, struct.pack(order + "H", value)) if short else (LONG, 1, struct.pack(order + "I", value))
    return RATIO, len(value), b"".join(struct.pack(order + "II", *pair) for pair in value)


def degrees(value: float) -> list[tuple[int, int]]:
    """Degrees, minutes, seconds to a tenthousandth."""
    whole = round(abs(value) * 3600 * 10_000)
    return [(whole // 36_000_000, 1), (whole // 600_000 % 60, 1), (whole % 600_000, 10_000)]


def jpeg(exif: bytes = b"", xmp: bytes = b"", width: int = 4000, height: int = 3000) -> bytes:
    """The segments before a picture, and no picture."""
    parts = [b"\xff\xd8"]
    if exif:
        parts.append(_segment(0xE1, b"Exif\x00\x00" + exif))
    if xmp:
        parts.append(_segment(0xE1, b"http://ns.adobe.com/xap/1.0/\x00" + xmp))
    parts.append(_segment(0xC0, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"))
    return b"".join(parts) + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00\xff\xd9"


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def xmp(attributes: Mapping[str, str], elements: Mapping[str, str] | None = None) -> bytes:
    """An XMP packet with values of every maker's namespace."""
    pairs = "\n".join(f'{name}="{value}"' for name, value in attributes.items())
    children = "".join(f"<{name}>{value}</{name}>" for name, value in (elements or {}).items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" '
        'xmlns:drone-parrot="http://www.parrot.com/drone-parrot/1.0/" '
        'xmlns:Camera="http://pix4d.com/camera/1.0/" xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/" '
        f'{pairs}>{children}</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()


PLACE: dict[str, Value] = {
    "LatitudeRef": "N",
    "Latitude": degrees(34.75),
    "LongitudeRef": "E",
    "Longitude": degrees(113.62),
    "AltitudeRef": b"\x00",
    "Altitude": [(190_500, 1000)],
}
CAMERA: dict[str, Value] = {
    "DateTimeOriginal": "2026:05:12 09:30:00",
    "FocalLength": [(1229, 100)],
    "FocalLengthIn35mmFilm": 24,
}
MAKER: dict[str, Value] = {"Make": "DJI", "Model": "M3E", "Orientation": 1}
