"""What the detector calls a fall, on a wall where everything is known."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest

from contract.details import ThrownObjectDetail
from contract.events import Severity, Tier
from edge.detectors.interface import Observation, Visibility
from edge.detectors.registry import PictureSize, installed_detectors
from edge.detectors.thrown_object import ThrownObjectDetector
from tests.edge.detectors.falls import (
    EPOCH,
    GROUND_PX,
    PIXELS_PER_M,
    Frame,
    Thing,
    Timed,
    drawn,
    every,
    falling,
    falls,
    no_colour,
    wall_settings,
)


def only(found: dict[str, list[Observation]]) -> list[Observation]:
    assert len(found) == 1, {key: len(seen) for key, seen in found.items()}
    return next(iter(found.values()))


def detail_of(observation: Observation) -> ThrownObjectDetail:
    assert isinstance(observation.detail, ThrownObjectDetail)
    return observation.detail


@pytest.fixture(scope="module")
def dropped() -> list[Observation]:
    """Something dropped from 20 m at 3 s."""
    return only(falls(wall_settings(), drawn(6, [falling(3, 15, 20)])))


def test_a_drop_is_one_fall_with_its_physics(dropped: list[Observation]) -> None:
    last = dropped[-1]
    fall = detail_of(last).fall
    assert (last.hazard, last.severity, last.tier) == ("thrown_object", Severity.RED, Tier.ALARM)
    assert fall.acceleration_mps2 == pytest.approx(9, abs=0.6)
    assert fall.acceleration_error_mps2 < 0.5
    assert fall.drop_m == pytest.approx(19, abs=2)
    assert fall.end_speed_mps == pytest.approx(math.sqrt(2 * 9 * 19.5), rel=0.1)
    assert fall.coverage > 0.8
    assert 0.5 < last.confidence < 1


def test_it_is_said_while_it_falls_and_the_same_key_grows(dropped: list[Observation]) -> None:
    assert len(dropped) >= 5
    assert {observation.key for observation in dropped} == {dropped[0].key}
    assert 3.0 <= dropped[0].started_media_time <= 3.5
    assert dropped[0].media_time < 4.6, "before it lands at 5.1 s"
    counted = [detail_of(observation).fall.observations for observation in dropped]
    assert counted == sorted(counted)


def test_marks_and_track_lie_on_the_way(dropped: list[Observation]) -> None:
    detail = detail_of(dropped[-1])
    assert 4 <= len(detail.track) <= 12
    for point in detail.track:
        expected = GROUND_PX - (20 - 4.5 * (point.t - 3) ** 2) * PIXELS_PER_M
        assert (point.x, point.y) == (pytest.approx(150, abs=2), pytest.approx(expected, abs=4))
    (mark,) = dropped[-1].marks
    assert len(mark.polyline) == detail.fall.observations
    assert mark.polyline[0][0] == dropped[-1].started_media_time
    assert mark.box is not None
    assert mark.label


def test_an_event_fits_the_wire(dropped: list[Observation]) -> None:
    assert len(detail_of(dropped[-1]).model_dump_json()) < 1000


def test_the_same_pictures_give_the_same_falls() -> None:
    runs = [falls(wall_settings(), drawn(5.5, [falling(3, 15, 20)], noise=4)) for _ in range(2)]
    assert runs[0] == runs[1]
    assert runs[0]


@pytest.mark.parametrize(
    ("fps", "x_m", "down", "sideways"),
    [(10, 15, 0, 0), (15, 8, 4, 1), (25, 22, 8, -2), (30, 15, 12, 0), (50, 15, 0, 1)],
)
def test_throws_at_all_frame_rates(fps: float, x_m: float, down: float, sideways: float) -> None:
    found = only(falls(wall_settings(), drawn(5.5, [falling(3, x_m, 20, down=down, sideways=sideways)], fps=fps)))
    assert detail_of(found[-1]).fall.acceleration_mps2 == pytest.approx(9, abs=2)


def rising(t: float) -> tuple[float, float] | None:
    dt = t - 3
    return (15, 2 + 18 * dt - 4.5 * dt * dt) if 0 <= dt < 2 else None


def gliding(t: float) -> tuple[float, float] | None:
    return (2 + 9 * (t - 3), 18 - 4 * (t - 3)) if 3 <= t < 6 else None


def lowered(t: float) -> tuple[float, float] | None:
    return (15, 20 - 2.5 * (t - 3)) if 3 <= t < 10 else None


def swinging(t: float) -> tuple[float, float]:
    return 15 + 3 * math.sin(2.5 * t), 14 + 2 * math.cos(5 * t)


def short_drop(t: float) -> tuple[float, float] | None:
    dt = t - 3
    return (15, 6 - 4.5 * dt * dt) if 0 <= dt < 0.9 else None


@pytest.mark.parametrize("thing", [rising, gliding, lowered, swinging, short_drop])
def test_what_is_no_fall(thing: Thing) -> None:
    assert not falls(wall_settings(), drawn(8, [thing]))


def test_rain_comes_from_beyond_the_border() -> None:
    """Drops near the lens, which even gather speed: only where they are first seen betrays them."""
    random = np.random.default_rng(2)
    drops = [falling(t, random.uniform(3, 28), 23.5, down=11, g=3) for t in np.arange(1.5, 8, 0.9)]
    assert not falls(wall_settings(), drawn(9, drops, size_px=3))
    thrown = falling(4.25, 15, 21, down=11, g=3)
    assert len(falls(wall_settings(), drawn(9, [*drops[:2], thrown], size_px=3))) == 1


def test_a_mirror_image_is_the_same_fall_and_its_origin_the_upper_track() -> None:
    glass = falling(2.7, 16.5, 17)  # seen first, beside it and lower
    found = only(falls(wall_settings(), drawn(6, [glass, falling(3, 15, 20)])))
    last = found[-1]
    assert detail_of(last).track[0].x == pytest.approx(150, abs=3)
    assert last.started_media_time < 3.0, "what was seen first began it"
    assert len(last.marks) >= 2


def test_two_falls_far_apart_are_two() -> None:
    found = falls(wall_settings(), drawn(7, [falling(3, 6, 20), falling(3.2, 24, 20)]))
    assert len(found) == 2
    assert len({observation.key for seen in found.values() for observation in seen}) == 2


def test_one_after_the_other_at_one_place_are_two() -> None:
    found = falls(wall_settings(), drawn(11, [falling(3, 15, 20), falling(7, 15, 20)]))
    assert len(found) == 2


def test_a_fall_behind_a_branch_is_one() -> None:
    def hidden(t: float) -> tuple[float, float] | None:
        place = falling(3, 15, 20)(t)
        return None if place is None or 11 < place[1] < 13 else place

    assert len(falls(wall_settings(), drawn(6, [hidden]))) == 1


def test_nothing_is_said_of_the_first_second() -> None:
    assert not falls(wall_settings(), drawn(2.5, [falling(0.1, 15, 20)]))


def test_foliage_that_is_masked_is_not_seen() -> None:
    facade = wall_settings().facade.model_dump(exclude_none=True)
    facade["ignore"] = [[[100, 2], [200, 2], [200, 238], [100, 238]]]
    masked = wall_settings(facade=facade)
    assert not falls(masked, drawn(6, [falling(3, 15, 20)]))
    assert falls(masked, drawn(6, [falling(3, 25, 20)]))


@pytest.mark.parametrize("gain", [1.15, 0.85])
def test_a_step_of_light_in_the_middle_of_a_fall(gain: float) -> None:
    only(falls(wall_settings(), drawn(6, [falling(3, 15, 20)], light=lambda t: gain if t > 3.9 else 1.0)))


@pytest.mark.parametrize("gain", [1.15, 0.85])
def test_a_ramp_of_light_through_a_fall(gain: float) -> None:
    def ramp(t: float) -> float:
        return 1 + (gain - 1) * min(max((t - 2) / 3, 0.0), 1.0)

    only(falls(wall_settings(), drawn(6, [falling(3, 15, 20)], light=ramp)))


def test_after_a_change_of_scene_it_sees_again() -> None:
    def scene() -> list[Timed]:
        before = list(drawn(3, []))
        after = [(t + 3, 255 - luma) for t, luma in drawn(6, [falling(3, 15, 20)])]
        return [*before, *after]

    only(falls(wall_settings(), scene()))


def test_repeated_frames_are_left_out_of_the_count() -> None:
    """A camera of 20 frames a second in a recording of 30: every third picture is the one before."""
    unique = list(drawn(6, [falling(3, 15, 20)], fps=20))
    frames = [(number / 30, unique[number * 2 // 3][1]) for number in range(len(unique) * 3 // 2)]
    found = only(falls(wall_settings(max_fps=60.0), frames))
    fall = detail_of(found[-1]).fall
    assert fall.coverage > 0.85, "of unique frames"
    assert fall.acceleration_mps2 == pytest.approx(9, abs=1.5)


def test_lost_frames_do_not_stretch_time() -> None:
    found = only(falls(wall_settings(), every(drawn(6, [falling(3, 15, 20)], fps=25), 2)))
    assert detail_of(found[-1]).fall.acceleration_mps2 == pytest.approx(9, abs=1)


def test_a_gap_in_time_begins_anew() -> None:
    first = list(drawn(3.6, [falling(3, 15, 20)]))
    later = [(t + 30, luma) for t, luma in drawn(6, [falling(3, 15, 20)])]
    only(falls(wall_settings(), [*first, *later]))


def test_a_place_where_something_always_moves_is_switched_off_and_the_rest_still_seen() -> None:
    def leaves(t: float) -> tuple[float, float]:
        number = int(t * 25)
        return 5 + 1.5 * math.sin(number * 1.7), 19 + 1.5 * math.cos(number * 2.3)

    only(falls(wall_settings(), drawn(9, [leaves, falling(6, 20, 20)])))


def visibilities(frames: list[Timed]) -> list[Visibility]:
    detector = ThrownObjectDetector(wall_settings(), PictureSize(320, 240))
    said = []
    for index, (t, luma) in enumerate(frames):
        detector.observe(Frame("test", index, t, EPOCH, luma, no_colour))
        said.append(detector.visibility)
    return said


def test_it_says_when_it_cannot_see() -> None:
    quiet = list(drawn(4, []))
    random = np.random.default_rng(0)
    storm = [(4 + n / 25, random.integers(0, 255, (240, 320), np.uint8)) for n in range(10)]
    said = visibilities([*quiet, *storm])
    assert said[0] is Visibility.UNKNOWN
    assert Counter(said[40:100]) == {Visibility.CLEAR: 60}
    assert set(said[100:110]) == {Visibility.UNKNOWN}


def test_busy_for_half_a_second_is_learned_anew() -> None:
    quiet = list(drawn(3, []))
    other = [(t + 3, np.roll(luma, 160, axis=1)) for t, luma in drawn(3, [])]
    said = visibilities([*quiet, *other])
    assert said[76] is Visibility.UNKNOWN
    assert set(said[100:]) == {Visibility.CLEAR}


def test_a_frame_of_another_size_is_refused() -> None:
    detector = ThrownObjectDetector(wall_settings(), PictureSize(320, 240))
    luma = np.zeros((100, 100), np.uint8)
    with pytest.raises(ValueError, match="found a frame of 100 x 100, expected 320 x 240"):
        detector.observe(Frame("gate", 0, 0.0, EPOCH, luma, no_colour))


def test_pictures_are_never_written_to() -> None:
    for t, luma in drawn(2, [falling(1, 15, 20)]):
        luma.flags.writeable = False
        if t == 0:
            detector = ThrownObjectDetector(wall_settings(), PictureSize(320, 240))
        detector.observe(Frame("gate", 0, t, EPOCH, luma, no_colour))


def test_it_is_installed() -> None:
    kind = installed_detectors()["thrown_object"]
    assert kind.name == ThrownObjectDetector.name
    assert kind.version == ThrownObjectDetector.version
