"""Spans of states: in order, without overlap, bounded, and honest about what was not seen."""

from __future__ import annotations

from itertools import pairwise

import pytest

from edge.detectors.traffic_signal.history import KEEP_SECONDS, MAX_SPANS, NO_PICTURE, HeadHistory
from edge.detectors.traffic_signal.readings import Lit, Unseen
from tests.edge.detectors.traffic_signal.machines import AMBER, GREEN, RED, during, normal, phase, run


def test_spans_of_a_cycle_are_its_colours() -> None:
    machine = run(normal, 61, 4.0).machine
    spans = machine.head_spans("a1", 0, 60)
    assert [span.lit for span in spans] == [GREEN, AMBER, RED]
    assert [span.start for span in spans] == pytest.approx([0, 22, 25], abs=0.3)
    assert spans[-1].end == 60
    assert all(a.end == b.start for a, b in pairwise(spans))


def test_spans_are_cut_to_what_is_asked() -> None:
    machine = run(normal, 61, 4.0).machine
    (span,) = machine.head_spans("a1", 5, 10)
    assert (span.start, span.end) == (5, 10)
    assert machine.head_spans("a1", 200, 300) == ()


def test_unknown_is_shown_as_unknown_with_its_reason() -> None:
    hidden = during(10, 20, lambda t: {"a1": Unseen.GLARE if t < 15 else Unseen.OCCLUDED})
    spans = run(hidden, 30, 4.0).machine.head_spans("a1", 0, 21)
    assert [span.unseen for span in spans] == [None, "glare", "occluded", None]
    assert not any(span.dark for span in spans)


def test_a_stream_that_was_away_is_a_span_without_pictures() -> None:
    first = run(normal, 100, 2.0)
    second = run(normal, 300, 2.0, first.machine, start=200.0)
    assert [f for f in second.findings if f.active] == []
    spans = second.machine.head_spans("a1", 90, 201)
    assert [span.unseen for span in spans] == [None, NO_PICTURE, None]
    assert spans[1].start == pytest.approx(100, abs=1)
    assert spans[1].end == 200


def test_digits_are_part_of_a_state() -> None:
    history = HeadHistory()
    for t, digits in ((0.0, Lit.ON), (1.0, Lit.ON), (2.0, Lit.OFF)):
        history.add(t, RED, None, digits)
    assert [(s.start, s.end, s.countdown) for s in history.spans(0, 2)] == [(0.0, 2.0, Lit.ON), (2.0, 2.0, Lit.OFF)]


def test_memory_is_bounded_by_time_and_by_number() -> None:
    history = HeadHistory()
    for second in range(int(KEEP_SECONDS) * 2):
        history.add(float(second), RED if second % 40 < 20 else GREEN, None, None)
    oldest = history.spans(0, 1e9)[0]
    assert KEEP_SECONDS < KEEP_SECONDS * 2 - oldest.start < KEEP_SECONDS + 60
    for number in range(MAX_SPANS + 100):
        history.add(1e5 + number / 20, RED if number % 2 else (), None, None)
    assert len(history.spans(0, 1e9)) == pytest.approx(MAX_SPANS, abs=1)


def test_half_an_hour_is_kept() -> None:
    machine = run(normal, 2000, 1.0).machine
    spans = machine.head_spans("b1", 200, 2000)
    assert spans[0].start == 200
    seen = {round(span.start): span.lit for span in spans}
    assert seen[round(spans[1].start)] == phase(spans[1].start + 0.1, "b")
