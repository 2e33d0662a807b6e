"""One step for poses and points: against the whole of it, worked out at once from differences."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from edge.vision.arrays import Doubles
from edge.vision.surface import observing
from edge.vision.surface.normal_equations import step
from edge.vision.surface.observing import stacked
from edge.vision.surface.shots import Eye
from edge.vision.surface.tying import Tracks
from tests.edge.vision.surface.scenes import line_of_eyes

EYES, POINTS = 4, 30
SIGMAS = np.tile((0.8, 1.0, 1.5, *(math.radians(0.4),) * 3), (EYES, 1)) * np.array(((1.0,), (2.0,), (0.5,), (1.0,)))
POINT_WEIGHT = 1e-6


def expected_pixels(eyes: list[Eye], tracks: Tracks, moves: Doubles) -> Doubles:
    """(2 n,): of cameras and points that were moved by (6 eyes + 3 points,)."""
    poses = moves[: 6 * len(eyes)].reshape(-1, 6)
    moved = [
        eye.moved(eye.centre + pose[:3], Rotation.from_rotvec(pose[3:]).as_matrix() @ eye.turn)
        for eye, pose in zip(eyes, poses, strict=True)
    ]
    places = moves[6 * len(eyes) :].reshape(-1, 3)
    return np.concatenate([moved[eye].pixels(places[[point]])[0] for eye, point in zip(tracks.eyes, tracks.points,
                                                                                       strict=True)])  # fmt: skip


def scene(seed: int) -> tuple[list[Eye], Tracks, Doubles]:
    """Cameras and guessed points, what was seen a few pixels beside what they would show; the last eye sees nothing."""
    rng = np.random.default_rng(seed)
    eyes = line_of_eyes(EYES, 9.0)
    points = np.column_stack((rng.uniform(-12, 25, (POINTS, 2)), rng.uniform(0, 9, POINTS)))
    seen = [(eye, point) for point in range(POINTS) for eye in sorted(rng.permutation(EYES - 1)[: rng.integers(2, 4)])]
    of_eyes, of_points = np.array(seen, np.int64).T
    tracked = Tracks(of_eyes, of_points, np.zeros((len(seen), 2)), POINTS)
    start = np.concatenate((np.zeros(6 * EYES), points.ravel()))
    pixels = expected_pixels(eyes, tracked, start).reshape(-1, 2) + rng.normal(0, 1.5, (len(seen), 2))
    return eyes, Tracks(of_eyes, of_points, pixels, POINTS), points


@pytest.mark.parametrize("at_once", [1, 7, 5_000])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_step_is_that_of_all_equations_at_once(monkeypatch: pytest.MonkeyPatch, seed: int, at_once: int) -> None:
    monkeypatch.setattr(observing, "AT_ONCE", at_once)
    eyes, tracks, points = scene(seed)
    values = np.random.default_rng(seed).normal(0, 0.01, (EYES, 6))
    start = np.concatenate((np.zeros(6 * EYES), points.ravel()))
    slopes = np.empty((2 * len(tracks.eyes), len(start)))
    for number in range(len(start)):
        nudge = np.zeros(len(start))
        nudge[number] = 1e-5
        slopes[:, number] = (expected_pixels(eyes, tracks, start + nudge)
                             - expected_pixels(eyes, tracks, start - nudge)) / 2e-5  # fmt: skip
    gap = tracks.pixels.ravel() - expected_pixels(eyes, tracks, start)
    size = np.linalg.norm(gap.reshape(-1, 2), axis=1) / 0.5
    weight = np.repeat(np.minimum(1, 2.0 / size) / 0.25, 2)
    assert 0.1 < np.mean(weight < 4) < 0.9, "some are weighed down"
    normal = slopes.T @ (weight[:, None] * slopes)
    normal += np.diag(np.concatenate((1 / SIGMAS.ravel() ** 2, np.full(3 * POINTS, POINT_WEIGHT))))
    right = slopes.T @ (weight * gap)
    right[: 6 * EYES] -= (values / SIGMAS**2).ravel()
    whole = np.linalg.solve(normal, right)
    moved, places = step(stacked(eyes), tracks, points, values, SIGMAS)
    assert moved.ravel() == pytest.approx(whole[: 6 * EYES], abs=2e-5)
    assert (places - points).ravel() == pytest.approx(whole[6 * EYES :], abs=2e-4)
    assert np.abs(moved[:3, :3]).max() > 0.05, "it is a step"
    assert moved[3] == pytest.approx(-values[3]), "who sees nothing goes back to where telemetry says"
