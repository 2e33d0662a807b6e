"""Whether other pictures need a picture, read from the first bytes of its encoded form. Pure."""

from __future__ import annotations

from collections.abc import Callable

_SEARCHED_BYTES = 4096
"""Parameter sets and notes that stand before a picture are shorter; a picture that is not found cannot be told."""
_START_CODE = b"\x00\x00\x01"
_MAX_UNITS = 64
"""Of a packet that are walked through: a picture in slices and its notes have fewer."""


def is_disposable(codec: str, data: bytes) -> bool | None:
    """True: no other picture needs this one, `DecodeMode.SKIP_NON_REFERENCE` leaves it out. None: it cannot be told.

    H.264: `nal_ref_idc` of the first slice (ITU-T H.264, 7.4.1). H.265: an even type below 16 is a sub-layer
    non-reference picture (ITU-T H.265, table 7-1).
    """
    if codec == "h264":
        return _first(data, _h264)
    if codec == "hevc":
        return _first(data, _hevc)
    return False if codec == "mjpeg" else None


def _h264(header: int) -> bool | None:
    kind = header & 0x1F
    return None if not 1 <= kind <= 5 else header & 0x60 == 0


def _hevc(header: int) -> bool | None:
    kind = header >> 1 & 0x3F
    if kind > 31:
        return None
    return kind < 16 and kind % 2 == 0


def _first(data: bytes, judge: Callable[[int], bool | None]) -> bool | None:
    """What `judge` says of the first header that belongs to a picture, in Annex B or in length-prefixed form."""
    for at in _prefixed_headers(data) or _start_coded_headers(data[:_SEARCHED_BYTES]):
        found = judge(data[at])
        if found is not None:
            return found
    return None


def _prefixed_headers(data: bytes) -> list[int]:
    """Where units begin behind four bytes of length each, as in MP4; nothing where the lengths do not add up.

    The form cannot be seen from the beginning: a length of 256-511 bytes looks like a start code.
    """
    found: list[int] = []
    at = 0
    while at + 4 < len(data) and len(found) < _MAX_UNITS:
        found.append(at + 4)
        at += 4 + int.from_bytes(data[at : at + 4], "big")
    return found if at == len(data) or len(found) == _MAX_UNITS else []


def _start_coded_headers(head: bytes) -> list[int]:
    found = []
    at = head.find(_START_CODE)
    while 0 <= at < len(head) - 3:
        found.append(at + 3)
        at = head.find(_START_CODE, at + 3)
    return found
