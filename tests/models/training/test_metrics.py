"""Figures by hand and by property; the same as pycocotools and ultralytics give, to the third digit, on known cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.training.metrics import (
    Answer,
    Truth,
    average_precision,
    overlaps,
    points_of,
    score_at_recall,
    wilson,
)


def boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


HERE, THERE = (0.1, 0.1, 0.4, 0.4), (0.6, 0.6, 0.9, 0.9)
NONE = Truth(boxes(), (), False)


def said(*rows: tuple[tuple[float, float, float, float], float, str]) -> Answer:
    rows = tuple(sorted(rows, key=lambda row: -row[1]))
    return Answer(
        boxes(*(row[0] for row in rows)), np.array([row[1] for row in rows], np.float32), tuple(r[2] for r in rows)
    )


def there(*rows: tuple[tuple[float, float, float, float], str]) -> Truth:
    return Truth(boxes(*(row[0] for row in rows)), tuple(row[1] for row in rows), bool(rows))


def test_average_precision_by_hand() -> None:
    truths = [there((HERE, "a")), there((HERE, "a"), (THERE, "a"))]
    # Right, wrong, right: precision 1 up to recall 1/3, then 2/3 up to 2/3, then nothing.
    answers = [said((HERE, 0.9, "a"), (THERE, 0.8, "a")), said((THERE, 0.7, "a"))]
    expected = (34 * 1 + 33 * 2 / 3) / 101
    assert average_precision(truths, answers, "a") == pytest.approx(expected)
    assert average_precision(truths, answers, "b") is None
    assert average_precision(truths, [said(), said()], "a") == 0


def test_a_thing_is_found_once_and_by_its_own_label() -> None:
    twice = [said((HERE, 0.9, "a"), (HERE, 0.8, "a"))]
    assert average_precision([there((HERE, "a"))], twice, "a") == pytest.approx(1.0)
    assert average_precision([there((HERE, "a"), (THERE, "a"))], twice, "a") == pytest.approx(51 / 101)
    assert average_precision([there((HERE, "b"))], twice, "b") == 0


def test_pictures_without_drawn_boxes_count_for_no_precision() -> None:
    unknown = Truth(None, (), True)
    assert average_precision([unknown], [said((HERE, 0.9, "a"))], "a") is None


@given(st.integers(0, 10_000))
def test_average_precision_keeps_its_promises(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truths, answers = [], []
    for _ in range(int(rng.integers(1, 6))):
        places = [HERE, THERE, (0.1, 0.6, 0.4, 0.9)][: int(rng.integers(0, 4))]
        truths.append(there(*((place, "a") for place in places)))
        answers.append(said(*((place, float(rng.random()), "a") for place in (HERE, THERE) if rng.random() < 0.7)))
    value = average_precision(truths, answers, "a")
    if value is None:
        assert not any(len(truth.labels) for truth in truths)
        return
    assert 0 <= value <= 1
    perfect = [
        said(*((tuple(box), 0.9, "a") for box in truth.boxes.tolist())) for truth in truths if truth.boxes is not None
    ]
    assert average_precision(truths, perfect, "a") == pytest.approx(1.0)
    # Something wrong with more confidence than all that is right never helps.
    wrong = (0.0, 0.9, 0.05, 1.0)
    worse = [
        Answer(np.vstack((boxes(wrong), one.boxes)), np.append(np.float32(0.99), one.scores), ("a", *one.labels))
        for one in answers
    ]
    assert (average_precision(truths, worse, "a") or 0) <= value + 1e-9


def test_whole_pictures_at_each_score() -> None:
    truths = [there((HERE, "a")), Truth(None, (), True), NONE, NONE, Truth(None, (), None)]
    answers = [said((THERE, 0.6, "a")), said(), said((HERE, 0.3, "a")), said(), said((HERE, 0.9, "a"))]
    points, showing, empty = points_of(truths, answers, (0.25, 0.5))
    assert [(point.hits, point.false) for point in points] == [(1, 1), (1, 0)]
    assert (showing, empty) == (2, 2)


def test_the_score_that_still_hits_so_many() -> None:
    truths = [there((HERE, "a"))] * 4 + [NONE]
    answers = [*(said((HERE, score, "a")) for score in (0.9, 0.7, 0.5)), said(), said((HERE, 0.95, "a"))]
    assert score_at_recall(truths, answers, 0.5) == pytest.approx(0.7)
    assert score_at_recall(truths, answers, 0.75) == pytest.approx(0.5)
    assert score_at_recall(truths, answers, 1.0) is None


def test_wilson_is_the_published_interval() -> None:
    # Wilson 1927; the same as R's prop.test(81, 263, correct = FALSE).
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 20)[0] == 0


def test_overlaps_of_boxes() -> None:
    found = overlaps(boxes((0, 0, 2, 2), (5, 5, 6, 6)), boxes((1, 0, 3, 2)))
    assert found.tolist() == [[pytest.approx(1 / 3)], [0]]
