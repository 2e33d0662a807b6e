"""MISB ST 0601 packets and transport streams, made by the standard and independently of the reader."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

KEY = bytes.fromhex("060e2b34020b01010e01030101000000")


def ber(length: int) -> bytes:
    """Short or long form."""
    if length < 128:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(digits)]) + digits


def packet(items: Mapping[int, bytes]) -> bytes:
    """A packet with these tags and its checksum."""
    value = b"".join(_oid(tag) + ber(len(content)) + content for tag, content in items.items()) + b"\x01\x02"
    head = KEY + ber(len(value) + 2) + value
    total = 0
    for index, byte in enumerate(head):  # ST 0601, as its own example sums it
        total += byte << (8 * ((index + 1) % 2))
    return head + struct.pack(">H", total & 0xFFFF)


def _oid(tag: int) -> bytes:
    return bytes([tag]) if tag < 128 else bytes([0x80 | tag >> 7, tag & 0x7F])


def signed(value: float, reach: float, size: int) -> bytes:
    return round(value / reach * (2 ** (8 * size - 1) - 1)).to_bytes(size, "big", signed=True)


def unsigned(value: float, least: float, most: float, size: int) -> bytes:
    return round((value - least) / (most - least) * (2 ** (8 * size) - 1)).to_bytes(size, "big")


def flying(index: int, *, heading: float = 30.0, pitch: float = 0.0, roll: float = 0.0) -> dict[int, bytes]:
    """What a small drone over Zhengzhou sends: its camera looks straight down, its top ahead."""
    return {
        2: struct.pack(">Q", 1_778_549_400_000_000 + index * 200_000),
        5: unsigned(heading, 0, 360, 2),
        6: signed(pitch, 20, 2),
        7: signed(roll, 50, 2),
        13: signed(34.75 + index * 1e-5, 90, 4),
        14: signed(113.62, 180, 4),
        15: unsigned(190, -900, 19_000, 2),
        16: unsigned(73.74, 0, 180, 2),
        17: unsigned(53.13, 0, 180, 2),
        18: unsigned(0, 0, 360, 4),
        19: signed(-90, 180, 4),
        20: unsigned(0, 0, 360, 4),
        75: unsigned(175, -900, 19_000, 2),
        65: b"\x0d",
    }


def muxed(path: Path, packets: list[bytes], every: int = 5) -> None:
    """A transport stream: small pictures at 25 a second, and a packet every few of them as a private stream."""
    with av.open(str(path), "w", format="mpegts") as out:
        video = out.add_stream("mpeg2video", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        data = out.add_data_stream("klv")
        picture = av.VideoFrame.from_ndarray(np.zeros((48, 64, 3), np.uint8), format="rgb24")
        for index in range(every * len(packets)):
            picture.pts = index
            out.mux(video.encode(picture))
            if index % every == 0:
                klv = av.Packet(packets[index // every])
                klv.stream, klv.time_base = data, Fraction(1, 90_000)
                klv.pts = klv.dts = index * 3600
                out.mux(klv)
        out.mux(video.encode(None))


def metadata_stream(packets: list[bytes], stream_type: int = 0x15, pid: int = 0x101) -> bytes:
    """A transport stream with nothing but a metadata stream: every packet in its access unit cell (ST 1402).

    With `stream_type` 0x06 it is a private stream without cells, as asynchronous metadata is sent.
    """
    registration = b"\x05\x04KLVA"
    descriptors = registration
    if stream_type == 0x15:
        descriptors = b"\x26\x09\x01\x00\xffKLVA\x00\x0f" + registration
    pmt_body = (
        struct.pack(">BH", stream_type, 0xE000 | pid) + struct.pack(">H", 0xF000 | len(descriptors)) + descriptors
    )
    pat = _section(0, 1, struct.pack(">HH", 1, 0xE000 | 0x100))
    pmt = _section(2, 1, struct.pack(">HH", 0xE000 | pid, 0xF000) + pmt_body)
    stream = [_ts(0, b"\x00" + pat, 0), _ts(0x100, b"\x00" + pmt, 0)]
    counter = 0
    for index, content in enumerate(packets):
        pts = 90_000 + index * 18_000
        stamp = bytes(
            (
                0x21 | (pts >> 29) & 0x0E,
                (pts >> 22) & 0xFF,
                1 | (pts >> 14) & 0xFE,
                (pts >> 7) & 0xFF,
                1 | (pts << 1) & 0xFE,
            )
        )
        cell = struct.pack(">BBBH", 0, index & 0xFF, 0xDF, len(content)) if stream_type == 0x15 else b""
        payload = b"\x80\x80\x05" + stamp + cell + content
        stream_id = 0xFC if stream_type == 0x15 else 0xBD
        pes = b"\x00\x00\x01" + bytes([stream_id]) + struct.pack(">H", len(payload)) + payload
        for at in range(0, len(pes), 184):
            stream.append(_ts(pid, pes[at : at + 184], counter, start=at == 0))
            counter += 1
    return b"".join(stream)


def _section(table: int, number: int, body: bytes) -> bytes:
    head = struct.pack(">BHHBBB", table, 0xB000 | (len(body) + 9), number, 0xC1, 0, 0) + body
    register = 0xFFFFFFFF
    for byte in head:  # CRC-32 of MPEG-2
        register ^= byte << 24
        for _ in range(8):
            register = ((register << 1) ^ 0x04C11DB7 if register & 0x80000000 else register << 1) & 0xFFFFFFFF
    return head + struct.pack(">I", register)


def _ts(pid: int, content: bytes, counter: int, *, start: bool = True) -> bytes:
    first = (0x4000 if start else 0) | pid
    missing = 184 - len(content)
    if not missing:
        return struct.pack(">BHB", 0x47, first, 0x10 | counter & 0xF) + content
    stuffing = b"" if missing == 1 else b"\x00" + b"\xff" * (missing - 2)
    return struct.pack(">BHB", 0x47, first, 0x30 | counter & 0xF) + bytes([missing - 1]) + stuffing + content
