"""A camera of which most cannot be decoded, though a picture comes now and then. Pure: clocks come in."""

from __future__ import annotations

WINDOW_SECONDS = 10.0
"""Longer than a burst of lost packets spoils a group of pictures: that mends itself at the next key frame."""
MOST = 0.5
"""Share of the packets. A poor radio link spoils a few in a hundred; of bytes that are no video, decoders still make
a grey picture out of every tenth packet [measured with random bytes in H.264 slices]."""
LEAST_PACKETS = 20
"""Fewer in a window are no share to speak of."""


class BrokenWatch:
    """Counts packets and broken ones, window by window."""

    def __init__(self) -> None:
        self._from: tuple[float, int, int] | None = None

    def saw(self, packets: int, broken: int, now: float) -> str:
        """Takes in what was read and broken until `now` (monotonic seconds). What is wrong; empty if nothing."""
        if self._from is None:
            self._from = (now, packets, broken)
        began, packets_then, broken_then = self._from
        if now - began < WINDOW_SECONDS:
            return ""
        self._from = (now, packets, broken)
        read, spoilt = packets - packets_then, broken - broken_then
        if read < LEAST_PACKETS or spoilt <= MOST * read:
            return ""
        return f"{spoilt} of {read} packets in {now - began:.0f} s could not be decoded"
