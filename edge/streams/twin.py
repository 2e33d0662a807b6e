"""Cameras with two streams: the small one is decoded, the main one's packets are only kept, for evidence."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog

from edge.logs import Repeats
from edge.sources.errors import SourceError
from edge.sources.video import StreamTemplate, VideoSource
from edge.streams.late import Baseline
from edge.streams.ring import PacketCut, PacketRing, RingBudget, RingPacket

ALIGNMENT_SECONDS = 1.5
"""A cut of the main stream that ends earlier than asked by this is incomplete: the two are joined by arrival, which
jitters by some tenths of a second."""
STEADY_SECONDS = 30.0
FIRST_LOOK_SECONDS, LAST_LOOK_SECONDS = 60.0, 600.0
"""How often a stream that is away is looked for: each look is a connection to a camera that is at work."""


MAIN_PART = 0.75
"""Of a camera's share of memory, what its main stream may fill. A sub stream has 5-25 % of the main one's bits, and is
what evidence is cut from while the main one is away."""


class MainRing(PacketRing):
    """The part of a camera's ring that holds its main stream. It is counted with the other part, not for itself."""

    def __init__(self, history_seconds: float, history_bytes: int, budget: RingBudget | None = None) -> None:
        super().__init__(history_seconds, history_bytes)
        self._shared = budget

    def _most_bytes(self) -> int:
        own = super()._most_bytes()
        return int(MAIN_PART * (own if self._shared is None else min(own, self._shared.share_bytes)))


class TwinRing(PacketRing):
    """The ring of the decoded stream, which hands out the main stream's packets where it has them.

    Everything is on the decoded stream's media time. Both streams together are one ring to the budget, and hold what
    one may hold: the decoded stream takes what the main one leaves.
    """

    def __init__(self, history_seconds: float, history_bytes: int, budget: RingBudget | None = None) -> None:
        super().__init__(history_seconds, history_bytes, budget)
        self.main = MainRing(history_seconds, history_bytes, budget)

    @property
    def size_bytes(self) -> int:
        return super().size_bytes + self.main.size_bytes

    def _most_bytes(self) -> int:
        return max(0, super()._most_bytes() - self.main.size_bytes)

    def cut(self, start_seconds: float, end_seconds: float) -> PacketCut | None:
        best = self.main.cut(start_seconds, end_seconds)
        if best is not None and best.covers_start and best.end_media_time >= end_seconds - ALIGNMENT_SECONDS:
            return best
        return super().cut(start_seconds, end_seconds) or best


class MainRecorder:
    """Keeps the packets of a camera's main stream, undecoded, in a thread of its own; opens it again when it fails.

    `decoded` is the baseline of the stream that is decoded: media times are moved onto its axis by arrival.
    `told` hears why the main stream is away, and an empty text when it is there. `backoff` gives seconds by attempt.
    """

    def __init__(
        self,
        source: VideoSource | None,
        open_again: Callable[[], VideoSource],
        ring: PacketRing,
        decoded: Baseline,
        *,
        told: Callable[[str], None],
        backoff: Callable[[int], float],
    ) -> None:
        self._source = source
        self._open_again = open_again
        self._ring = ring
        self._decoded = decoded
        self._told = told
        self._backoff = backoff
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._repeats = Repeats()
        self._log = structlog.get_logger("camera")
        self.cpu_seconds = 0.0
        self.packets_read = 0
        self._thread = threading.Thread(target=self._run, name="main stream", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends soon; from any thread."""
        self._stopping.set()
        with self._lock:
            if self._source is not None:
                self._source.stop()

    def join(self, seconds: float) -> None:
        """Waits for the end: at most the read timeout of the source."""
        self._thread.join(seconds)

    def _run(self) -> None:
        attempt = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            try:
                self._session()
            except SourceError as error:
                self._fails(str(error))
            except Exception:
                self._log.exception("keeping the main stream broke, it will be opened again")
                self._told("internal error, see the log")
            attempt = 1 if time.monotonic() - began >= STEADY_SECONDS else attempt + 1
            self._stopping.wait(self._backoff(attempt))

    def _session(self) -> None:
        source = self._source
        if source is None:
            source = self._open_again()
            with self._lock:
                self._source = source
                if self._stopping.is_set():
                    source.stop()
        try:
            self._keep(source)
        finally:
            with self._lock:
                self._source = None
            source.close()

    def _keep(self, source: VideoSource) -> None:
        self._ring.clear()  # stamps begin anew with every session
        seconds_per_tick = float(source.time_base)
        time_base = source.time_base
        own = Baseline()
        template: StreamTemplate | None = None
        origin: int | None = None
        shift: float | None = None
        for packet in source.packets():
            if packet.pts is None or packet.dts is None:
                continue
            self.packets_read += 1
            origin = packet.pts if origin is None else origin
            media_time = (packet.pts - origin) * seconds_per_tick
            own.saw((packet.dts - origin) * seconds_per_tick, time.monotonic())
            if packet.is_keyframe:
                # Once a group: within one, times must not move against each other.
                shift = self._shift(own)
                template = template or source.template_for(packet)
                self.cpu_seconds = time.thread_time()
            if shift is None or template is None:
                continue
            if packet.is_keyframe:
                self._told("")
                self._repeats.forget("main")
            self._ring.append(RingPacket.of(packet, media_time + shift, time_base), template)

    def _shift(self, own: Baseline) -> float | None:
        if own.origin is None or self._decoded.origin is None:
            return None
        return own.origin - self._decoded.origin

    def _fails(self, reason: str) -> None:
        self._told(reason)
        held_back = self._repeats.due("main")
        if held_back is not None:
            self._log.warning("no main stream: evidence comes from the sub stream", reason=reason, repeated=held_back)


class ReturnWatch:
    """Looks now and then, beside a camera that runs on its other stream, whether the wanted one is back."""

    def __init__(self, open_wanted: Callable[[], VideoSource]) -> None:
        self._open_wanted = open_wanted
        self._stopping = threading.Event()
        self._there = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stream watch", daemon=True)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def stop(self) -> None:
        """Ends soon; from any thread."""
        self._stopping.set()

    @property
    def is_back(self) -> bool:
        """Whether the wanted stream could be opened."""
        return self._there.is_set()

    def _run(self) -> None:
        wait = FIRST_LOOK_SECONDS
        while not self._stopping.wait(wait):
            wait = min(wait * 2, LAST_LOOK_SECONDS)
            try:
                self._open_wanted().close()
            except SourceError:
                continue
            self._there.set()
            return
