"""Points that are found again: what is kept of each."""

from __future__ import annotations

import numpy as np
import pytest

from edge.vision.change.features import MOST_POINTS, Features, find_features


def test_descriptors_have_one_length_and_histograms_take_an_eighth_of_a_kilobyte() -> None:
    rng = np.random.default_rng(3)
    found = find_features(rng.integers(0, 255, (600, 800, 3), np.uint8))
    assert 500 < len(found.points) <= MOST_POINTS
    assert np.linalg.norm(found.descriptors(), axis=1) == pytest.approx(np.ones(len(found.points)), abs=1e-5)
    assert found.histograms.nbytes == 128 * len(found.points)
    # Of strong contrast the highest values are cut off at 255, none runs over into small ones.
    assert found.histograms.max() > 100


def test_a_histogram_of_nothing_is_like_nothing() -> None:
    blank = Features(np.zeros((2, 2)), np.zeros((2, 128), np.uint8), 1.0)
    assert blank.descriptors().tolist() == np.zeros((2, 128)).tolist()
