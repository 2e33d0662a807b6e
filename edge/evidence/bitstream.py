"""What H.264 and H.265 packets say of themselves: their parameter sets, and how browsers call such a stream.

NAL unit types: ITU-T H.264 table 7-1, H.265 table 7-1. Codec strings: RFC 6381 §3.3 and ISO/IEC 14496-15 annex E.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

START_CODE = b"\x00\x00\x00\x01"

_PARAMETER_TYPES = {"h264": frozenset({7, 8}), "hevc": frozenset({32, 33, 34})}
_SPS_TYPE = {"h264": 7, "hevc": 33}
_HEVC_SPACES = ("", "A", "B", "C")


@dataclass(frozen=True, slots=True)
class Layout:
    """How the NAL units of a stream lie in its packets: behind lengths of so many bytes, or (0) behind start codes.

    `sets` are the parameter sets beside the packets, in their order.
    """

    length_bytes: int
    sets: tuple[bytes, ...]


def layout_of(codec: str, extradata: bytes | None) -> Layout:
    """Reads what a container keeps beside the packets (avcC, hvcC, or NAL units behind start codes)."""
    extra = extradata or b""
    if codec == "h264" and len(extra) >= 7 and extra[0] == 1:
        return Layout((extra[4] & 3) + 1, _only_sets(codec, _avcc_sets(extra)))
    if codec == "hevc" and len(extra) >= 23 and extra[0] == 1:
        return Layout((extra[21] & 3) + 1, _only_sets(codec, _hvcc_sets(extra)))
    return Layout(0, parameter_sets(codec, extra, 0))


def nal_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    """The NAL units of a packet; one that is cut short ends it."""
    if length_bytes:
        at = 0
        while at + length_bytes <= len(data):
            size = int.from_bytes(data[at : at + length_bytes])
            at += length_bytes
            if size > len(data) - at:
                return
            yield data[at : at + size]
            at += size
        return
    begin = data.find(b"\x00\x00\x01")
    while begin >= 0:
        begin += 3
        end = data.find(b"\x00\x00\x01", begin)
        # Zeros before the next start code belong to it, not to the unit.
        unit = (data[begin:] if end < 0 else data[begin:end]).rstrip(b"\x00")
        if unit:
            yield unit
        begin = end


def parameter_sets(codec: str, data: bytes, length_bytes: int) -> tuple[bytes, ...]:
    """The parameter sets inside a packet."""
    return _only_sets(codec, nal_units(data, length_bytes))


def with_start_codes(units: Iterable[bytes]) -> bytes:
    """NAL units as a byte stream (annex B)."""
    return b"".join(START_CODE + unit for unit in units)


def codec_text(codec: str, sets: Sequence[bytes]) -> str | None:
    """The codec as `canPlayType` wants it, such as `avc1.640028`; None where the parameters do not tell."""
    sps = next((unit for unit in sets if _type_of(codec, unit) == _SPS_TYPE[codec]), b"")
    if codec == "h264":
        return f"avc1.{sps[1:4].hex()}" if len(sps) >= 4 else None
    return _hevc_text(_unescaped(sps))


def _hevc_text(sps: bytes) -> str | None:
    # Two bytes of header, one of sub-layers, then the general profile, tier and level (H.265 §7.3.3): twelve bytes.
    if len(sps) < 15:
        return None
    first, compatibility, constraints, level = sps[3], int.from_bytes(sps[4:8]), sps[8:14], sps[14]
    reversed_flags = int(f"{compatibility:032b}"[::-1], 2)
    tier = "H" if first & 0x20 else "L"
    parts = [f"hvc1.{_HEVC_SPACES[first >> 6]}{first & 0x1F}", f"{reversed_flags:X}", f"{tier}{level}"]
    parts += [f"{byte:X}" for byte in constraints.rstrip(b"\x00")]
    return ".".join(parts)


def _unescaped(unit: bytes) -> bytes:
    """Without the 3 that keeps two zeros from looking like a start code."""
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")


def _only_sets(codec: str, units: Iterable[bytes]) -> tuple[bytes, ...]:
    wanted = _PARAMETER_TYPES[codec]
    return tuple(unit for unit in units if _type_of(codec, unit) in wanted)


def _type_of(codec: str, unit: bytes) -> int:
    if not unit:
        return -1
    return unit[0] & 0x1F if codec == "h264" else (unit[0] >> 1) & 0x3F


def _avcc_sets(extra: bytes) -> Iterator[bytes]:
    """ISO/IEC 14496-15 §5.3.3.1: SPS behind a count of five bits, PPS behind one of eight, each behind its length."""
    at = 5
    for mask in (0x1F, 0xFF):
        if at >= len(extra):
            return
        count = extra[at] & mask
        at += 1
        for _ in range(count):
            size = int.from_bytes(extra[at : at + 2])
            yield extra[at + 2 : at + 2 + size]
            at += 2 + size


def _hvcc_sets(extra: bytes) -> Iterator[bytes]:
    """ISO/IEC 14496-15 §8.3.3.1: arrays of NAL units by type."""
    at = 23
    for _ in range(extra[22]):
        count = int.from_bytes(extra[at + 1 : at + 3])
        at += 3
        for _ in range(count):
            size = int.from_bytes(extra[at : at + 2])
            yield extra[at + 2 : at + 2 + size]
            at += 2 + size
