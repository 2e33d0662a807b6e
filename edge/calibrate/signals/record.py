"""What was seen of each head while learning, on one time axis, however often the stream broke off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from contract.details import SignalLamp
from contract.timeline import MAX_SPANS, HeadTimeline, LampSpan, SignalTimeline
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import HeadSettings

Codes = NDArray[np.int16]
"""A number a sample: the lit lamps as bits (lamp 0 is 1); `UNKNOWN` where nobody knows."""
Seconds = NDArray[np.float64]

UNKNOWN = -1
LIT_MEMORY_SECONDS = 0.25
"""A lamp counts as lit if it was in any sample of so long: LEDs flicker, and rolling shutters cut them."""
UNION_SECONDS = 0.4
"""Two states that follow each other look lit together for the memory and a sample; whoever means both lasts longer
(red and amber: 1-2 s)."""
GAP_SHARE = 4.0
"""Samples further apart than so many times the usual have a gap between them, in which nobody knows …"""
GAP_SECONDS = 3.0
"""… but never less than this: a key frame may come late."""
NO_PICTURE = "no_picture"
_REASONS = (None, *Unseen)


@dataclass(frozen=True, slots=True)
class Run:
    """Samples in which a number did not change: indices `first` to `last`, and seconds `start` to `end`."""

    first: int
    last: int
    start: float
    end: float
    code: int

    @property
    def seconds(self) -> float:
        return self.end - self.start


class SceneRecord:
    """Collects readings. Media time that begins anew (a stream opened again) is continued by the wall clock."""

    def __init__(self, heads: Mapping[str, HeadSettings]) -> None:
        self.heads = dict(heads)
        self._times: list[float] = []
        self._codes: dict[str, list[int]] = {head_id: [] for head_id in heads}
        self._reasons: dict[str, list[int]] = {head_id: [] for head_id in heads}
        self._zero_at: datetime | None = None
        self._offset = 0.0
        self._last_media = 0.0
        self._last_wall: datetime | None = None

    def add(self, scene: SceneReading) -> None:
        """The next picture's reading. Heads that the record does not know are left out."""
        self._times.append(self._time_of(scene))
        for head_id in self.heads:
            reading = scene.heads.get(head_id)
            self._codes[head_id].append(_code(reading))
            self._reasons[head_id].append(_reason(reading, moved=scene.moved))

    def copied(self) -> SceneRecord:
        """As it is now."""
        twin = SceneRecord(self.heads)
        twin._times = [*self._times]
        twin._codes = {head_id: [*codes] for head_id, codes in self._codes.items()}
        twin._reasons = {head_id: [*reasons] for head_id, reasons in self._reasons.items()}
        twin._zero_at = self._zero_at
        return twin

    def _time_of(self, scene: SceneReading) -> float:
        if self._zero_at is None or self._last_wall is None:
            self._zero_at = scene.wall_time
            self._offset = -scene.media_time
        elif scene.media_time <= self._last_media:
            passed = max((scene.wall_time - self._last_wall).total_seconds(), 1e-3)
            self._offset = self._times[-1] + passed - scene.media_time
        self._last_media, self._last_wall = scene.media_time, scene.wall_time
        return scene.media_time + self._offset

    @property
    def seconds(self) -> float:
        """From the first to the last reading, gaps included."""
        return self._times[-1] if self._times else 0.0

    @property
    def samples(self) -> int:
        return len(self._times)

    @property
    def times(self) -> Seconds:
        """(n,), from 0 on."""
        return np.asarray(self._times, np.float64)

    @property
    def interval(self) -> float:
        """The usual time between two samples, seconds; 1 where there are none."""
        times = self.times
        return float(np.median(np.diff(times))) if len(times) > 1 else 1.0

    def codes(self, head_id: str) -> Codes:
        """(n,): what the head showed, without flicker."""
        return steady(self.times, np.asarray(self._codes[head_id], np.int16))

    def known_share(self, head_id: str) -> float:
        """Of the samples in which the head could be seen."""
        codes = self._codes[head_id]
        return sum(code != UNKNOWN for code in codes) / len(codes) if codes else 0.0

    def usual_reason(self, head_id: str) -> str:
        """Why the head could not be seen, most of the times when it could not."""
        reasons = [_REASONS[number] for number in self._reasons[head_id] if number > 0]
        return str(max(set(reasons), key=reasons.count)) if reasons else "unclear"

    def timeline(self) -> SignalTimeline | None:
        """What was seen, to be drawn; None before the second reading."""
        if self.samples < 2 or self._zero_at is None:
            return None
        heads = tuple(self._head_timeline(head_id, head) for head_id, head in self.heads.items())
        return SignalTimeline(
            zero_at=self._zero_at,
            start=0.0,
            end=round(self.seconds, 3),
            samples_per_second=round(max(self.samples / max(self.seconds, 1e-3), 1e-3), 3),
            heads=heads,
        )

    @property
    def zero_at(self) -> datetime | None:
        """The wall time of second 0."""
        return self._zero_at

    def wall_at(self, seconds: float) -> datetime | None:
        return None if self._zero_at is None else self._zero_at + timedelta(seconds=seconds)

    def _head_timeline(self, head_id: str, head: HeadSettings) -> HeadTimeline:
        reasons = np.asarray(self._reasons[head_id], np.int16)
        codes = self.codes(head_id)
        # Unknown for two reasons are two states.
        found = runs(self.times, np.where(codes == UNKNOWN, -1 - reasons, codes))
        spans = tuple(_span(run) for run in found[-MAX_SPANS:])
        lamps = tuple(SignalLamp(colour=lamp.colour.value, shape=lamp.shape.value) for lamp in head.lamps)
        return HeadTimeline(
            head=head_id,
            name=head.name,
            approach=head.approach,
            group=head.group,
            concerned=True,
            lamps=lamps,
            spans=spans,
        )


def runs(times: Seconds, codes: Codes) -> list[Run]:
    """Runs of equal codes. They meet half-way between two samples; a gap of the stream is a run of `UNKNOWN`."""
    if not len(times):
        return []
    usual = float(np.median(np.diff(times))) if len(times) > 1 else 1.0
    longest = max(GAP_SHARE * usual, GAP_SECONDS)
    found: list[Run] = []
    first, start = 0, float(times[0])
    for index in range(1, len(times) + 1):
        is_last = index == len(times)
        gap = not is_last and times[index] - times[index - 1] > longest
        if not is_last and not gap and codes[index] == codes[first]:
            continue
        before = float(times[index - 1])
        end = before if is_last else before + min(float(times[index]) - before, usual) / 2
        if gap:
            end = before
        found.append(Run(first, index - 1, start, end, int(codes[first])))
        if gap:
            found.append(Run(index - 1, index, end, float(times[index]), UNKNOWN))
        if not is_last:
            first, start = index, float(times[index]) if gap else end
    return found


def steady(times: Seconds, codes: Codes) -> Codes:
    """Without LED flicker: a lamp is lit if it was within `LIT_MEMORY_SECONDS`, and no state is only two at once."""
    held = codes.copy()
    known = codes != UNKNOWN
    for back in range(1, len(codes)):
        near = times[back:] - times[:-back] <= LIT_MEMORY_SECONDS
        if not near.any():
            break
        both = near & known[back:] & known[:-back]
        held[back:][both] |= codes[:-back][both]
    found = runs(times, held)
    for before, run, after in zip(found, found[1:], found[2:], strict=False):
        if run.seconds > UNION_SECONDS and run.last > run.first:
            continue
        if min(before.code, run.code, after.code) > 0 and run.code == before.code | after.code != before.code:
            held[run.first : run.last + 1] = after.code
    return held


def bridged(times: Seconds, codes: Codes, seconds: float, over: int) -> Codes:
    """Runs of the code `over` that are no longer than `seconds`, between two equal others, become as those."""
    result = codes.copy()
    found = runs(times, codes)
    for before, run, after in zip(found, found[1:], found[2:], strict=False):
        if run.code == over and run.seconds <= seconds and before.code == after.code:
            result[run.first : run.last + 1] = before.code
    return result


def carried(times: Seconds, codes: Codes, seconds: float) -> Codes:
    """Unknown runs that are no longer than `seconds` become as the run before them."""
    result = codes.copy()
    found = runs(times, codes)
    for before, run in pairwise(found):
        if run.code == UNKNOWN and run.seconds <= seconds and run.first > before.last:
            result[run.first : run.last + 1] = before.code
    return result


def lit_of(code: int) -> tuple[int, ...]:
    """The indices of a code's lamps."""
    return tuple(index for index in range(6) if code > 0 and code >> index & 1)


def _code(reading: HeadReading | None) -> int:
    if reading is None or not reading.seen or Lit.UNKNOWN in reading.lamps:
        return UNKNOWN
    return sum(1 << index for index, lamp in enumerate(reading.lamps) if lamp is Lit.ON)


def _reason(reading: HeadReading | None, *, moved: bool) -> int:
    if moved:
        return _REASONS.index(Unseen.MOVED)
    return 0 if reading is None or reading.unseen is None else _REASONS.index(reading.unseen)


def _span(run: Run) -> LampSpan:
    start, end = round(run.start, 3), round(run.end, 3)
    if run.code >= 0:
        return LampSpan(start=start, end=end, lit=lit_of(run.code))
    reason = _REASONS[-1 - run.code] if -run.code - 1 < len(_REASONS) else None
    return LampSpan(start=start, end=end, unseen=NO_PICTURE if reason is None else reason.value)


def shown(codes: Codes, head: HeadSettings, order: Sequence[str]) -> Codes:
    """(n,): codes as the colour that leads, as its place in `order` + 1; 0 nothing lit, `UNKNOWN` as before.

    Red leads amber: red and amber together belong to red.
    """
    result = np.where(codes == UNKNOWN, UNKNOWN, 0).astype(np.int16)
    for number in reversed(range(len(order))):
        bits = sum(1 << index for index, lamp in enumerate(head.lamps) if lamp.colour.value == order[number])
        if bits:
            result[(codes > 0) & ((codes & bits) > 0)] = number + 1
    return result
