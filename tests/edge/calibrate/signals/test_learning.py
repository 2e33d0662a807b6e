"""Learning on readings of known controllers: groups, conflicts, durations, and every doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from edge.calibrate.signals.cycles import cycles_of
from edge.calibrate.signals.drawing import draw_timeline
from edge.calibrate.signals.learning import Learned, Learner, applied
from edge.calibrate.signals.record import UNKNOWN
from edge.calibrate.signals.terminal import states
from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading, Unseen
from edge.detectors.traffic_signal.settings import Colour, LawfulOrder, TrafficSignalSettings
from samples.junction.controller import Junction
from samples.junction.faults import TrueFault
from samples.junction.plans import Crossroads, JunctionSpec
from tests.edge.calibrate.signals.readings import BEGAN, heads_of, readings


def learned_of(spec: JunctionSpec, *, fps: float, seconds: float = 600, seed: int = 3, unseen: float = 0.02) -> Learner:
    heads = heads_of(spec)
    learner = Learner(heads)
    for scene in readings(Junction(spec, seed), heads, fps=fps, seconds=seconds, unseen_share=unseen):
        learner.add(scene)
    return learner


def partition(groups: Mapping[str, str]) -> set[frozenset[str]]:
    return {frozenset(head for head, its in groups.items() if its == group) for group in groups.values()}


def true_partition(spec: JunctionSpec) -> set[frozenset[str]]:
    return partition({head.id: head.group for head in spec.heads})


def conflicts_by_head(learned: Learned, spec: JunctionSpec) -> set[frozenset[str]]:
    """Pairs of the controller's own group names."""
    name = {learned.groups[head.id]: head.group for head in spec.heads}
    return {frozenset((name[a], name[b])) for a, b in learned.conflicts}


SPECS = {
    "fixed": Crossroads(),
    "adaptive": Crossroads(adaptive=True),
    "arrow": Crossroads(arrow=True),
    "red_amber": Crossroads(order=LawfulOrder.RED_AMBER, pedestrians=False),
}


@pytest.mark.parametrize("fps", [0.5, 1.0, 6.0])
@pytest.mark.parametrize("name", SPECS)
def test_groups_and_conflicts_are_those_of_the_controller(name: str, fps: float) -> None:
    spec = SPECS[name].spec()
    learned = learned_of(spec, fps=fps).learned()
    assert partition(learned.groups) == true_partition(spec)
    found = conflicts_by_head(learned, spec)
    assert found >= {frozenset(pair) for pair in spec.conflicts}
    together = {frozenset(("ns", "walk")), frozenset(("left", "arrow"))}
    assert not found & together


def test_durations_are_those_of_the_controller() -> None:
    spec = Crossroads().spec()
    learned = learned_of(spec, fps=4).learned()
    plan = learned.plan[learned.groups["n1"]]
    # Main green 31.5 s and 3 s of flashing, amber 3, and the cycle of 92.5 s less these is red.
    assert plan.durations[Colour.GREEN].typical == pytest.approx(34.5, abs=0.5)
    assert plan.durations[Colour.AMBER].typical == pytest.approx(3.0, abs=0.5)
    assert plan.durations[Colour.RED].typical == pytest.approx(55.0, abs=0.5)
    assert plan.dark_seconds <= 1
    assert learned.cycle_seconds[learned.groups["n1"]] == pytest.approx(92.5, abs=0.5)
    assert min(learned.cycles.values()) >= 4


def test_an_arrow_is_dark_for_a_part_of_every_cycle() -> None:
    spec = Crossroads(arrow=True).spec()
    learned = learned_of(spec, fps=2).learned()
    plan = learned.plan[learned.groups["a1"]]
    assert plan.dark_seconds == pytest.approx(79.5, abs=2)
    assert not any("a1 was dark" in doubt for doubt in learned.doubts)


def test_an_adaptive_plan_is_said() -> None:
    learned = learned_of(Crossroads(adaptive=True).spec(), fps=1).learned()
    assert any("adaptive" in doubt for doubt in learned.doubts)
    assert not any("adaptive" in doubt for doubt in learned_of(Crossroads().spec(), fps=1).learned().doubts)


def test_too_little_time_is_said_and_concludes_nothing() -> None:
    learned = learned_of(Crossroads().spec(), fps=1, seconds=70).learned()
    assert learned.conflicts == ()
    assert any("no whole cycle" in doubt or "one whole cycle" in doubt for doubt in learned.doubts)


def test_lamps_and_heads_that_never_showed_are_said() -> None:
    spec = Crossroads().spec()
    heads = heads_of(spec)
    fault = TrueFault(kind=Fault.LAMP, heads=("e1",), start_seconds=0, end_seconds=900, lamp=1)
    learner = Learner(heads)
    for scene in readings(Junction(spec, 3, (fault,)), heads, fps=1, seconds=400):
        hidden = HeadReading((Lit.UNKNOWN,) * 3, Unseen.FOG)
        learner.add(replace(scene, heads={**scene.heads, "l1": hidden}))
    doubts = "\n".join(learner.learned().doubts)
    assert "l1 was never seen (fog)" in doubts
    assert "e1: amber ball never lit" in doubts
    assert "e2" not in doubts.replace("group", "")


def test_a_night_programme_is_not_a_cycle() -> None:
    spec = Crossroads(night_flash=(22 * 3600, 5 * 3600), pedestrians=False).spec()
    heads = heads_of(spec)
    learner = Learner(heads)
    for scene in readings(Junction(spec, 3, begins=2 * 3600), heads, fps=4, seconds=60, unseen_share=0):
        learner.add(scene)
    learned = learner.learned()
    assert learned.plan == {}
    assert any("flashed amber all the time: a night programme?" in doubt for doubt in learned.doubts)


def test_a_power_failure_is_no_part_of_the_cycle() -> None:
    spec = Crossroads().spec()
    heads = heads_of(spec)
    fault = TrueFault(kind=Fault.DARK, heads=tuple(heads), start_seconds=200, end_seconds=290, scope="junction")
    learner = Learner(heads)
    for scene in readings(Junction(spec, 3, (fault,)), heads, fps=1, seconds=600):
        learner.add(scene)
    learned = learner.learned()
    assert max(plan.dark_seconds for plan in learned.plan.values()) <= 6
    assert any("all heads were dark from 200 to 290 s: a power failure?" in doubt for doubt in learned.doubts)
    assert partition(learned.groups) == true_partition(spec)


def test_a_stream_that_begins_anew_goes_on() -> None:
    spec = Crossroads().spec()
    heads = heads_of(spec)
    junction = Junction(spec, 3)
    learner = Learner(heads)
    for start, seconds in ((0.0, 300.0), (330.0, 270.0)):
        for scene in readings(junction, heads, fps=1, seconds=seconds, start=start, unseen_share=0):
            learner.add(scene)
    learned = learner.learned()
    assert learner.record.seconds == pytest.approx(599)
    assert partition(learned.groups) == true_partition(spec)
    timeline = learner.record.timeline()
    assert timeline is not None
    gaps = [span for span in timeline.heads[0].spans if span.unseen == "no_picture"]
    assert [(round(gap.start), round(gap.end)) for gap in gaps] == [(299, 330)]


def test_what_was_given_by_hand_survives() -> None:
    spec = Crossroads().spec()
    heads = {
        head_id: head.model_copy(update={"group": {"n": "north-south", "e": "east-west"}.get(head_id[0], head.group)})
        for head_id, head in heads_of(spec).items()
    }
    settings = TrafficSignalSettings.model_validate(
        {
            "heads": {head_id: head.model_dump() for head_id, head in heads.items()},
            "conflicts": [["east-west", "north-south"]],
            "night_flash": [{"start": "23:00", "end": "05:00", "groups": ["east-west"]}],
            "judge": {"stuck_seconds": 240},
        }
    )
    learner = Learner(settings.heads)
    for scene in readings(Junction(spec, 3), settings.heads, fps=1, seconds=500):
        learner.add(scene)
    result = applied(settings, learner.learned())
    assert result.heads["n2"].group == "north-south"
    assert result.conflicts[0] == ("east-west", "north-south")
    assert len({frozenset(pair) for pair in result.conflicts}) == len(result.conflicts)
    assert result.night_flash[0].groups == ("east-west",)
    assert result.judge.stuck_seconds == 240
    assert set(result.plan) == set(result.groups)


def test_led_flicker_is_no_change() -> None:
    spec = Crossroads(pedestrians=False, left_turns=False).spec()
    heads = heads_of(spec)
    learner = Learner(heads)
    for number, scene in enumerate(readings(Junction(spec, 3), heads, fps=8, seconds=250, unseen_share=0)):
        # Every third picture catches the LEDs between two pulses.
        off = {head_id: HeadReading((Lit.OFF,) * 3) for head_id in heads}
        learner.add(scene if number % 3 else SceneReading(scene.media_time, scene.wall_time, off))
    learned = learner.learned()
    plan = learned.plan[learned.groups["n1"]]
    assert plan.durations[Colour.RED].shortest > 30
    assert plan.dark_seconds == 0


def test_the_timeline_is_drawn_and_written_in_letters() -> None:
    learner = learned_of(Crossroads().spec(), fps=1, seconds=200, unseen=0)
    timeline = learner.record.timeline()
    assert timeline is not None
    assert timeline.zero_at == BEGAN
    first = timeline.heads[0]
    shown = states(first, 0, timeline.end, 100)
    assert {"red", "amber", "green"} <= set(shown)
    for number, state in enumerate(shown):
        at = (number + 0.5) * timeline.end / 100
        span = next(span for span in first.spans if span.start <= at <= span.end)
        if span.end - at > 2 and at - span.start > 2:
            assert state == ("" if not span.lit else first.lamps[span.lit[0]].colour)
    picture = draw_timeline(timeline, "gate")
    assert picture.shape[0] > 30 * len(timeline.heads)
    assert len({tuple(pixel) for pixel in picture.reshape(-1, 3)[::7]}) > 5


def test_wall_time_that_steps_back_does_not_fold_the_axis() -> None:
    spec = Crossroads().spec()
    heads = heads_of(spec)
    learner = Learner(heads)
    for scene in readings(Junction(spec, 3), heads, fps=1, seconds=20):
        learner.add(scene)
    for scene in readings(Junction(spec, 3), heads, fps=1, seconds=20):
        learner.add(replace(scene, wall_time=scene.wall_time - timedelta(hours=1)))
    times = learner.record.times
    assert (times[1:] > times[:-1]).all()


def test_half_a_second_of_another_colour_is_no_duration() -> None:
    times = np.arange(0, 200, 0.125)
    shown = np.where(times % 40 < 18, 1, np.where(times % 40 < 21, 2, 3)).astype(np.int16)
    plain_plan = cycles_of(times, shown).plan
    shown[(times % 40 >= 30) & (times % 40 < 30.5)] = 1  # a red bus' edge, before a green head
    shown[(times >= 86) & (times < 90)] = UNKNOWN  # the bus itself
    shown[(times >= 90) & (times < 90.5)] = 2
    plan = cycles_of(times, shown).plan
    assert plan is not None
    assert plan == plain_plan
    assert plan.durations[Colour.RED].shortest == pytest.approx(18, abs=0.2)
