"""The evaluation set is what its page says it is."""

from __future__ import annotations

from collections import Counter

import pytest

from edge.detectors.traffic_signal.findings import Fault
from edge.detectors.traffic_signal.settings import MIN_LAMP_PX
from samples.junction.installed import settings_of
from samples.junction.render import Renderer
from samples.junction.scenario import Codec, Scene, Sky
from samples.junction.suite import THEMES, evaluation_set


@pytest.fixture(scope="module")
def scenes() -> tuple[Scene, ...]:
    return evaluation_set()


def test_two_hundred_episodes_of_every_kind_and_two_days_of_nothing(scenes: tuple[Scene, ...]) -> None:
    faults = [fault for scene in scenes for fault in scene.faults]
    counts = Counter(fault.kind for fault in faults)
    assert len(faults) >= 200
    assert min(counts[kind] for kind in Fault) >= 20
    assert all(fault.end_seconds - fault.start_seconds >= 180 for fault in faults)
    assert {fault.scope for fault in faults if fault.kind is Fault.DARK} == {"head", "approach", "junction"}
    calm = [scene for scene in scenes if not scene.faults]
    assert sum(scene.seconds for scene in calm) >= 48 * 3600
    assert max(scene.fps for scene in calm) == 8


def test_every_theme_and_light_is_in_both_halves(scenes: tuple[Scene, ...]) -> None:
    for half in (True, False):
        some = [scene for scene in scenes if bool(scene.faults) is half]
        assert {scene.tags[0] for scene in some} == set(THEMES)
        assert {moment.sky for scene in some for moment in scene.light} == set(Sky)
        assert {scene.codec for scene in some} == set(Codec)


def test_the_set_is_the_same_every_time(scenes: tuple[Scene, ...]) -> None:
    some = evaluation_set(holding="middle-1")
    assert some == tuple(scene for scene in scenes if "middle-1" in scene.name)
    assert len(some) > 5
    assert len({scene.seed for scene in scenes}) == len(scenes)


def test_lamps_are_of_all_sizes_that_can_be_judged(scenes: tuple[Scene, ...]) -> None:
    sizes = [look.diameter for scene in scenes for look in scene.looks.values()]
    assert MIN_LAMP_PX <= min(sizes) < 7
    assert max(sizes) > 40


def test_settings_are_accepted_and_kinds_fit_the_rate(scenes: tuple[Scene, ...]) -> None:
    slowest = {Fault.FLASHING: 4.0, Fault.CONFLICT: 2.0, Fault.SEQUENCE: 2.0, Fault.COUNTDOWN: 1.0}
    for scene in scenes[::20]:
        assert set(settings_of(scene).heads) == set(scene.looks)
    for scene in scenes:
        for fault in scene.faults:
            assert scene.fps >= slowest.get(fault.kind, 0.5)


def test_faults_can_be_seen(scenes: tuple[Scene, ...]) -> None:
    for scene in [scene for scene in scenes if scene.faults][::12]:
        renderer = Renderer(scene)
        for fault in scene.faults:
            times = [
                fault.start_seconds + (i + 0.5) * (fault.end_seconds - fault.start_seconds) / 20 for i in range(20)
            ]
            hidden = sum(len(set(fault.heads) & set(renderer.hidden(t))) for t in times) / 20 / len(fault.heads)
            assert hidden < 0.4, (scene.name, fault.kind, fault.heads)
