"""The detector around its rules: how it asks, what it says when nobody answers, what it remembers, what it refuses."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from contract.geometry import Location, LocationMethod, distance_m
from edge.config.document import config_from_text
from edge.config.problems import ConfigError
from edge.detectors.interface import Visibility
from edge.detectors.objects_in_zone import KIND, ObjectsInZoneSettings
from edge.detectors.objects_in_zone.settings import picture_problems, scaled
from edge.detectors.registry import CameraContext, PictureSize
from edge.ground import CalibratedGround
from tests.edge.detectors.objects_in_zone.street import (
    LANE,
    SIZE,
    Actor,
    TruthPort,
    detector,
    frame,
    moving,
    rule,
    seen_at,
    settings,
    standing,
    times,
)
from tests.edge.test_ground import settings as ground_settings
from tests.edge.vision.test_ground import pixel

PARKED = (280.0, 240.0, 360.0, 300.0)
DWELL = {"dwell": {"seconds": 30, "still": True}, "hazard": "blocked_fire_lane"}


@pytest.mark.parametrize("fps", [4.0, 7.0, 25.0])
def test_it_asks_at_its_own_pace_about_what_it_needs(fps: float) -> None:
    port = TruthPort([])
    made = detector(settings(rule(**DWELL)), port)
    for t in times(20, fps):
        seen_at(made, port, t)
    assert len(port.asked) == pytest.approx(40, abs=2)
    (region,) = {region for _, region in port.asked}
    assert region is not None
    assert (region.x, region.x + region.width) == (200 - 64, 440 + 64)
    assert (region.y, region.y + region.height) == (200 - 108, 360)


def test_after_a_gap_it_does_not_make_up_for_looks() -> None:
    port = TruthPort([])
    made = detector(settings(rule(**DWELL)), port)
    for t in [*times(5), *times(1, begin=300)]:
        seen_at(made, port, t)
    assert sum(t >= 300 for t, _ in port.asked) <= 3


def test_without_answers_it_does_not_see() -> None:
    port = TruthPort([], silent=(10, 70))
    made = detector(settings(rule(**DWELL)), port)
    said = {}
    for t in times(80):
        seen_at(made, port, t)
        said[t] = made.visibility
    assert said[0.0] is Visibility.CLEAR, "the truth answers at once"
    assert said[39.0] is Visibility.CLEAR
    assert {said[t] for t in said if 41 < t < 70} == {Visibility.UNKNOWN}
    assert said[71.0] is Visibility.CLEAR
    late = TruthPort([], late_seconds=1e6)
    waiting = detector(settings(rule(**DWELL)), late)
    seen_at(waiting, late, 0.0)
    assert waiting.visibility is Visibility.UNKNOWN


def test_what_is_told_has_its_place_on_the_ground() -> None:
    x, y = pixel(0.0, 15.0)
    foot = (x / 3, y / 3)
    box = (foot[0] - 40, foot[1] - 60, foot[0] + 40, foot[1])
    zone = [[200, 100], [440, 100], [440, 359], [200, 359]]
    values = settings(rule(dwell={"seconds": 5}))
    values = values.model_copy(update={"zones": (values.zones[0].model_copy(update={"polygon": zone}),)})
    port = TruthPort([Actor(standing(box))], noise_px=0)
    ground = CalibratedGround(ground_settings(), 1 / 3, 1 / 3)
    made = detector(values, port, ground=ground)
    found = [one for t in times(10) for one in seen_at(made, port, t)]
    assert found
    assert found[-1].location is not None
    assert found[-1].location.method is LocationMethod.HOMOGRAPHY
    expected = ground.at(*foot)
    assert expected is not None
    assert distance_m(found[-1].location.point, expected.point) < 0.01


class Flown:
    """The ground of a camera that flies: remembers of which pictures it was asked."""

    def __init__(self) -> None:
        self.asked: list[float | None] = []

    def at(self, x: float, y: float, media_time: float | None = None) -> Location | None:
        self.asked.append(media_time)
        return None

    def metres_per_pixel(self, x: float, y: float, media_time: float | None = None) -> float | None:
        return None


def test_a_place_is_that_of_the_picture_that_was_asked_about() -> None:
    """A model answers late, and a camera that flies has moved on."""
    ground, port = Flown(), TruthPort([Actor(standing(PARKED))], late_seconds=2.0)
    made = detector(settings(rule(**DWELL)), port, ground=ground)
    found = [one for t in times(50) for one in seen_at(made, port, t)]
    assert found and ground.asked == [one.media_time for one in found]


def saved_after(seconds: float, port: TruthPort, values: ObjectsInZoneSettings) -> tuple[dict[str, Any], bool]:
    """What is remembered, as it is read from a disk, and whether the lane was told to be blocked."""
    made = detector(values, port)
    found = [one for t in times(seconds) for one in seen_at(made, port, t)]
    return json.loads(json.dumps(made.save())), bool(found)


def test_a_stay_goes_on_when_the_stream_is_opened_again() -> None:
    values = settings(rule(**DWELL))
    port = TruthPort([Actor(standing(PARKED))])
    saved, told = saved_after(20, port, values)
    assert not told
    again = detector(values, port)
    again.load(saved)
    assert again.save() == saved, "until its first look it knows nothing newer"
    found = [one for t in times(20) for one in seen_at(again, port, t)]
    assert found[0].media_time == pytest.approx(10, abs=2)


def test_what_was_told_is_ended_by_the_next_stream() -> None:
    values = settings(rule(**DWELL))
    saved, told = saved_after(40, TruthPort([Actor(standing(PARKED))]), values)
    assert told
    empty = TruthPort([])
    again = detector(values, empty)
    again.load(saved)
    assert again.is_open("blocked_fire_lane", "lane/dwell")
    found = [one for t in times(30) for one in seen_at(again, empty, t)]
    (over,) = found
    assert not over.active
    assert over.media_time == pytest.approx(20, abs=2)
    assert not again.is_open("blocked_fire_lane", "lane/dwell")


def test_what_was_told_of_another_rule_is_forgotten() -> None:
    saved, _ = saved_after(40, TruthPort([Actor(standing(PARKED))]), settings(rule(**DWELL)))
    other = detector(settings(rule(dwell={"seconds": 5})), TruthPort([]))
    other.load(saved)
    assert not other.is_open("blocked_fire_lane", "lane/dwell"), "the pipeline then ends its episode"


@pytest.mark.parametrize("damage", [{"seconds": "long"}, {"box": [1, 2]}, {"seen": 0}, {"looks": None}, {"scores": -4}])
def test_a_damaged_memory_is_left_out(damage: dict[str, Any]) -> None:
    values = settings(rule(**DWELL))
    port = TruthPort([Actor(standing(PARKED))])
    saved, _ = saved_after(20, port, values)
    saved["rules"][0]["memory"][0].update(damage)
    again = detector(values, port)
    again.load(saved)
    found = [one for t in times(40) for one in seen_at(again, port, t)]
    assert found[0].media_time == pytest.approx(31, abs=1), "it begins with nothing"


def test_a_copy_goes_on_by_itself() -> None:
    values = settings(rule(**DWELL))
    port = TruthPort([Actor(standing(PARKED))])
    made = detector(values, port)
    for t in times(20):
        seen_at(made, port, t)
    drill = copy.deepcopy(made)
    for t in times(20, begin=20.2):
        port.now = t
        assert list(made.observe(frame(t))) is not None
    assert drill.report() != made.report()


def test_its_report_says_what_is_there() -> None:
    port = TruthPort([Actor(standing(PARKED))])
    made = detector(settings(rule(**DWELL)), port)
    for t in times(35):
        seen_at(made, port, t)
    (zone,) = made.report()["zones"]
    assert (zone["zone"], zone["rule"], zone["broken"]) == ("lane", "dwell", True)
    assert zone["things"][0]["label"] == "car"
    assert zone["things"][0]["seconds"] == pytest.approx(35, abs=1.5)
    json.dumps(made.report())


def test_it_follows_its_zones_to_another_stream() -> None:
    small = scaled(settings(rule(**DWELL)), SIZE, PictureSize(320, 180))
    assert small.zones[0].polygon == tuple((x / 2, y / 2) for x, y in LANE)
    assert not picture_problems(small, PictureSize(320, 180))
    (problem, *_) = picture_problems(settings(rule(**DWELL)), PictureSize(320, 180))
    assert problem.path == ("zones", 0, "polygon", 0)
    assert "expected a pixel of the 320 x 180 picture" in problem.message


@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ([rule()], "found none of dwell, count and direction"),
        ([rule(dwell={"seconds": 5}, count={"more_than": 3, "seconds": 4})], "found dwell and count"),
        ([rule(dwell={"seconds": 5}, hazard="fire")], "which another detector sees"),
        ([rule(dwell={"seconds": 5}), rule(dwell={"seconds": 9})], "join their classes"),
        ([rule(dwell={"seconds": 0})], "greater than 0"),
        ([{"classes": [], "dwell": {"seconds": 5}}], "at least 1"),
    ],
    ids=["no_rule", "two_rules", "fire", "twice", "no_time", "no_class"],
)
def test_settings_that_mean_nothing_are_refused(rules: list[dict[str, Any]], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings(*rules)


CONFIG = """
device: {{id: box-1, state_dir: state}}
inference: {{models: {{things: {{path: things.onnx, format: yolox, labels: {labels}}}}}}}
sources:
  gate:
    kind: camera
    detectors:
      objects_in_zone:
        model: {model}
        zones:
          - name: lane
            polygon: [[0, 0], [100, 0], [100, 100]]
            rules:
              - classes: [person, {label}]
                dwell: {{seconds: 5}}
"""


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"model": "thing"}, r"edge.yaml:9: .*objects_in_zone.model: found 'thing', expected one of .*: things"),
        (
            {"label": "cra"},
            r"edge.yaml:14: .*classes\[1\]: found 'cra', expected one of the labels of things: person, car",
        ),
        ({"labels": "[]"}, r"edge.yaml:9: .*found 'things' without labels"),
    ],
    ids=["model", "class", "labels"],
)
def test_models_and_classes_that_are_not_there_are_named_by_line(
    given: dict[str, str], reason: str, tmp_path: Path
) -> None:
    values = {"model": "things", "label": "car", "labels": "[person, car]"}
    config_from_text(CONFIG.format(**values), tmp_path / "edge.yaml")
    with pytest.raises(ConfigError, match=reason):
        config_from_text(CONFIG.format(**{**values, **given}), tmp_path / "edge.yaml")


def test_what_it_needs_to_see() -> None:
    often, rarely = settings(rule(**DWELL)), settings(rule(**DWELL), look_seconds=5)
    assert KIND.needs(often).fps == 8
    assert KIND.needs(rarely).key_frames
    walking = settings(rule(dwell={"seconds": 5}), look_seconds=5)
    assert not KIND.needs(walking).key_frames, "what moves is not followed from key frame to key frame"


def test_without_a_model_it_cannot_be_built() -> None:
    with pytest.raises(ValueError, match="expected things in inference"):
        KIND.build(settings(rule(**DWELL)), CameraContext("gate", SIZE))


def test_late_answers_of_one_look_are_judged_in_their_order() -> None:
    port = TruthPort([Actor(moving((205, 300), (8, 0)))], late_seconds=3)
    made = detector(settings(rule(dwell={"seconds": 10})), port)
    found = [one for t in times(30) for one in seen_at(made, port, t)]
    assert [one.media_time for one in found] == sorted(one.media_time for one in found)
    assert found[0].media_time == pytest.approx(10.5, abs=0.6), "when it was, not when the answer came"


def test_numbers_that_are_none_harm_nothing() -> None:
    """Boxes without size, beyond all numbers, and of classes that the model has no name for."""
    nan, inf = float("nan"), float("inf")
    odd = [
        ((nan, 0, 10, 10), 2),
        ((0, 0, inf, 10), 2),
        ((50, 50, 50, 90), 2),
        ((60, 60, 20, 90), 2),
        ((0, 0, 9, 9), 99),
    ]
    port = TruthPort([Actor(standing(PARKED))], odd=odd)
    made = detector(settings(rule(**DWELL)), port)
    found = [one for t in times(40) for one in seen_at(made, port, t)]
    assert found[0].media_time == pytest.approx(31, abs=1)
    assert {one.detail.as_json()["count"] for one in found} == {1}


def test_what_began_before_the_stream_has_no_time_in_it() -> None:
    """Told by the stream before, and still there: it goes on, and begins for this stream with its opening."""
    values = settings(rule(**DWELL))
    port = TruthPort([Actor(standing(PARKED))])
    saved, told = saved_after(50, port, values)
    assert told
    again = detector(values, port)
    again.load(saved)
    found = [one for t in times(10, begin=3.0) for one in seen_at(again, port, t)]
    assert found
    assert all(3.0 <= one.started_media_time <= one.media_time for one in found)
    assert found[0].detail.as_json()["objects"][0]["seconds"] == pytest.approx(50, abs=2)
