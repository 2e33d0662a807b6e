"""Satellite pairs: figures can be taken. How good they are is printed by `measure`, not asserted."""

from __future__ import annotations

import numpy as np
import pytest

from tests.edge.vision.change.measure import FOLDER, ZOOM, Counts, counts, figures, line, read


def test_counts_of_pixels_and_pieces() -> None:
    label = np.zeros((64, 64), np.uint8)
    label[4:24, 4:24] = 255
    label[40:52, 40:52] = 255
    label[60, 60] = 255
    found = np.zeros((128, 128), np.uint8)
    found[8:48, 8:28] = 255
    assert counts(found, label) == Counts(200, 0, 400 + 144 + 1 - 200, 2, 1)
    total = counts(found, label) + counts(found, label)
    assert total.recall == 0.5
    assert total.f1 == pytest.approx(2 * 200 / (2 * 200 + 345))
    assert "pieces 2/4" in line("x", total, total)


def test_a_pair_gives_figures() -> None:
    if not FOLDER.is_dir():
        pytest.skip("the shared satellite pairs are not on this machine")
    before, after = (read(FOLDER / side / "6_3.png") for side in ("A", "B"))
    assert before.shape == after.shape == (256 * ZOOM, 256 * ZOOM, 3)
    before, after = (np.ascontiguousarray(each[200:600, 200:600]) for each in (before, after))
    score, candidates = figures(before, after, np.full((100, 100), 255, np.uint8))
    assert score.both > 0
    assert candidates.pieces == 1
    same, none = figures(before, before, np.zeros((100, 100), np.uint8))
    assert (same.found, none.found) == (0, 0)
