"""What burns is told in time and once; what looks like it is not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import timedelta

import cv2
import numpy as np
import pytest

from contract.details import FireDetail
from contract.events import Severity, Tier
from contract.geometry import Location, LocationMethod, at_point
from edge.canary.fork import forked
from edge.detectors.fire_smoke import KIND, FireSmokeDetector
from edge.detectors.fire_smoke.detector import SECONDED
from edge.detectors.interface import Frame, Image, Observation, Visibility, Witness
from edge.detectors.registry import installed_detectors
from tests.edge.detectors.fire_smoke.scenes import (
    SIZE,
    Draw,
    Scripted,
    detector,
    film,
    flame,
    frame,
    lamp,
    passing,
    seen,
    smoke,
    street,
)

FLAME_BOX = (138.0, 88.0, 174.0, 126.0)
"""Left, top, right, bottom of `flame()`."""


def at_rate(draw: Draw, seconds: float, rate: str) -> Iterator[Frame]:
    """A film at a steady rate, or one whose camera drops most of its frames, unevenly."""
    if rate != "dropped":
        yield from film(draw, seconds, fps=float(rate))
        return
    random = np.random.default_rng(4)
    yield from (one for one in film(draw, seconds, fps=25) if random.uniform() < 0.45)


def test_is_installed() -> None:
    assert installed_detectors()["fire_smoke"] is KIND


@pytest.mark.parametrize("rate", ["5", "12", "dropped"])
def test_a_flame_is_a_warning_and_then_critical(rate: str) -> None:
    found = seen(detector(), at_rate(flame(begins=2.0), 15, rate))
    assert {observation.key for observation in found} == {"fire:1"}
    first, last = found[0], found[-1]
    assert first.media_time - 2.0 <= 8, "from its first tongue"
    assert (first.severity, first.tier) == (Severity.YELLOW, Tier.ALARM)
    assert (last.severity, last.tier) == (Severity.RED, Tier.ALARM)
    detail = FireDetail.model_validate(first.detail.as_json())
    assert (detail.stage, last.detail.as_json()["stage"]) == ("warning", "critical")
    assert detail.proposers == ("flame",)
    assert abs(detail.box.x + detail.box.width / 2 - 155) < 12, "around the flame"
    assert first.started_media_time < 4.5
    assert first.model is None


def test_smoke_is_told_within_45_seconds_and_is_critical_later() -> None:
    found = seen(detector(), film(smoke(begins=3.0), 40, fps=6))
    assert {(observation.hazard, observation.key) for observation in found} == {("smoke", "smoke:1")}
    assert found[0].media_time < 3 + 35
    assert found[0].severity is Severity.YELLOW
    assert found[-1].severity is Severity.RED
    assert found[-1].detail.as_json()["stage"] == "critical"


def tv_wall(picture: Image, t: float) -> None:
    cut = np.random.default_rng(int(t / 1.7)).integers(0, 255, (4, 6, 3)).astype(np.uint8)
    picture[60:100, 120:180] = cv2.resize(cut, (60, 40), interpolation=cv2.INTER_LINEAR)


def red_cloth(picture: Image, t: float) -> None:
    top = [(140 + x, 80 + 4 * math.sin(7.5 * t + x / 6)) for x in range(0, 40, 4)]
    bottom = [(140 + x, 110 + 4 * math.sin(7.5 * t + x / 6 + 1)) for x in range(36, -1, -4)]
    cv2.fillPoly(picture, [np.array(top + bottom, np.int32)], (40, 40, 210))


def orange_vest(picture: Image, t: float) -> None:
    x, y = int(150 + 4 * math.sin(t)), int(90 + 2 * math.sin(3 * t))
    cv2.rectangle(picture, (x, y), (x + 9, y + 15), (30, 110, 240), -1)


def fog(picture: Image, t: float) -> None:
    share = min(t / 20, 0.6)
    picture[:] = (picture * (1 - share) + 180 * share).astype(np.uint8)


def leaves(picture: Image, t: float) -> None:
    random = np.random.default_rng(3)
    for _ in range(150):
        x, y, phase = random.integers(0, 120), random.integers(0, 90), random.uniform(0, 6)
        middle = int(x + 3 * math.sin(4.4 * t + phase)), int(y + 2 * math.sin(5.7 * t + phase))
        cv2.circle(picture, middle, 3, (40, int(random.integers(60, 130)), 50), -1)


LOOK_ALIKES: dict[str, Draw] = {
    "steady lamp": lamp(lambda _: 1.0),
    "beacon": lamp(lambda t: float(math.sin(9.4 * t) > 0)),
    "rotating light": lamp(lambda t: max(0.0, math.sin(13.8 * t)) ** 3),
    "breathing light": lamp(lambda t: 0.6 + 0.4 * math.sin(12.6 * t)),
    "pulsed sign": lamp(lambda t: float((t * 7.3) % 1 < 0.5)),
    "grey cars": passing((60, 60, 60)),
    "tail lights": passing((20, 60, 250), width=5, height=4),
    "white buses": passing((200, 200, 200), width=90, height=50, every=5),
    "orange buses": passing((30, 120, 230), width=90, height=50, every=5),
    "screens": tv_wall,
    "red cloth": red_cloth,
    "orange vest": orange_vest,
    "fog": fog,
    "leaves": leaves,
}


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_what_looks_like_fire_is_not_told(name: str) -> None:
    assert seen(detector(), film(LOOK_ALIKES[name], 16, fps=8)) == []


def test_without_stages_the_same_lamp_is_told() -> None:
    """What the stages are worth is measured by switching them off: then they must be off."""
    stages = {"stages": {"tube": False, "behaviour": False, "calibration": False}}
    assert seen(detector(stages), film(LOOK_ALIKES["beacon"], 8, fps=8))
    tubes_only = {"stages": {"behaviour": False, "calibration": False}}
    assert seen(detector(tubes_only), film(LOOK_ALIKES["beacon"], 12, fps=8))


def test_the_same_pictures_give_the_same() -> None:
    assert seen(detector(), film(flame(), 9, fps=8)) == seen(detector(), film(flame(), 9, fps=8))


# ---- models


def saying(label: str, score: float, box: tuple[float, float, float, float] = FLAME_BOX) -> Scripted:
    return Scripted(lambda _: [(label, box, score)])


@pytest.mark.parametrize("late", [0, 2])
def test_a_model_that_agrees_is_named_and_makes_it_surer(late: int) -> None:
    port = Scripted(lambda t: [("fire", FLAME_BOX, 0.6)] if t >= 2 else [], late=late)
    alone = seen(detector(), film(flame(begins=2), 10, fps=8))
    both = seen(detector({"model": "scripted"}, port=port), film(flame(begins=2), 10, fps=8))
    assert both[-1].confidence > alone[-1].confidence
    assert both[-1].model is not None and both[-1].model.name == "scripted"
    assert both[-1].detail.as_json()["proposers"] == ["flame", "model"]
    assert both[-1].detail.as_json()["cues"]["model"] == pytest.approx(0.6, abs=0.05)


def test_a_model_that_sees_nothing_makes_it_a_matter_for_review() -> None:
    port = Scripted(lambda _: [])
    found = seen(detector({"model": "scripted"}, port=port), film(flame(begins=2), 14, fps=8))
    assert all(observation.tier is Tier.REVIEW for observation in found)
    assert all(observation.severity is Severity.YELLOW for observation in found)


def test_a_model_alone_is_not_believed_about_what_stands_still() -> None:
    """A poster of a fire, as sure as a model can be."""
    poster = flame()
    still = street()
    poster(still, 1.0)
    found = seen(detector({"model": "scripted"}, port=saying("fire", 0.95)), film([], 16, fps=6, background=still))
    assert found == []


def test_a_model_finds_what_has_no_colour() -> None:
    """An overexposed flame, white in the camera: no colour rule finds it, and it flickers."""

    def white_flame(picture: Image, t: float) -> None:
        drawn = np.zeros_like(picture)
        flame()(drawn, t)
        picture[drawn.max(axis=2) > 0] = 250

    assert seen(detector(), film(white_flame, 10, fps=8)) == []
    found = seen(detector({"model": "scripted"}, port=saying("fire", 0.7)), film(white_flame, 10, fps=8))
    assert found and found[-1].detail.as_json()["proposers"] == ["model"]


def test_single_pictures_a_second_are_left_to_the_model() -> None:
    port = saying("smoke", 0.7)
    found = seen(detector({"model": "scripted"}, port=port), film(smoke(), 30, fps=1))
    assert {observation.key for observation in found} == {"smoke:1"}
    assert seen(detector(), film(smoke(), 30, fps=1)) == []


def test_a_model_is_asked_as_heartbeat_and_often_on_suspicion() -> None:
    port = Scripted(lambda _: [])
    seen(detector({"model": "scripted"}, port=port), film([], 24, fps=4))
    assert [t for t, _ in port.asked] == [0.0, 10.0, 20.0]
    assert all(region is None for _, region in port.asked), "the whole picture"
    port = Scripted(lambda _: [])
    seen(detector({"model": "scripted"}, port=port), film(flame(), 17, fps=10))
    suspected = [(t, region) for t, region in port.asked if 4 <= t < 8]
    assert 6 <= len(suspected) <= 10, "about twice a second"
    assert len([t for t, _ in port.asked if t >= 11]) <= 1, "and no more where it was shown in vain"
    close = [region for _, region in suspected if region is not None]
    assert close and len(close) < len(suspected), "the place and the whole picture by turns"
    assert all(region.x <= 150 <= region.x + region.width for region in close)


def test_answers_about_what_was_not_shown_say_nothing() -> None:
    """A close look at one fire is no denial of another one."""
    other = (20.0, 20.0, 50.0, 56.0)
    port = Scripted(lambda _: [("fire", FLAME_BOX, 0.7), ("fire", other, 0.7)])
    both = [flame(begins=1), flame(20, 22, 32, begins=1, seed=9)]
    made = detector({"model": "scripted"}, port=port)
    seen(made, film(both, 10, fps=8))
    assert [min(confidence for _, confidence in watched.tube.looks) for watched in made.watched] == pytest.approx(
        [0.7] * len(made.watched), abs=0.01
    )


@pytest.mark.parametrize(
    ("settings", "labels", "problem"),
    [
        ({"model": "m"}, None, "no model that can be asked"),
        ({"model": "m"}, ("cat", "dog"), "has the classes cat, dog, expected one of fire"),
        ({"people_model": "m"}, ("fire",), "expected one of person"),
    ],
    ids=["no port", "other classes", "no people"],
)
def test_a_model_that_cannot_serve_is_refused(
    settings: dict[str, str], labels: Sequence[str] | None, problem: str
) -> None:
    port = None if labels is None else Scripted(lambda _: [], labels=labels, name="m")
    with pytest.raises(ValueError, match=problem):
        detector(settings, port=port)


# ---- severity


class Told:
    """Witnesses that are there from a time on."""

    def __init__(self, since: float, *witnesses: Witness) -> None:
        self._since, self._witnesses = since, witnesses
        self.asked: list[tuple[float, float]] = []

    def near(self, frame: Frame, within_m: float, within_seconds: float) -> Sequence[Witness]:
        self.asked.append((within_m, within_seconds))
        return self._witnesses if frame.media_time >= self._since else ()


def test_a_second_witness_makes_it_critical_at_once() -> None:
    heat = Witness("kiln-3", "sensor", "temperature", 0.95, 4.0, 31.5)
    port = Told(0, heat, Witness("well", "sensor", "water_level", 0.95, 1.0, 5.0))
    found = seen(detector(witnesses=port), film(flame(begins=2), 10, fps=8))
    assert found[0].severity is Severity.RED
    assert found[0].detail.as_json()["witnesses"] == [
        {"source": "kiln-3", "hazard": "temperature", "seconds_ago": 4.0, "distance_m": 31.5}
    ]
    assert port.asked[0] == (50.0, 60.0)


def test_a_witness_of_something_doubtful_makes_an_alarm_of_it_and_no_more() -> None:
    heat = Witness("kiln-3", "sensor", "temperature", 0.95, 4.0, 31.5)
    doubtful = {"score": {"offset": -0.5}}
    alone = seen(detector(doubtful), film(flame(begins=2), 9, fps=8))
    assert alone and {one.tier for one in alone} == {Tier.REVIEW}
    assert max(one.confidence for one in alone) < SECONDED, "doubtful, or this shows nothing"
    found = seen(detector(doubtful, witnesses=Told(0, heat)), film(flame(begins=2), 9, fps=8))
    assert {one.tier for one in found} == {Tier.ALARM}
    assert {one.severity for one in found} == {Severity.YELLOW}


def test_what_has_burned_out_was_no_less_a_fire() -> None:
    found = seen(detector(), film(flame(begins=2, ends=16), 30, fps=8))
    told = [one.confidence for one in found]
    assert told == sorted(told) and told[-1] > 0.6


@pytest.mark.parametrize(
    "witness",
    [
        Witness("well", "sensor", "water_level", 0.95, 1.0, 5.0),
        Witness("gate", "camera", "thrown_object", 0.9, 1.0, 5.0),
        Witness("yard", "camera", "fire", 0.2, 1.0, 5.0),
    ],
    ids=["water", "a fall", "a guess"],
)
def test_what_does_not_testify_changes_nothing(witness: Witness) -> None:
    found = seen(detector(witnesses=Told(0, witness)), film(flame(begins=2), 10, fps=8))
    assert found and {observation.severity for observation in found} == {Severity.YELLOW}


def test_somebody_beside_a_fire_makes_it_red() -> None:
    port = Scripted(lambda _: [("person", (176.0, 90.0, 190.0, 128.0), 0.8)], labels=("person", "car"), name="people")
    found = seen(detector({"people_model": "people"}, port=port), film(flame(begins=2), 11, fps=8))
    assert found[-1].severity is Severity.RED
    assert found[-1].detail.as_json()["stage"] == "warning"
    assert port.asked[0][0] > 7, "nobody is looked for before something burns"


class Flat:
    """A ground of 5 cm a pixel."""

    def at(self, x: float, y: float, media_time: float | None = None) -> Location | None:
        return at_point(113.6 + x / 1e6, 34.7 + y / 1e6, 4.0, LocationMethod.HOMOGRAPHY)

    def metres_per_pixel(self, x: float, y: float, media_time: float | None = None) -> float | None:
        return 0.05


def test_where_the_ground_is_known_place_and_size_are_told() -> None:
    found = seen(detector(ground=Flat()), film(flame(begins=2), 10, fps=8))
    told = found[-1]
    box = told.detail.as_json()["box"]
    assert (
        told.location == Flat().at(box["x"] + box["width"] / 2, box["y"] + box["height"]) or told.location is not None
    )
    assert told.detail.as_json()["width_m"] == pytest.approx(box["width"] * 0.05, abs=0.02)
    assert told.detail.as_json()["height_m"] == pytest.approx(box["height"] * 0.05, abs=0.02)


# ---- what is watched, and the stream


def test_what_is_ignored_or_outside_of_what_is_watched_is_not_looked_at() -> None:
    around = [[130, 80], [190, 80], [190, 135], [130, 135]]
    away = [[0, 0], [100, 0], [100, 170], [0, 170]]
    assert seen(detector({"ignore": [around]}), film(flame(begins=2), 10, fps=8)) == []
    assert seen(detector({"watch": away}), film(flame(begins=2), 10, fps=8)) == []
    port = saying("fire", 0.9)
    assert seen(detector({"watch": away, "model": "scripted"}, port=port), film(flame(begins=2), 10, fps=8)) == []
    assert seen(detector({"hazards": ["smoke"]}), film(flame(begins=2), 10, fps=8)) == []


def test_two_tongues_of_one_fire_are_one_case_and_two_fires_are_two() -> None:
    near = [flame(120, 90), flame(160, 92, seed=8)]
    assert {found.key for found in seen(detector(), film(near, 9, fps=8))} == {"fire:1"}
    far = [flame(20, 90), flame(250, 92, seed=8)]
    assert {found.key for found in seen(detector(), film(far, 9, fps=8))} == {"fire:1", "fire:2"}


def test_a_frame_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="found a frame of 64 x 48, expected 320 x 180"):
        detector().observe(frame(np.zeros((48, 64, 3), np.uint8), 0.0, 0))


def test_it_says_when_it_cannot_see() -> None:
    made = detector()
    random = np.random.default_rng(2)

    def shaking(picture: Image, t: float) -> None:
        blocks = random.integers(0, 255, (9, 16, 3)).astype(np.uint8)
        if t > 4:
            picture[:] = cv2.resize(blocks, (SIZE.width, SIZE.height), interpolation=cv2.INTER_CUBIC)

    states = []
    for one in film(shaking, 8, fps=8):
        made.observe(one)
        states.append((one.media_time, made.visibility))
    assert states[0][1] is Visibility.UNKNOWN, "the stream is new"
    assert next(state for t, state in states if t >= 3) is Visibility.CLEAR
    assert states[-1][1] is Visibility.UNKNOWN, "more changes than smoke can"


def shifted(frames: Iterator[Frame], seconds: float) -> Iterator[Frame]:
    for one in frames:
        yield Frame(
            one.source_id,
            one.index,
            one.media_time + seconds,
            one.wall_time + timedelta(seconds=seconds),
            one.luma,
            one.read_bgr,
        )


def test_the_stream_after_this_one_goes_on_with_the_same_fire() -> None:
    before = detector()
    told = seen(before, film([flame(20, 90), flame(250, 92, seed=8)], 9, fps=8))
    right = next(found.key for found in told if found.detail.as_json()["box"]["x"] > 200)
    after = detector()
    after.load(before.save())
    found = seen(after, film([flame(250, 92, seed=8), flame(140, 20, seed=5)], 9, fps=8))
    assert {observation.key for observation in found} == {right, "fire:3"}, "and a new place has a new number"


def test_a_stream_that_jumps_begins_anew() -> None:
    made = detector()
    assert seen(made, film(flame(), 9, fps=8))
    again = seen(made, film(flame(), 9, fps=8))
    assert {observation.key for observation in again} == {"fire:1"}
    assert again[0].started_media_time < again[0].media_time


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"cases": 3, "allowed": []},
        {"cases": {"numbers": {"fire": -1, "flood": 2, "smoke": True}, "open": [[], ["fire", 1, [0, "x", 1, 2]], 7]}},
        {"cases": {"numbers": [], "open": {}}, "allowed": {"kitchen/fire": {"watched": [1]}}},
    ],
    ids=["empty", "other types", "other values", "other shapes"],
)
def test_a_damaged_memory_is_left_out(saved: dict[str, object]) -> None:
    made = detector()
    made.load(saved)
    assert made.save()["cases"] == {"numbers": {}, "open": []}


def test_a_copy_for_a_drill_asks_nobody() -> None:
    port = Scripted(lambda _: [])
    made = detector({"model": "scripted"}, port=port, witnesses=Told(0))
    seen(made, film([], 4, fps=8))
    copied = forked(made)
    asked = len(port.asked)
    assert isinstance(copied, FireSmokeDetector)
    found = seen(copied, shifted(film(flame(), 9), 4.0))
    assert found and len(port.asked) == asked
    assert made.watched == ()


def test_it_reports_what_it_sees() -> None:
    made = detector()
    assert made.report() == {}
    found: list[Observation] = seen(made, film(flame(), 9, fps=8))
    report = made.report()
    assert report["cases"][0]["key"] == found[-1].key
    assert report["tubes"][0]["refused"] is None
    assert report["light"] == "day"
    assert made.is_open("fire", "fire:1") and not made.is_open("smoke", "fire:1")
