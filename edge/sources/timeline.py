"""Time stamps as cameras send them, made continuous."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream

RESTART_SECONDS = 1.0
"""A decode stamp that falls by more than this is a new beginning (a loop, a restarted encoder, a counter that wrapped:
33 bits of 90 kHz last 26.5 hours), not reordering."""
LEAP_SECONDS = 5.0
"""A live stamp that is further ahead than the clock beside it by this is a camera that set its clock, not a gap."""
UNSTAMPED_SECONDS = 3.0
"""A live stream whose key frames carry no stamp for so long has none at all: arrival must do."""


class Timeline:
    """Waits for the first key packet with a PTS, and makes what follows continuous: never back, never a false leap.

    Every packet gets a decode stamp: Matroska leaves out the first ones, as many as frames are reordered. `clock`
    (monotonic seconds) is given for live streams: it tells a camera that set its clock from a real gap, and replaces
    stamps that never come. Recordings have none, so that a replay repeats itself.
    """

    def __init__(
        self, time_base: Fraction, reorder_depth: int = 0, *, clock: Callable[[], float] | None = None
    ) -> None:
        self._ticks_per_second = float(1 / time_base)
        self._restart_ticks = int(RESTART_SECONDS / time_base)
        self._leap_ticks = int(LEAP_SECONDS / time_base)
        self._reorder_depth = reorder_depth
        self._clock = clock
        self._shift = 0
        self._last: int | None = None
        self._last_at = 0.0
        self._step = 1
        self._unstamped_since: float | None = None
        self._by_arrival = False
        self.restarts = 0
        """How often stamps fell back or leapt, and were joined."""

    @property
    def shift(self) -> int:
        """Ticks by which stamps are moved now; 0 where they are those of arrival."""
        return self._shift

    def place(self, packet: Packet[VideoStream], *, restarted: bool = False) -> bool:
        """Stamps the packet in place. False: it comes before anything that can be decoded, leave it out."""
        now = None if self._clock is None else self._clock()
        if self._last is None and not self._may_begin(packet, now):
            return False
        if self._by_arrival and now is not None:
            self._stamp_by_arrival(packet, now)
            return True
        stamp = packet.dts if packet.dts is not None else self._missing(packet, restarted)
        if self._last is not None:
            elapsed = 0 if now is None else int((now - self._last_at) * self._ticks_per_second)
            ahead = stamp + self._shift - self._last
            leapt = now is not None and ahead > elapsed + self._leap_ticks
            if restarted or leapt or ahead < -self._restart_ticks:
                self._shift = self._last + max(self._step, elapsed) - stamp
                self.restarts += 0 if restarted else 1
            step = stamp + self._shift - self._last
            self._step = step if 0 < step < self._restart_ticks else self._step
        self._last = stamp + self._shift
        self._last_at = now or 0.0
        packet.dts = self._last
        packet.pts = None if packet.pts is None else packet.pts + self._shift
        return True

    def _may_begin(self, packet: Packet[VideoStream], now: float | None) -> bool:
        if not packet.is_keyframe:
            return False
        if packet.pts is not None:
            return True
        if now is None:
            return False
        if self._unstamped_since is None:
            self._unstamped_since = now
        self._by_arrival = now - self._unstamped_since >= UNSTAMPED_SECONDS
        return self._by_arrival

    def _stamp_by_arrival(self, packet: Packet[VideoStream], now: float) -> None:
        ticks = int(now * self._ticks_per_second)
        self._last = ticks if self._last is None else max(ticks, self._last + 1)
        packet.pts = packet.dts = self._last

    def _missing(self, packet: Packet[VideoStream], restarted: bool) -> int:
        """The decode stamp that a packet should have, before it is shifted."""
        step = packet.duration or self._step
        if self._last is not None and not restarted:
            fallen = packet.pts is not None and packet.pts + self._shift < self._last - self._restart_ticks
            if packet.pts is None or not fallen:
                return self._last - self._shift + step
        return (packet.pts or 0) - self._reorder_depth * step
