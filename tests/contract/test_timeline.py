"""The lamp timeline: what a reader may rely on, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from contract.canonical import canonical_bytes
from contract.details import MAX_LISTED_HEADS, MAX_LISTED_HEADS_BYTES, listed_heads
from contract.timeline import MAX_SPANS, MAX_TIMELINE_BYTES, SignalTimeline

LAMPS = [{"colour": "red"}, {"colour": "amber"}, {"colour": "green", "shape": "left"}]


def document(**changes: Any) -> dict[str, Any]:
    head = {
        "head": "n1",
        "name": "北 1",
        "approach": "north",
        "group": "ns",
        "concerned": True,
        "lamps": LAMPS,
        "spans": [
            {"start": -60.0, "end": -18.3, "lit": [0]},
            {"start": -18.3, "end": 0.0, "lit": [0, 1], "countdown": "on"},
            {"start": 0.0, "end": 45.0},
            {"start": 50.0, "end": 61.0, "unseen": "occluded"},
        ],
    }
    return {
        "version": 1,
        "zero_at": "2026-11-21T08:00:00Z",
        "start": -60.0,
        "end": 61.0,
        "samples_per_second": 8.0,
        "heads": [{**head, **changes.pop("head", {})}],
        "moments": [{"at": 0.0, "what": "began"}, {"at": 45.0, "what": "certain"}],
        **changes,
    }


def read(content: dict[str, Any]) -> SignalTimeline:
    return SignalTimeline.model_validate_json(json.dumps(content), strict=True)


def test_a_timeline_survives_the_wire_with_what_a_newer_edge_adds() -> None:
    sent = document(head={"x_new": "kept"}, x_newer=[1])
    written = canonical_bytes(read(sent).as_json())
    assert canonical_bytes(SignalTimeline.model_validate_json(written, strict=True).as_json()) == written
    again = json.loads(written)
    assert (again["heads"][0]["x_new"], again["x_newer"]) == ("kept", [1])


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (document(version=2), "version"),
        (document(zero_at="2026-11-21T08:00:00"), "timezone"),
        (document(end=-60.0), "expected it after start"),
        (document(end=float("nan")), "end"),
        (document(samples_per_second=0.0), "greater than 0"),
        (document(heads=[]), "heads"),
        (document(heads=[document()["heads"][0]] * 49), "at most 48"),
        (document(head={"lamps": []}), "lamps"),
        (document(head={"lamps": LAMPS * 3}), "at most 6"),
        (document(head={"spans": [{"start": 2.0, "end": 1.0}]}), "before start"),
        (document(head={"spans": [{"start": 5.0, "end": 6.0}, {"start": 1.0, "end": 2.0}]}), r"spans\[1\] from 1.0"),
        (document(head={"spans": [{"start": 0.0, "end": 6.0}, {"start": 5.9, "end": 7.0}]}), r"spans\[1\] from 5.9"),
        (document(head={"spans": [{"start": 0.0, "end": 6.0, "lit": [3]}]}), "lamp 3, the head has 3"),
        (document(head={"spans": [{"start": 0.0, "end": 6.0, "lit": [-1]}]}), "greater than or equal to 0"),
        (document(head={"spans": [{"start": 0.0, "end": 6.0, "unseen": "<script>"}]}), "unseen"),
        (document(head={"spans": [{"start": 0.0, "end": 1.0}] * (MAX_SPANS + 1)}), "at most 4000"),
        (document(head={"name": "x" * 257}), "name"),
        (document(moments=[{"at": 0.0, "what": "exploded"}]), "moments"),
        (document(moments=[{"at": 0.0, "what": "began"}] * 17), "at most 16"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_could_not_be_drawn_is_refused(content: dict[str, Any], found: str) -> None:
    with pytest.raises(ValidationError, match=found):
        read(content)


def test_spans_that_rounding_laid_over_each_other_are_taken() -> None:
    spans = [{"start": 0.0, "end": 6.001}, {"start": 6.0, "end": 6.0}, {"start": 6.0, "end": 7.0}]
    assert len(read(document(head={"spans": spans})).heads[0].spans) == 3


def test_the_largest_that_a_junction_writes_can_be_drawn() -> None:
    """Half an hour in which 48 heads change every two seconds."""
    spans = [{"start": 2.0 * n, "end": 2.0 * n + 2.0, "lit": [n % 2]} for n in range(900)]
    heads = [{**document()["heads"][0], "head": f"h{n}", "spans": spans} for n in range(48)]
    assert len(canonical_bytes(read(document(end=1800.0, heads=heads)).as_json())) < MAX_TIMELINE_BYTES / 2


@pytest.mark.parametrize(
    "head", ["n1", "northbound_left_2", "北进口左转灯", "x" * 128], ids=["short", "long", "zh", "max"]
)
def test_as_many_heads_are_listed_as_an_event_has_room_for(head: str) -> None:
    heads = [f"{head[:-2]}{number:02d}" for number in range(48)]
    listed = listed_heads(iter(heads))
    assert 1 <= len(listed) <= MAX_LISTED_HEADS
    assert list(listed) == heads[: len(listed)]
    assert len(json.dumps(listed, ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_LISTED_HEADS_BYTES + 2
    assert listed_heads([]) == ()
