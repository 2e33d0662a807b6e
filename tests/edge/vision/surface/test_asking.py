"""What a change model is shown of a place, and what of its answer counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from edge.vision.arrays import Floats
from edge.vision.surface.asking import changed, square_around
from edge.vision.surface.likelihood import likelihood
from edge.vision.surface.patches import Seen
from edge.vision.surface.shots import Picture
from tests.edge.vision.surface.scenes import Box, Scene, eye_at
from tests.edge.vision.surface.test_likelihood import GOOD

SHED = np.array(((-2.0, -1.5), (2.0, -1.5), (2.0, 1.5), (-2.0, 1.5)))


@dataclass
class Differing:
    """A model that says what differs by 40 levels or more."""

    gsd_m: float = 0.25
    side_px: int = 64
    shown: list[tuple[Picture, Picture]] = field(default_factory=list)

    def __call__(self, older: Picture, newer: Picture) -> Floats:
        self.shown.append((older, newer))
        return (np.abs(older.astype(np.float32) - newer).max(axis=2) >= 40).astype(np.float32)


def test_a_place_is_shown_with_its_surroundings() -> None:
    patch = square_around(SHED, 0.25, 64)
    assert (patch.rows, patch.columns, patch.texel_m) == (64, 64, 0.25)
    assert patch.pixels(np.zeros((1, 2))) == pytest.approx(np.full((1, 2), 31.5))


def test_a_large_place_is_shown_on_a_coarser_scale() -> None:
    hall = SHED * 20
    patch = square_around(hall, 0.25, 64)
    assert patch.texel_m == pytest.approx(80 / (0.6 * 64))
    inside = patch.pixels(hall)
    assert (inside > 0).all() and (inside < 63).all()


def test_only_what_is_within_the_outline_counts() -> None:
    """Each picture on the level of what stands there: the shed is compared with the ground that it stands on."""
    before, after = Scene(()), Scene((Box(-2.0, -1.5, 2.0, 1.5, 3.0),))
    eye = eye_at(6, 4)
    shown = [Seen(eye, scene.seen_by(eye), np.zeros(3)) for scene in (before, after)]
    model = Differing()
    share = changed(model, (shown[0], 0.0), (shown[1], 3.0), SHED)
    older, newer = model.shown[0]
    assert older.shape == newer.shape == (64, 64, 3)
    same = changed(Differing(), (shown[0], 0.0), (shown[0], 0.0), SHED)
    assert same == 0.0
    beside = Seen(eye, Scene((Box(-2.0, 3.0, 2.0, 6.0, 3.0),)).seen_by(eye), np.zeros(3))
    elsewhere = Differing()
    assert changed(elsewhere, (shown[0], 0.0), (beside, 0.0), SHED) == 0.0
    assert elsewhere(*elsewhere.shown[0]).any(), "something has changed in the square"
    assert share > 0.2


@pytest.mark.parametrize(("said", "more"), [(0.9, True), (0.1, False), (1.0, True), (0.0, False)])
def test_a_model_moves_the_odds_and_decides_nothing(said: float, more: bool) -> None:
    doubtful = replace(GOOD, grain=5.0, edged=0.6)
    alone = likelihood(doubtful)
    together = likelihood(replace(doubtful, changed=said))
    assert (together > alone) is more
    odds = [value / (1 - value) for value in (alone, together)]
    assert 1 / 4.5 < odds[1] / odds[0] < 4.5


def test_a_model_that_does_not_know_changes_nothing() -> None:
    assert likelihood(replace(GOOD, changed=0.5)) == pytest.approx(likelihood(GOOD))
