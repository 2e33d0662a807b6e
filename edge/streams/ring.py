"""The latest seconds of a video, still encoded: clips are cut from it without encoding anything again."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import TYPE_CHECKING, cast

import av

from edge.sources.video import StreamTemplate

if TYPE_CHECKING:
    from av.packet import Packet
    from av.video.stream import VideoStream


@dataclass(frozen=True, slots=True)
class RingPacket:
    """An encoded packet. `media_time` is its presentation time in seconds; stamps are in ticks of `time_base`."""

    data: bytes
    media_time: float
    pts: int
    dts: int
    duration: int
    time_base: Fraction
    is_key: bool

    @classmethod
    def of(cls, packet: Packet[VideoStream], media_time: float, time_base: Fraction) -> RingPacket:
        """A copy of a stamped packet.

        Raises:
            ValueError: it has no stamps, and so no place in a clip.
        """
        if packet.pts is None or packet.dts is None:
            raise ValueError("a packet without stamps has no place in a ring")
        return cls(
            data=bytes(packet),
            media_time=media_time,
            pts=packet.pts,
            dts=packet.dts,
            duration=packet.duration or 0,
            time_base=time_base,
            is_key=packet.is_keyframe,
        )

    def to_av(self, stream: VideoStream, shift_ticks: int = 0) -> Packet[VideoStream]:
        """A new packet for `stream` with its stamps moved back by `shift_ticks`."""
        packet = cast("Packet[VideoStream]", av.Packet(self.data))
        packet.pts = self.pts - shift_ticks
        packet.dts = self.dts - shift_ticks
        packet.duration = self.duration
        packet.time_base = self.time_base
        packet.is_keyframe = self.is_key
        packet.stream = stream
        return packet


@dataclass(frozen=True, slots=True)
class PacketCut:
    """Packets in decode order from a key frame on. `covers_start`: that key frame lies at or before what was asked.

    A clip subtracts the first packet's own stamps: `packet.to_av(stream, cut.packets[0].pts)`.
    """

    packets: tuple[RingPacket, ...]
    template: StreamTemplate
    covers_start: bool

    @property
    def start_media_time(self) -> float:
        """Seconds: when the cut's first picture is shown. Up to one group of pictures before what was asked."""
        return self.packets[0].media_time

    @property
    def end_media_time(self) -> float:
        """Seconds: when the cut's last picture is shown."""
        return max(packet.media_time for packet in self.packets)


class RingBudget:
    """What all rings of one process may hold together: each gets its own bound or an equal share, if that is less.

    With a ring more the share shrinks, and each ring comes down to it with its next packet.
    """

    def __init__(self, total_bytes: int) -> None:
        self.total_bytes = total_bytes
        self._rings = 0
        self._lock = threading.Lock()

    @property
    def share_bytes(self) -> int:
        return self.total_bytes // max(1, self._rings)

    def enter(self, ring: PacketRing) -> None:
        """Counts a ring for as long as it lives."""
        with self._lock:
            self._rings += 1
        weakref.finalize(ring, self._leave)

    def _leave(self) -> None:
        with self._lock:
            self._rings -= 1


class PacketRing:
    """Bounded memory of packets; safe to cut from another thread.

    It forgets whole groups of pictures, oldest first, and so always holds `history_seconds` that can be decoded (plus
    at most one group), unless `history_bytes` is reached before: the byte bound always holds.
    """

    def __init__(self, history_seconds: float, history_bytes: int, budget: RingBudget | None = None) -> None:
        if history_seconds <= 0 or history_bytes <= 0:
            raise ValueError(f"a ring needs room: {history_seconds} s, {history_bytes} bytes")
        self.history_seconds = history_seconds
        self.history_bytes = history_bytes
        self._budget = budget
        if budget is not None:
            budget.enter(self)
        self._packets: deque[RingPacket] = deque()
        self._key_times: deque[float] = deque()
        self._bytes = 0
        self._newest = float("-inf")
        self._template: StreamTemplate | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._packets)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    @property
    def seconds(self) -> float:
        """How much of the past can be decoded."""
        with self._lock:
            return self._newest - self._key_times[0] if self._key_times else 0.0

    def clear(self) -> None:
        """Forgets everything: what follows does not continue it."""
        with self._lock:
            self._packets.clear()
            self._key_times.clear()
            self._bytes = 0
            self._newest = float("-inf")

    def append(self, packet: RingPacket, template: StreamTemplate) -> None:
        """Adds the next packet in decode order and forgets what no longer fits."""
        with self._lock:
            self._template = template
            self._packets.append(packet)
            self._bytes += len(packet.data)
            if packet.is_key:
                self._key_times.append(packet.media_time)
            self._newest = max(self._newest, packet.media_time)
            while len(self._key_times) > 1 and self._key_times[1] <= self._newest - self.history_seconds:
                self._forget_oldest_group()
            most = self._most_bytes()
            while self._bytes > most:
                self._forget_oldest_group()

    def cut(self, start_seconds: float, end_seconds: float) -> PacketCut | None:
        """Packets that show [start, end] in media time, from the key frame at or before `start_seconds`.

        Where that key frame is gone, from the oldest one that is left. None: nothing decodable of that time is left.
        """
        with self._lock:
            first = self._first_index(start_seconds)
            if first is None or self._template is None:
                return None
            last = None
            for index in range(first, len(self._packets)):
                if self._packets[index].media_time <= end_seconds:
                    last = index
            if last is None:
                return None
            packets = tuple(islice(self._packets, first, last + 1))
            return PacketCut(packets, self._template, covers_start=packets[0].media_time <= start_seconds)

    def _most_bytes(self) -> int:
        """What it may hold now."""
        return self.history_bytes if self._budget is None else min(self.history_bytes, self._budget.share_bytes)

    def _first_index(self, start_seconds: float) -> int | None:
        best = None
        for index, packet in enumerate(self._packets):
            if packet.is_key:
                if best is not None and packet.media_time > start_seconds:
                    break
                best = index
        return best

    def _forget_oldest_group(self) -> None:
        self._forget_one()
        while self._packets and not self._packets[0].is_key:
            self._forget_one()

    def _forget_one(self) -> None:
        packet = self._packets.popleft()
        self._bytes -= len(packet.data)
        if packet.is_key:
            self._key_times.popleft()
