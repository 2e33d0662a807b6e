"""Whatever comes: the machine never raises, never calls dark what was not seen, and keeps its spans in order."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from tests.edge.detectors.traffic_signal import machines

LAMPS = st.tuples(*(st.sampled_from(Lit) for _ in range(3)))
SEEN = st.builds(HeadReading, LAMPS, st.none(), st.none() | st.sampled_from(Lit))
HIDDEN = st.sampled_from(Unseen).map(lambda why: HeadReading((Lit.UNKNOWN,) * 3, why))
HEADS = st.fixed_dictionaries({}, optional=dict.fromkeys(("a1", "a2", "b1", "b2"), SEEN | HIDDEN))
STEPS = st.sampled_from((-500.0, -0.5, 0.0, 0.04, 0.12, 0.25, 0.5, 1.0, 1.1, 2.0, 5.0, 30.0, 4000.0))
JUMPS = st.sampled_from((0.0, 0.0, 0.0, 0.0, 86_400.0, -7_200.0))
MOMENTS = st.lists(st.tuples(STEPS, st.integers(1, 60), HEADS, JUMPS), max_size=25)


@settings(max_examples=40, deadline=None)
@given(MOMENTS)
def test_it_never_raises_and_its_spans_are_in_order(
    moments: list[tuple[float, int, dict[str, HeadReading], float]],
) -> None:
    machine = TimeMachine(machines.settings())
    t, clock = 1000.0, 0.0
    for step, times, heads, jump in moments:
        clock += jump
        for _ in range(times):
            t = max(t + step, 0.0)
            wall = machines.NOON + timedelta(seconds=t + clock)
            for finding in machine.observe(SceneReading(t, wall, heads)):
                assert finding.media_time == t
                assert finding.started_media_time <= t
                assert 0 < finding.confidence < 1
    for head in ("a1", "a2", "b1", "b2"):
        spans = machine.head_spans(head, -1e9, 1e9)
        assert all(a.end == b.start for a, b in pairwise(spans))
        assert all(span.start <= span.end for span in spans)
        assert all((a.lit, a.unseen, a.countdown) != (b.lit, b.unseen, b.countdown) for a, b in pairwise(spans))
    again = TimeMachine(machines.settings())
    again.load(json.loads(json.dumps(machine.save())))
    assert json.loads(json.dumps(again.save())) == json.loads(json.dumps(machine.save()))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from((0.12, 0.5, 1.0, 5.0)), st.integers(1, 200), HIDDEN), max_size=20))
def test_what_was_not_seen_is_never_dark(moments: list[tuple[float, int, HeadReading]]) -> None:
    machine = TimeMachine(machines.settings())
    t = 0.0
    for step, times, reading in moments:
        for _ in range(times):
            t += step
            found = machine.observe(machines.scene(t, dict.fromkeys(("a1", "a2", "b1", "b2"), reading)))
            assert found == ()


@settings(max_examples=15, deadline=None)
@given(st.integers(2, 6), st.integers(1, 6), st.sampled_from((0.5, 1.0, 2.0)))
def test_a_dark_head_of_which_too_little_is_seen_is_unknown(seen: int, hidden: int, fps: float) -> None:
    """Less than four fifths of the time: nothing is said, however long it lasts."""
    hidden = max(hidden, -(-2 * seen // 5))
    machine = TimeMachine(machines.settings())
    for number, t in enumerate(machines.times(0, 250, fps)):
        shown: machines.Shown = machines.DARK if number % (seen + hidden) < seen else Unseen.OCCLUDED
        found = machine.observe(machines.scene(t, {**machines.normal(t), "a1": shown, "a2": shown}))
        assert not [f for f in found if f.fault is Fault.DARK]
