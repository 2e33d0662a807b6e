"""A junction in miniature, for the console's tests: a lamp timeline as an edge writes it, and stills of its heads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import cv2
import numpy as np

from contract.canonical import canonical_bytes
from contract.timeline import SignalTimeline

CYCLE_SECONDS = 90.0
LAMPS = [{"colour": "red"}, {"colour": "amber"}, {"colour": "green"}]
ARROWS = [{"colour": colour["colour"], "shape": "left"} for colour in LAMPS]
HEADS = [
    ("north_1", "北 1 North", "north", "ns", LAMPS),
    ("north_2", "北 2 North", "north", "ns", LAMPS),
    ("south_1", "南 1 South", "south", "ns", LAMPS),
    ("south_left", "南左 South left", "south", "ns_left", ARROWS),
    ("east_1", "东 1 East", "east", "ew", LAMPS),
    ("west_1", "西 1 West", "west", "ew", LAMPS),
    ("walk_n", "行人 Walk", "north", "walk", [{"colour": "red"}, {"colour": "green"}]),
]
DARK_HEADS = ("north_1", "north_2")
RED, AMBER, GREEN = 0, 1, 2
PHASES = {
    "ns": [(0, 40, GREEN), (40, 43, AMBER), (43, 90, RED)],
    "ns_left": [(0, 70, RED), (70, 84, GREEN), (84, 87, AMBER), (87, 90, RED)],
    "ew": [(0, 46, RED), (46, 64, GREEN), (64, 67, AMBER), (67, 90, RED)],
}
FAULT = {
    "scope": "approach",
    "heads": list(DARK_HEADS),
    "heads_total": 2,
    "approach": "north",
    "seconds": 45.0,
    "visible_share": 0.97,
    "samples_per_second": 8.0,
}


def cycle(group: str, start: float, end: float) -> list[dict[str, Any]]:
    """Spans of normal operation, seconds from zero."""
    spans: list[dict[str, Any]] = []
    number = int(start // CYCLE_SECONDS)
    while number * CYCLE_SECONDS < end:
        for begin, stop, lit in _steps(group):
            a, b = max(start, number * CYCLE_SECONDS + begin), min(end, number * CYCLE_SECONDS + stop)
            if b > a:
                spans.append({"start": a, "end": b, "lit": lit})
        number += 1
    return spans


def _steps(group: str) -> list[tuple[float, float, list[int]]]:
    if group != "walk":
        return [(begin, stop, [lit]) for begin, stop, lit in PHASES[group]]
    flashing = [(50.0 + k / 2, 50.5 + k / 2, [1] if k % 2 == 0 else []) for k in range(20)]
    return [(0.0, 47.0, [0]), (47.0, 50.0, [1]), *flashing, (60.0, 90.0, [0])]


def timeline_document(
    zero_at: datetime, start: float, end: float, moments: dict[str, float], *, dark_until: float = 1e9
) -> bytes:
    """Both northern heads are dark from second 0 on; a bus hides the southern one for a while before."""
    heads = []
    for head, name, approach, group, lamps in HEADS:
        spans = cycle(group, start, end)
        if head in DARK_HEADS:
            lit = [*_within(spans, start, 0.0), *_within(spans, dark_until, end)]
            dark = {"start": max(start, 0.0), "end": min(end, dark_until)}
            spans = sorted([*lit, *([dark] if dark["end"] > dark["start"] else [])], key=lambda span: span["start"])
        if head == "south_1":
            hidden = {"start": -33.0, "end": -12.0, "unseen": "occluded"}
            spans = [*_within(spans, start, -33.0), hidden, *_within(spans, -12.0, end)]
            spans = [span for span in spans if span["start"] >= start]
        heads.append(
            {
                "head": head,
                "name": name,
                "approach": approach,
                "group": group,
                "concerned": head in DARK_HEADS,
                "lamps": lamps,
                "spans": spans,
            }
        )
    document = SignalTimeline.model_validate(
        {
            "zero_at": zero_at,
            "start": start,
            "end": end,
            "samples_per_second": 8.0,
            "heads": heads,
            "moments": [{"at": at, "what": what} for what, at in moments.items()],
        }
    )
    return canonical_bytes(document.as_json())


def _within(spans: list[dict[str, Any]], start: float, end: float) -> list[dict[str, Any]]:
    cut = [{**span, "start": max(span["start"], start), "end": min(span["end"], end)} for span in spans]
    return [span for span in cut if span["end"] > span["start"]]


def still(lit: int | None, shade: int = 92) -> bytes:
    """A head of three lamps against a sky, as a detector's chip: JPEG."""
    picture = np.full((132, 64, 3), (shade + 60, shade + 40, shade + 20), np.uint8)
    cv2.rectangle(picture, (12, 8), (52, 124), (24, 24, 24), -1)
    for lamp, colour in enumerate([(60, 60, 240), (40, 180, 250), (120, 220, 60)]):
        dimmed = tuple(int(part * (1.0 if lamp == lit else 0.22)) for part in colour)
        cv2.circle(picture, (32, 28 + 38 * lamp), 14, dimmed, -1, cv2.LINE_AA)
    return cv2.imencode(".jpg", cv2.GaussianBlur(picture, (0, 0), 1.1))[1].tobytes()


def seconds_later(moment: datetime, seconds: float) -> datetime:
    return moment + timedelta(seconds=seconds)
