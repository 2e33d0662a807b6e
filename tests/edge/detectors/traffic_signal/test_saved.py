"""A saved state of another shape, or a damaged one, costs what is damaged and nothing else, and breaks no detector."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from edge.detectors.registry import CameraContext
from edge.detectors.traffic_signal import KIND
from edge.detectors.traffic_signal.detector import TrafficSignalDetector
from edge.detectors.traffic_signal.findings import Fault, Finding
from edge.detectors.traffic_signal.machine import TimeMachine
from edge.detectors.traffic_signal.readings import HeadReading, Lit, SceneReading
from edge.detectors.traffic_signal.settings import TrafficSignalSettings
from tests.edge.detectors.traffic_signal import crossing
from tests.edge.detectors.traffic_signal.machines import DARK, NOON, during, head, normal, phase, run, scene, settings

Path = tuple[str | int, ...]
WRONG: Mapping[str, Any] = {
    "null": None,
    "true": True,
    "minus": -7,
    "huge": 1e300,
    "endless": 10**400,
    "infinite": float("inf"),
    "not a number": float("nan"),
    "no text": "",
    "text": "\x00ÿ!",
    "long text": "z" * 5000,
    "list": [],
    "nested": [[[1]], "x", {}],
    "mapping": {},
    "other mapping": {"x": {"y": 1}},
}
DIGITS = {"a1": head("a", approach="north", countdown=True), "a2": head("a", approach="north"), "b1": head("b")}


def places(saved: Any, at: Path = ()) -> Iterator[Path]:
    """Every place in a document; of lists the first and the last."""
    yield at
    if isinstance(saved, Mapping):
        for key in saved:
            yield from places(saved[key], (*at, key))
    elif isinstance(saved, list) and saved:
        for index in {0, len(saved) - 1}:
            yield from places(saved[index], (*at, index))


def changed(saved: Any, at: Path, value: Any) -> Any:
    """The document with another value at a place."""
    if not at:
        return value
    made = copy.copy(saved)
    made[at[0]] = changed(saved[at[0]], at[1:], value)
    return made


def damaged(saved: Any) -> Iterator[Any]:
    """The document with each kind of damage at each place: with another value, cut short, or gone."""
    for at in places(saved):
        for value in WRONG.values():
            yield changed(saved, at, value)
        here = saved
        for step in at:
            here = here[step]
        if isinstance(here, str | list) and here:
            yield changed(saved, at, here[: len(here) // 2])
        if isinstance(here, Mapping):
            for key in here:
                yield changed(saved, at, {other: value for other, value in here.items() if other != key})


def reading(shown: tuple[int, ...]) -> HeadReading:
    return HeadReading(tuple(Lit.ON if i in shown else Lit.OFF for i in range(3)), countdown=Lit.ON)


def show(t: float) -> dict[str, tuple[int, ...] | HeadReading]:
    """a1 works, with digits; a2 is dark from 200 s on."""
    return {"a1": reading(phase(t, "a")), "a2": DARK if t > 200 else phase(t, "a"), "b1": phase(t, "b")}


@pytest.fixture(scope="module")
def saved() -> dict[str, Any]:
    """What a machine saves that has learned, counted digits and found a dark head."""
    machine = run(show, 400, 1.0, TimeMachine(settings(DIGITS))).machine
    assert machine.is_open("signal_dark", "head:a2")
    made: dict[str, Any] = json.loads(json.dumps(machine.save()))
    assert made["durations"]
    assert made["countdowns"]
    return made


def loaded(saved: Any) -> TimeMachine:
    machine = TimeMachine(settings(DIGITS))
    machine.load(saved)
    return machine


def test_no_damage_breaks_the_time_machine(saved: dict[str, Any]) -> None:
    tried = 0
    for wrong in damaged(saved):
        machine = loaded(wrong)
        known = machine.is_open("signal_dark", "head:a2")
        said: list[Finding] = []
        for t in (0.0, 0.6, 1.2):
            said += machine.observe(scene(t, show(t + 400), NOON + timedelta(seconds=400)))
        machine.cycle("a")
        # What it says is open it tells of, and nothing else.
        assert {(finding.fault, finding.key) for finding in said} == ({(Fault.DARK, "head:a2")} if known else set())
        json.dumps(machine.save(), allow_nan=False)
        tried += 1
    assert tried > 300


@pytest.mark.parametrize("part", ["durations", "countdowns", "ever_lit", "open", "wall_time"])
@pytest.mark.parametrize("value", WRONG.values(), ids=WRONG.keys())
def test_what_is_damaged_costs_nothing_else(saved: dict[str, Any], part: str, value: Any) -> None:
    machine = loaded({**saved, part: value})
    whole = loaded(saved)
    assert machine.is_open("signal_dark", "head:a2") is (part != "open")
    for name in {"durations", "countdowns", "ever_lit"} - {part}:
        assert machine.save()[name] == whole.save()[name]


def test_of_damaged_durations_the_others_are_kept(saved: dict[str, Any]) -> None:
    name = next(name for name in saved["durations"] if name == "b green")
    learned = loaded(changed(saved, ("durations", name, "all"), saved["durations"][name]["all"] + "\x00")).save()
    assert set(learned["durations"]) == set(saved["durations"]) - {name}


def test_of_several_open_faults_the_readable_ones_go_on(saved: dict[str, Any]) -> None:
    broken = {**saved["open"][0], "severity": "purple"}
    other = {**saved["open"][0], "key": "head:b1", "heads": ["b1"], "groups": []}
    machine = loaded({**saved, "open": [broken, 7, other]})
    assert not machine.is_open("signal_dark", "head:a2")
    assert machine.is_open("signal_dark", "head:b1")


def test_a_box_whose_clock_began_in_1970_was_not_away_for_decades(saved: dict[str, Any]) -> None:
    machine = loaded({**saved, "wall_time": "1970-01-01T00:05:00+00:00"})
    (finding,) = machine.observe(scene(0, show(400), NOON))
    assert finding.started_media_time == pytest.approx(-200, abs=3)


@pytest.mark.parametrize(
    ("fault", "open_then"),
    [
        ({"fault": "signal_lamp", "key": "head:b1:2", "heads": ["b1"], "lamp": 2}, False),
        ({"fault": "signal_countdown", "key": "head:b1", "heads": ["b1"]}, False),
        ({"fault": "signal_conflict", "key": "groups:a+c", "heads": ["a1"], "scope": "groups"}, False),
        ({"key": "approach:south", "heads": ["a1", "a2"], "scope": "approach", "approach": "south"}, False),
        ({"key": "approach:north", "heads": ["a1", "a9"], "scope": "approach", "approach": "north"}, True),
        ({"key": "junction", "heads": ["a9", "b1"], "scope": "junction"}, True),
    ],
    ids=["lamp gone", "digits gone", "group gone", "approach gone", "approach lost a head", "junction lost a head"],
)
def test_what_the_settings_no_longer_have_is_not_open(
    saved: dict[str, Any], fault: dict[str, Any], open_then: bool
) -> None:
    """Two lamps are left of b1."""
    groups = {"groups": ["a", "c"]} if fault.get("scope") == "groups" else {}
    parts = saved["open"][0] | {"approach": None} | fault | groups
    two = head("b")
    two = two.model_copy(update={"lamps": two.lamps[:2]})
    machine = TimeMachine(settings(DIGITS | {"b1": two}))
    machine.load({**saved, "open": [parts]})
    assert machine.is_open(parts["fault"], parts["key"]) is open_then
    readings = dict(scene(0, {"a1": (0,), "a2": (0,)}).heads)
    machine.observe(SceneReading(0, NOON, {**readings, "b1": HeadReading((Lit.ON, Lit.OFF))}))
    assert machine.is_open(parts["fault"], parts["key"]) is open_then


def test_a_junction_that_lost_a_head_ends_with_the_others() -> None:
    first = run(during(130, 9999, lambda _: dict.fromkeys(("a1", "a2", "b1", "b2"), DARK)), 300).machine
    fewer = TimeMachine(settings({name: head(name[0]) for name in ("a1", "b1", "b2")}))
    fewer.load(first.save())
    ended = run(lambda t: {k: v for k, v in normal(t).items() if k != "a2"}, 300, 2.0, fewer, begins=NOON)
    assert ended.places == [(Fault.DARK, "junction")]
    assert ended.over(Fault.DARK, "junction").detail.heads_total == 3


# ---- the whole detector


@pytest.fixture(scope="module")
def watching() -> tuple[TrafficSignalDetector, dict[str, Any]]:
    """A detector that has learned its place and its heads, and what it saves."""
    detector = built(crossing.settings())
    for frame in crossing.camera(crossing.scene(seconds=50)).frames():
        detector.observe(frame)
    saved: dict[str, Any] = json.loads(json.dumps(detector.save()))
    assert saved["placer"]["sizes"]
    assert saved["eye"]["sight"]
    return detector, saved


def built(values: TrafficSignalSettings) -> TrafficSignalDetector:
    made = KIND.build(values, CameraContext("crossing", crossing.SIZE))
    assert isinstance(made, TrafficSignalDetector)
    return made


def test_no_damage_breaks_the_detector(watching: tuple[TrafficSignalDetector, dict[str, Any]]) -> None:
    _, saved = watching
    frame = next(crossing.camera(crossing.scene(seconds=50)).frames())
    new = built(crossing.settings())
    for number, part in enumerate(("placer", "eye")):
        for count, wrong in enumerate(damaged(saved[part])):
            if (
                count % 5 != number
            ):  # all of them take their time; 16 kinds of damage a place: each place gets its share
                continue
            detector = copy.deepcopy(new)
            detector.load({part: wrong})
            if count % 4 == 0:
                detector.observe(frame)
            json.dumps(detector.save(), allow_nan=False)
    for value in WRONG.values():
        for place in ((), ("machine",), ("active",)):
            detector = copy.deepcopy(new)
            detector.load(changed(saved, place, value))
            detector.observe(frame)


@pytest.mark.parametrize("part", ["placer", "eye"])
def test_damage_to_one_part_leaves_the_others(
    watching: tuple[TrafficSignalDetector, dict[str, Any]], part: str
) -> None:
    _, saved = watching
    detector = built(crossing.settings())
    detector.load({**saved, part: {"version": None}})
    kept = detector.save()
    assert {name for name in ("placer", "eye", "machine") if kept[name] != built(crossing.settings()).save()[name]} == {
        "placer",
        "eye",
        "machine",
    } - {part}


def test_of_damaged_lights_of_the_outline_the_others_are_kept(
    watching: tuple[TrafficSignalDetector, dict[str, Any]],
) -> None:
    _, saved = watching
    (light,) = saved["eye"]["sight"]
    cut = changed(saved, ("eye", "sight", light, "wobble"), saved["eye"]["sight"][light]["wobble"][:-8])
    detector = built(crossing.settings())
    detector.load(cut)
    assert detector.save()["eye"]["sight"] == {}
    assert json.loads(json.dumps(detector.save()))["eye"]["lamps"] == saved["eye"]["lamps"]
