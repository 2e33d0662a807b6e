"""Four real photographs of one flight, as `samples.positioning.park` compares them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edge.flights.agreement import Agreement, agreement
from edge.flights.footprints import coverage_of, footprint_of
from edge.vision.pose import Pose
from samples.positioning.park import Photo, agreements, located, matched, photos_of


@pytest.fixture(scope="module")
def photos(shared_data: Path) -> list[Photo]:
    folder = shared_data / "drone" / "park_survey"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist")
    return photos_of(folder)


@pytest.fixture(scope="module")
def pairs(photos: list[Photo]) -> dict[tuple[int, int], Agreement]:
    return agreements(photos)


def test_the_same_ground_is_in_the_same_place(pairs: dict[tuple[int, int], Agreement]) -> None:
    """All neighbours have matches enough, and 95 % of the differences stay within what is stated for them.

    Features of one pair are wrong together, so that this is rather three independent trials than four hundred.
    """
    assert {(0, 1), (1, 2), (2, 3)} <= set(pairs)
    distances = np.concatenate([found.distances_m for found in pairs.values()])
    radii = np.concatenate([found.radii_95_m for found in pairs.values()])
    assert len(distances) > 250
    assert (distances <= radii).mean() >= 0.95
    # And they say something: a radius of ten metres would hold anything.
    assert np.median(radii) < 4.0
    assert np.percentile(distances, 95) > 0.2 * np.median(radii)


def test_a_wrong_record_is_noticed(photos: list[Photo]) -> None:
    """Turned by 15° of yaw, a neighbour no longer agrees: its places leave their radius."""
    one, other = photos[2], photos[3]
    pixels = matched(one, other, (located(one).points(one.corners), located(other).points(other.corners)))
    assert pixels is not None
    around = np.radians(15)
    turn = np.array(((np.cos(around), np.sin(around), 0), (-np.sin(around), np.cos(around), 0), (0, 0, 1)))
    pose = Pose(other.pose.east_m, other.pose.north_m, other.pose.up_m, turn @ other.pose.turn, other.pose.covariance)
    wrong = located(replace(other, pose=pose))
    assert agreement(located(one), wrong, pixels, (one.errors, other.errors)).share_within < 0.05


def test_neighbours_overlap(photos: list[Photo]) -> None:
    """14 m apart and 38 m of ground in the direction of flight: 63-65 %, from the poses alone."""
    outlines = [located(one).outline() for one in photos]
    found = coverage_of([footprint_of(outline) for outline in outlines])
    assert found.forward_overlap == pytest.approx((0.64, 0.64, 0.64), abs=0.04)
    assert not found.gaps
    assert 0 < found.twice_m2 < found.area_m2
