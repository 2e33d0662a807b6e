"""An MP4 with nothing but a text track (ISO 14496-12, 3GPP TS 26.245), as DJI writes its captions."""

from __future__ import annotations

import struct

HEAD = struct.pack(">4sI4s4s", b"isom", 512, b"isom", b"mp41")
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def _box(name: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", len(content) + 8, name) + content


def captioned(texts: list[str], seconds: float = 1.0) -> bytes:
    """A movie that shows each text for so long."""
    samples = [struct.pack(">H", len(text.encode())) + text.encode() for text in texts]
    file_type = _box(b"ftyp", HEAD)
    data = _box(b"mdat", *samples)
    scale, step = 1000, round(seconds * 1000)
    length = step * len(samples)
    style = b"\x00" * 4 + b"\x01\xff" + b"\x00" * 4 + b"\x00" * 8 + b"\x00\x00\x00\x00\x00\x01\x00\x12\xff\xff\xff\xff"
    fonts = _box(b"ftab", b"\x00\x01\x00\x01\x05Serif")
    entry = _box(b"tx3g", b"\x00" * 6 + b"\x00\x01", style, fonts)
    tables = _box(
        b"stbl",
        _box(b"stsd", struct.pack(">II", 0, 1), entry),
        _box(b"stts", struct.pack(">IIII", 0, 1, len(samples), step)),
        _box(b"stsc", struct.pack(">IIIII", 0, 1, 1, len(samples), 1)),
        _box(b"stsz", struct.pack(">III", 0, 0, len(samples)), *(struct.pack(">I", len(each)) for each in samples)),
        _box(b"stco", struct.pack(">III", 0, 1, len(file_type) + 8)),
    )
    references = _box(b"dinf", _box(b"dref", struct.pack(">II", 0, 1), _box(b"url ", struct.pack(">I", 1))))
    media = _box(
        b"mdia",
        _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, scale, length, 0x55C4, 0)),
        _box(b"hdlr", struct.pack(">II4s12s", 0, 0, b"sbtl", b""), b"captions\x00"),
        _box(b"minf", _box(b"nmhd", struct.pack(">I", 0)), references, tables),
    )
    track = struct.pack(">IIIIII8xHHHH", 7, 0, 0, 1, 0, length, 0, 0, 0, 0) + MATRIX + struct.pack(">II", 0, 0)
    movie = (
        struct.pack(">IIIIIIH10x", 0, 0, 0, scale, length, 0x10000, 0x100) + MATRIX + b"\x00" * 24 + b"\x00\x00\x00\x02"
    )
    return file_type + data + _box(b"moov", _box(b"mvhd", movie), _box(b"trak", _box(b"tkhd", track), media))
