"""The ground plane: against cameras whose geometry is known, and its uncertainty against drawn errors."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from edge.vision.ground import GroundFit, fit_ground, radius_95

HEIGHT_M, TILT, FOCAL_PX = 8.0, math.radians(25), 1400.0
PLACES = ((-6.0, 10.0), (6.0, 10.0), (9.0, 30.0), (-9.0, 30.0), (0.0, 18.0), (4.0, 24.0))
"""Metres right of and before a camera 8 m high that looks 25° down, 1920 × 1080."""


def pixel(right_m: float, ahead_m: float, roll: float = 0.0) -> tuple[float, float]:
    depth = ahead_m * math.cos(TILT) + HEIGHT_M * math.sin(TILT)
    x, y = right_m / depth, (HEIGHT_M * math.cos(TILT) - ahead_m * math.sin(TILT)) / depth
    cosine, sine = math.cos(roll), math.sin(roll)
    return 960 + FOCAL_PX * (cosine * x - sine * y), 540 + FOCAL_PX * (sine * x + cosine * y)


def fitted(
    count: int = 6, *, roll: float = 0.0, wrong: Sequence[tuple[int, float]] = (), error_px: float = 3.0
) -> GroundFit:
    """Through exact points, some moved by metres."""
    metres = [list(place) for place in PLACES[:count]]
    for index, by_m in wrong:
        metres[index][0] += by_m
    seen = [pixel(*place, roll) for place in PLACES[:count]]
    return fit_ground(seen, [(x, y) for x, y in metres], pixel_error_px=error_px, point_error_m=0.2)


@pytest.mark.parametrize("count", [4, 5, 6])
@pytest.mark.parametrize("roll", [0.0, 0.4], ids=["level", "rolled"])
def test_exact_points_give_exact_places(count: int, roll: float) -> None:
    plane = fitted(count, roll=roll).plane
    for place in ((0.0, 12.0), (5.0, 20.0), (-8.0, 35.0), (0.0, 60.0)):
        found = plane.at(*pixel(*place, roll))
        assert found is not None
        assert (found.east_m, found.north_m) == pytest.approx(place, abs=1e-4)


@pytest.mark.parametrize("roll", [0.0, 0.4], ids=["level", "rolled"])
def test_a_pixel_across_the_line_of_sight(roll: float) -> None:
    """It is worth the depth over the focal length, whichever way the camera is rolled."""
    plane = fitted(roll=roll).plane
    for right, ahead in ((0.0, 12.0), (0.0, 40.0), (3.0, 25.0)):
        depth = ahead * math.cos(TILT) + HEIGHT_M * math.sin(TILT)
        assert plane.metres_per_pixel(*pixel(right, ahead, roll)) == pytest.approx(depth / FOCAL_PX, rel=0.05)


def test_above_the_horizon_is_nothing() -> None:
    plane = fitted().plane
    horizon = 540 - FOCAL_PX * math.tan(TILT)
    assert plane.at(960, horizon + 3) is not None
    for y in (horizon - 1, horizon - 500):
        assert plane.at(960, y) is None
        assert plane.metres_per_pixel(960, y) is None
        assert not plane.faces(960, y)


def test_uncertainty_grows_with_distance_and_outside_of_the_points() -> None:
    plane = fitted().plane
    radii = []
    for ahead in (15.0, 30.0, 45.0, 60.0, 90.0):
        found = plane.at(*pixel(0.0, ahead), 3.0)
        assert found is not None
        radii.append(found.radius_95_m)
    assert radii == sorted(radii)
    assert radii[0] < 1 < radii[-1]


@pytest.mark.parametrize("count", [4, 6])
def test_the_circle_holds_what_it_promises(count: int) -> None:
    """Calibrations with drawn errors: the true place lies in the 95 % circle in 95 % of them, not far more or less."""
    random = np.random.default_rng(5)
    places = ((0.0, 12.0), (5.0, 20.0), (-8.0, 35.0), (0.0, 45.0))
    inside = []
    for _ in range(150):
        seen = [tuple(np.array(pixel(*place)) + random.normal(0, 2, 2)) for place in PLACES[:count]]
        metres = [tuple(np.array(place) + random.normal(0, 0.2, 2)) for place in PLACES[:count]]
        plane = fit_ground(seen, metres, pixel_error_px=2, point_error_m=0.2).plane
        for place in places:
            found = plane.at(*(np.array(pixel(*place)) + random.normal(0, 2, 2)), 2.0)
            assert found is not None
            off = math.hypot(found.east_m - place[0], found.north_m - place[1])
            inside.append(off <= found.radius_95_m)
    assert 0.92 <= np.mean(inside) <= 0.985


def test_a_wrong_point_shows_itself() -> None:
    good, bad = fitted(), fitted(wrong=[(5, 6.0)])
    assert good.misfit == pytest.approx(0, abs=1e-6)
    assert not good.is_contradictory
    assert bad.is_contradictory
    worst = max(range(6), key=lambda index: bad.residuals[index].deviations)
    assert worst == 5
    assert bad.residuals[5].metres > 1
    exact, loose = (fit.plane.at(*pixel(0.0, 20.0)) for fit in (good, bad))
    assert exact is not None
    assert loose is not None
    assert loose.radius_95_m > 2 * exact.radius_95_m, "points that contradict each other promise less"


def test_four_points_cannot_contradict_each_other() -> None:
    fit = fitted(4, wrong=[(2, 6.0)])
    assert fit.misfit == 0
    assert not fit.is_contradictory
    assert max(residual.metres for residual in fit.residuals) < 1e-6


def test_a_mirrored_plane_is_seen_from_below() -> None:
    seen = [pixel(*place) for place in PLACES[:4]]
    plane = fit_ground(seen, [(-x, y) for x, y in PLACES[:4]], pixel_error_px=3, point_error_m=0.2).plane
    assert not plane.faces(*seen[0])
    assert fitted().plane.faces(*seen[0])


SQUARE = ((0.0, 0.0), (100.0, 0.0), (100.0, 100.0), (0.0, 100.0))


@pytest.mark.parametrize(
    ("pixels", "metres", "reason"),
    [
        (SQUARE[:3], SQUARE[:3], "at least 4"),
        (((0, 0), (1, 1), (2, 2), (3, 3)), SQUARE, "pixels on a line"),
        (SQUARE, ((0, 0), (1, 1), (2, 2), (3, 3)), "places on a line"),
        (SQUARE, ((0, 0), (0, 0), (2, 2), (3, 4)), "coincide"),
        (SQUARE, ((0, 0), (50, 50), (100, 100), (0, 100)), "three of four places on a line"),
        (SQUARE, ((0, 0), (100, 100), (100, 0), (0, 100)), "horizon|mirrored|line"),
    ],
    ids=["three", "pixels_in_line", "places_in_line", "twice_the_same", "three_in_line", "crossed"],
)
def test_points_that_span_no_ground_are_refused(
    pixels: Sequence[tuple[float, float]], metres: Sequence[tuple[float, float]], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        fit_ground(pixels, metres, pixel_error_px=3, point_error_m=1)


@pytest.mark.parametrize("ratio", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_the_radius_that_holds_95_percent(ratio: float) -> None:
    random = np.random.default_rng(3)
    drawn = random.normal(0, 1, (200_000, 2)) * (2.0, 2.0 * ratio)
    turned = drawn @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    assert radius_95(np.cov(turned.T)) == pytest.approx(float(np.quantile(np.hypot(*turned.T), 0.95)), rel=0.01)
