"""What proves a fault: the lamps' timeline, and contact sheets of the heads before it and now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Literal

import cv2
import numpy as np

from contract.details import SignalLamp
from contract.timeline import MAX_SPANS, HeadTimeline, LampSpan, SignalTimeline, TimelineMoment
from edge.detectors.interface import Image
from edge.detectors.traffic_signal.history import Span
from edge.detectors.traffic_signal.settings import HeadSettings, TrafficSignalSettings

LEAD_SECONDS = 300.0
"""Of ordinary operation before a fault began: two or three cycles, to be compared with."""
LEAST_SECONDS = 1.0
"""A timeline lasts: a first picture has no past."""
MOST_ON_A_SHEET = 12
ACROSS = 6
CHIP_PX = 160
"""Least width of a head on a sheet."""
MOST_CHIP_HIGH = 420
CAPTION_PX = 34
GAP_PX = 8
_PAPER, _INK, _FAINT_INK = (245, 245, 245), (20, 20, 20), (110, 110, 110)

SpansOf = Callable[[str, float, float], Sequence[Span]]
"""A head's spans between two media times."""
What = Literal["began", "certain", "repaired", "over"]


@dataclass(frozen=True, slots=True)
class Instant:
    """A media time and the wall time that belongs to it."""

    media_time: float
    wall_time: datetime

    def wall_time_of(self, media_time: float) -> datetime:
        """Of another media time of the same stream."""
        return self.wall_time + timedelta(seconds=media_time - self.media_time)


def timeline(
    settings: TrafficSignalSettings,
    spans_of: SpansOf,
    concerned: Sequence[str],
    between: tuple[float, float],
    now: Instant,
    samples_per_second: float,
    moments: Iterable[tuple[What, float]] = (),
) -> SignalTimeline:
    """The lamps of all heads between two media times, those concerned first, the others as witnesses.

    Second 0 is the first of the two. What lies before anything is remembered is left out.
    """
    start, end = between[0], max(between[1], between[0] + LEAST_SECONDS)
    order = [
        *(head for head in settings.heads if head in concerned),
        *(h for h in settings.heads if h not in concerned),
    ]
    spans = {head: spans_of(head, start, end) for head in order}
    first = min((some[0].start for some in spans.values() if some), default=start)
    zero = min(max(start, first), end - LEAST_SECONDS)
    heads = tuple(
        HeadTimeline(
            head=head,
            name=settings.heads[head].name,
            approach=settings.heads[head].approach,
            group=settings.heads[head].group,
            concerned=head in concerned,
            lamps=lamps_of(settings.heads[head]),
            spans=tuple(_span(span, zero) for span in spans[head][-MAX_SPANS:] if span.end > zero),
        )
        for head in order
    )
    return SignalTimeline(
        zero_at=now.wall_time_of(zero),
        start=0.0,
        end=round(end - zero, 3),
        samples_per_second=max(round(samples_per_second, 3), 0.001),
        heads=heads,
        moments=tuple(TimelineMoment(at=round(at - zero, 3), what=what) for what, at in moments),
    )


def lamps_of(head: HeadSettings) -> tuple[SignalLamp, ...]:
    """The lamps of a head as the contract names them."""
    return tuple(SignalLamp(colour=lamp.colour.value, shape=lamp.shape.value) for lamp in head.lamps)


def _span(span: Span, zero: float) -> LampSpan:
    return LampSpan(
        start=round(max(span.start, zero) - zero, 3),
        end=round(max(span.end, zero) - zero, 3),
        lit=span.lit,
        unseen=span.unseen,
        countdown=None if span.countdown is None else span.countdown.value,
    )


@dataclass(frozen=True, slots=True, eq=False)
class Chip:
    """One head on a sheet. `picture` (height, width, 3) BGR."""

    head_id: str
    picture: Image
    caption: str = ""


def label_of(heads: Sequence[str]) -> str:
    """What a sheet shows: its only head, so that stills before and after are a pair; several are written on it."""
    return heads[0] if len(heads) == 1 else ""


def written(head: str, heads: Sequence[str]) -> str:
    """A head's id on a sheet; the number of its row in the timeline where OpenCV has no letters for it."""
    return head if head.isascii() else f"#{heads.index(head) + 1}"


def clock_of(wall_time: datetime, zone: tzinfo) -> str:
    """Day and time as the clock beside the signal shows them."""
    return f"{wall_time.astimezone(zone):%m-%d %H:%M:%S}"


def contact_sheet(chips: Sequence[Chip]) -> Image | None:
    """Heads side by side, (height, width, 3) BGR, each at least 160 px wide with its id beneath; None without any."""
    shown = [_enlarged(chip) for chip in chips[:MOST_ON_A_SHEET]]
    if not shown:
        return None
    rows = [shown[start : start + ACROSS] for start in range(0, len(shown), ACROSS)]
    # Columns as wide as their widest: a sheet is read down as much as across.
    width = max(chip.picture.shape[1] for chip in shown)
    heights = [max(chip.picture.shape[0] for chip in row) for row in rows]
    sheet = np.full(
        (
            sum(heights) + len(rows) * (CAPTION_PX + GAP_PX) + GAP_PX,
            max(len(row) for row in rows) * (width + GAP_PX) + GAP_PX,
            3,
        ),
        _PAPER,
        np.uint8,
    )
    top = GAP_PX
    for row, height in zip(rows, heights, strict=True):
        for column, chip in enumerate(row):
            left = GAP_PX + column * (width + GAP_PX)
            high, wide = chip.picture.shape[:2]
            x, y = left + (width - wide) // 2, top + (height - high)
            sheet[y : y + high, x : x + wide] = chip.picture
            _write(sheet, chip.head_id, left, top + height + 15, width, _INK)
            _write(sheet, chip.caption, left, top + height + 30, width, _FAINT_INK)
        top += height + CAPTION_PX + GAP_PX
    return sheet


def _enlarged(chip: Chip) -> Chip:
    height, width = chip.picture.shape[:2]
    scale = max(CHIP_PX / width, 1.0)
    scale = min(scale, max(MOST_CHIP_HIGH / height, CHIP_PX / max(width, height)))
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    picture = cv2.resize(chip.picture, size, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    return Chip(chip.head_id, np.asarray(picture, np.uint8), chip.caption)


def _write(sheet: Image, text: str, left: int, baseline: int, width: int, ink: tuple[int, int, int]) -> None:
    """Text as wide as there is room. OpenCV has letters for ASCII only; others are shown as `?`."""
    shown = text.encode("ascii", "replace").decode()
    if not shown:
        return
    scale = 0.5
    (wide, _), _ = cv2.getTextSize(shown, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    scale *= min(1.0, width / max(wide, 1))
    cv2.putText(sheet, shown, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, scale, ink, 1, cv2.LINE_AA)
