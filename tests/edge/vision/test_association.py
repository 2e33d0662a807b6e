"""Ids over time: things keep theirs through crossings, gaps and weak detections, at any rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.association import UNTRACKED, Tracker, TrackValues
from edge.vision.kalman import BoxFilters


def boxes_at(centres: np.ndarray, size: float = 40) -> np.ndarray:
    return np.concatenate((centres - size / 2, centres + size / 2), axis=1).astype(np.float32)


def look(
    tracker: Tracker, seconds: float, *boxes: tuple[float, float, float, float], score: float = 0.9, kind: int = 0
) -> list[int]:
    found = np.array(boxes, np.float32).reshape(-1, 4)
    scores = np.full(len(boxes), score, np.float32)
    return tracker.update(found, scores, np.full(len(boxes), kind, np.int32), seconds).tolist()


def test_an_id_comes_with_the_second_sighting_and_stays() -> None:
    tracker = Tracker()
    names = [look(tracker, t / 10, (10 + t, 10, 50 + t, 60)) for t in range(20)]
    assert names[0] == [UNTRACKED]
    assert names[1:] == [[1]] * 19
    tracks = tracker.tracks
    assert tracks.velocities[0] == pytest.approx([10, 0], abs=0.5)
    assert tracks.boxes[0] == pytest.approx([29, 10, 69, 60], abs=1)
    assert tracks.ages_seconds[0] == pytest.approx(1.9)


@pytest.mark.parametrize("fps", [2, 5, 25])
@pytest.mark.parametrize("objects", [1, 20, 50])
def test_ids_do_not_churn(fps: int, objects: int) -> None:
    """A street of walkers and cars for ten seconds, one detection in ten missing, others shaken or weak."""
    random = np.random.default_rng(objects)
    side = int(np.ceil(np.sqrt(objects)))
    place = np.array([(200 * (n % side), 200 * (n // side)) for n in range(objects)], float)
    speed = random.uniform(-25, 25, (objects, 2))
    tracker, last, changes, named = Tracker(), {}, 0, 0
    for number in range(10 * fps):
        seconds = number / fps
        boxes = boxes_at(place + speed * seconds) + random.normal(0, 1.0, (objects, 4)).astype(np.float32)
        seen = np.flatnonzero(random.uniform(size=objects) > 0.1)
        scores = random.uniform(0.3, 0.95, objects).astype(np.float32)
        ids = tracker.update(boxes[seen], scores[seen], np.zeros(len(seen), np.int32), seconds)
        for thing, name in zip(seen.tolist(), ids.tolist(), strict=True):
            if name != UNTRACKED:
                changes += last.get(thing, name) != name
                last[thing] = name
                named += 1
    assert changes == 0
    assert len(set(last.values())) == objects
    assert named > 0.8 * 0.9 * objects * (10 * fps - 2)


def test_two_that_cross_keep_their_ids() -> None:
    tracker = Tracker()
    for number in range(40):
        t = number / 10
        names = look(tracker, t, (100 + 80 * t, 100, 140 + 80 * t, 200), (420 - 80 * t, 110, 460 - 80 * t, 210))
        if number == 1:
            first = names
    assert names == first == [1, 2]


def test_a_weak_detection_carries_a_track_but_begins_none() -> None:
    tracker = Tracker()
    for number in range(5):
        look(tracker, number / 10, (10, 10, 50, 60))
    assert look(tracker, 0.5, (11, 10, 51, 60), (200, 10, 240, 60), score=0.2) == [1, UNTRACKED]
    for number in range(6, 20):
        assert look(tracker, number / 10, (200, 10, 240, 60), score=0.3) == [UNTRACKED]
    assert tracker.tracks.ids.tolist() == [1]


def test_a_thing_that_moves_farther_than_its_own_size_between_looks_is_followed() -> None:
    tracker = Tracker()
    names = [look(tracker, number / 2, (30 * number, 100, 30 * number + 20, 140)) for number in range(12)]
    assert names[3:] == [[1]] * 9


@pytest.mark.parametrize("fps", [2, 10, 50])
def test_a_lost_track_lives_for_seconds_not_frames(fps: int) -> None:
    for gap, same in ((1.5, True), (3.1, False)):
        tracker = Tracker(TrackValues(lost_seconds=2.0))
        for number in range(2 * fps):
            look(tracker, number / fps, (10, 10, 50, 60))
        seen = (2 * fps - 1) / fps
        for number in range(2 * fps, round((seen + gap) * fps)):
            look(tracker, number / fps)
        back = look(tracker, seen + gap, (10, 10, 50, 60))
        again = look(tracker, seen + gap + 1 / fps, (10, 10, 50, 60))
        assert (back, again) == (([1], [1]) if same else ([UNTRACKED], [2]))


def test_another_class_is_another_thing() -> None:
    tracker = Tracker()
    for number in range(5):
        look(tracker, number / 10, (10, 10, 50, 60), kind=0)
    assert look(tracker, 0.5, (10, 10, 50, 60), kind=1) == [UNTRACKED]
    assert look(tracker, 0.6, (10, 10, 50, 60), kind=1) == [2]


def test_a_flicker_gets_no_id() -> None:
    tracker = Tracker()
    look(tracker, 0.0, (10, 10, 50, 60))
    for number in range(1, 10):
        look(tracker, number / 10)
    assert look(tracker, 1.0, (10, 10, 50, 60)) == [UNTRACKED]
    assert len(tracker.tracks) == 0


def test_values_may_ask_for_one_sighting_or_for_time() -> None:
    assert look(Tracker(TrackValues(confirm_sightings=1)), 0.0, (10, 10, 50, 60)) == [1]
    patient = Tracker(TrackValues(confirm_seconds=0.5))
    names = [look(patient, number / 10, (10, 10, 50, 60)) for number in range(8)]
    assert names == [[UNTRACKED]] * 5 + [[1]] * 3


def test_time_must_go_on() -> None:
    tracker = Tracker()
    look(tracker, 1.0)
    with pytest.raises(ValueError, match=r"found a look at 1.0 s after one at 1.0 s"):
        look(tracker, 1.0)


@given(seed=st.integers(0, 2**32 - 1), looks=st.integers(1, 12))
@settings(deadline=None, max_examples=40)
def test_each_look_names_each_track_at_most_once_and_repeats_itself(seed: int, looks: int) -> None:
    """Whatever is detected: no id twice in one look, ids never come back, and the same input gives the same output."""

    def names_of() -> list[list[int]]:
        random = np.random.default_rng(seed)
        tracker, result = Tracker(), []
        for number in range(looks):
            count = int(random.integers(0, 15))
            boxes = boxes_at(random.uniform(0, 120, (count, 2)), size=30)
            scores = random.uniform(0, 1, count).astype(np.float32)
            kinds = random.integers(0, 2, count).astype(np.int32)
            result.append(tracker.update(boxes, scores, kinds, number * 0.3).tolist())
        return result

    result = names_of()
    for names in result:
        named = [name for name in names if name != UNTRACKED]
        assert len(named) == len(set(named))
    assert result == names_of()


def test_the_filters_are_those_of_the_textbook() -> None:
    """Against a plain Kalman filter of one coordinate with 2 × 2 matrices, over looks at uneven times."""
    random = np.random.default_rng(0)
    filters = BoxFilters()
    height = 50.0
    noise, speed, unrest = (0.05 * height) ** 2, (1.5 * height) ** 2, (0.5 * height) ** 2
    state, spread = np.array([300.0, 0.0]), np.array([[noise, 0], [0, speed]])
    filters.add(np.array([[300.0, 200.0, 40.0, height]]))
    for t in random.uniform(0.02, 0.8, 15):
        filters.predict(float(t))
        move = np.array([[1, t], [0, 1]])
        state = move @ state
        spread = move @ spread @ move.T + unrest * np.array([[t**3 / 3, t**2 / 2], [t**2 / 2, t]])
        measured = state[0] + random.normal(0, 3)
        filters.correct(np.array([0]), np.array([[measured, 200.0, 40.0, height]]))
        gain = spread[:, 0] / (spread[0, 0] + noise)
        state = state + gain * (measured - state[0])
        spread = spread - np.outer(gain, spread[0])
        box = filters.boxes()[0]
        assert (box[0] + box[2]) / 2 == pytest.approx(state[0])
        assert filters.velocities()[0, 0] == pytest.approx(state[1])
        distance = filters.distances(np.array([0]), np.array([[state[0] + 5, 200.0, 40.0, height]]))
        assert distance[0, 0] == pytest.approx(25 / (spread[0, 0] + noise), rel=1e-6)
