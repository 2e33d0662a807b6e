"""Whether other pictures need a picture, read from the first bytes of its encoded form. Pure."""

from __future__ import annotations

from collections.abc import Callable

_SEARCHED_BYTES = 4096
"""Parameter sets and notes that stand before a picture are shorter; what is not found here is taken as needed."""
_START_CODE = b"\x00\x00\x01"


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
    head = data[:_SEARCHED_BYTES]
    if head.startswith((_START_CODE, b"\x00" + _START_CODE)):
        at = head.find(_START_CODE)
        while 0 <= at < len(head) - 3:
            found = judge(head[at + 3])
            if found is not None:
                return found
            at = head.find(_START_CODE, at + 3)
        return None
    at = 0
    while at + 4 < len(head):  # four bytes of length before each unit, as in MP4
        found = judge(head[at + 4])
        if found is not None:
            return found
        at += 4 + int.from_bytes(head[at : at + 4], "big")
    return None
