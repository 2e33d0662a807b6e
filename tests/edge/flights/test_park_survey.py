"""Four real photographs of one flight: do they put the same ground in the same place, as far as they may?

`pytest tests/edge/flights/test_park_survey.py -s` prints the figures of docs/edge/positioning.md.

A Phantom 3 over a road between a wood and a lawn, 40 m up, straight down. Crowns are 10 m and more above the ground
that the photographs are laid on, so features count only on the road and its edge: what is grey, and what lies beside
it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from contract.geometry import Point
from edge.flights.agreement import Agreement, agreement
from edge.flights.footprints import coverage_of, footprint_of
from edge.flights.ground import LevelGround
from edge.flights.lenses import lens_of
from edge.flights.local import LocalPlane
from edge.flights.locating import Locator
from edge.flights.posing import pose_of
from edge.flights.reading.stills import read_still
from edge.flights.uncertainty import PoseErrors
from edge.vision.arrays import Doubles, Mask
from edge.vision.lens import Lens
from edge.vision.pose import Pose

SHRUNK = 4
"""Features are looked for at a quarter of the size: asphalt's grain does not come back, cracks and stones do."""
PIXEL_SIGMA_PX = 2.0
"""Half a pixel of the shrunken picture."""
SEARCH_M = 4.0
"""Around the place that the pose predicts: beyond it the flight would be refuted anyway."""


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    lens: Lens
    pose: Pose
    errors: PoseErrors
    corners: Doubles
    """(n, 2) pixels of the whole picture."""
    descriptors: NDArray[np.float32]


@pytest.fixture(scope="module")
def plane() -> LocalPlane:
    return LocalPlane(Point(coordinates=(-91.9944, 46.8427)))


@pytest.fixture(scope="module")
def photos(shared_data: Path, plane: LocalPlane) -> list[Photo]:
    folder = shared_data / "drone" / "park_survey"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist")
    cv2.setRNGSeed(1)
    return [photo(path, plane) for path in sorted(folder.glob("*.JPG"))]


def photo(path: Path, plane: LocalPlane) -> Photo:
    still = read_still(path)
    assert still.fix is not None
    posed = pose_of(still.fix, plane, LevelGround())
    picture = cv2.imread(str(path))
    height, width = picture.shape[:2]
    small = cv2.resize(picture, (width // SHRUNK, height // SHRUNK), interpolation=cv2.INTER_AREA)
    found, descriptors = cv2.SIFT_create(8000, contrastThreshold=0.01).detectAndCompute(
        cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), road(small)
    )
    corners = (np.array([point.pt for point in found]) + 0.5) * SHRUNK - 0.5
    lens = lens_of(width=width, height=height, model=still.lens.model, focal_mm=still.lens.focal_mm).lens
    return Photo(lens, posed.pose, posed.errors, corners, descriptors)


def road(small: NDArray[np.uint8]) -> Mask:
    """Large grey areas and the 0.7 m beside them."""
    colours = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    grey = ((colours[..., 1] < 70) & (colours[..., 2] > 70)).astype(np.uint8) * np.uint8(255)
    grey = cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((4, 4)))
    grey = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((12, 12)))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(grey)
    large = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] > 5000)
    kept = np.isin(labels, large[large > 0]).astype(np.uint8) * np.uint8(255)
    return np.asarray(cv2.dilate(kept, np.ones((20, 20))), np.uint8)


def matched(first: Photo, second: Photo, places: tuple[Doubles, Doubles]) -> tuple[Doubles, Doubles] | None:
    """Pixels of the same ground: near where the poses say, best both ways, and in one homography."""
    apart = np.linalg.norm(places[0][:, None, :2] - places[1][None, :, :2], axis=2)
    squares = (first.descriptors**2).sum(axis=1)[:, None] + (second.descriptors**2).sum(axis=1)
    unlike = np.sqrt(np.maximum(squares - 2 * first.descriptors @ second.descriptors.T, 0.0))
    unlike = np.where(apart < SEARCH_M, unlike, np.inf)
    best, next_best = np.argsort(unlike, axis=1)[:, :2].T
    rows = np.arange(len(unlike))
    clear = np.isfinite(unlike[rows, best]) & (unlike[rows, best] < 0.85 * unlike[rows, next_best])
    clear &= np.argmin(unlike, axis=0)[best] == rows
    ours, theirs = first.corners[clear], second.corners[best[clear]]
    if len(ours) < 20:
        return None
    _, fits = cv2.findHomography(ours, theirs, cv2.USAC_MAGSAC, 6.0, maxIters=10_000, confidence=0.9999)
    fitting = fits.ravel() > 0
    return (ours[fitting], theirs[fitting]) if fitting.sum() >= 20 else None


@pytest.fixture(scope="module")
def pairs(photos: list[Photo], plane: LocalPlane) -> dict[tuple[int, int], Agreement]:
    locators = [Locator(one, LevelGround(), plane, pixel_sigma_px=PIXEL_SIGMA_PX) for one in photos]
    places = [locator.points(one.corners) for locator, one in zip(locators, photos, strict=True)]
    found = {}
    for first, second in combinations(range(len(photos)), 2):
        pixels = matched(photos[first], photos[second], (places[first], places[second]))
        if pixels is not None:
            errors = (photos[first].errors, photos[second].errors)
            found[first, second] = agreement(locators[first], locators[second], pixels, errors)
    return found


def test_the_same_ground_is_in_the_same_place(pairs: dict[tuple[int, int], Agreement]) -> None:
    """All neighbours have matches enough, and 95 % of the differences stay within what is stated for them.

    Features of one pair are wrong together, so that this is rather three independent trials than four hundred.
    """
    assert {(0, 1), (1, 2), (2, 3)} <= set(pairs)
    print("\nphotos  features  median m  p95 m  stated radius m  within")
    for (first, second), found in pairs.items():
        median, p95 = np.percentile(found.distances_m, (50, 95))
        print(
            f"{first + 18}-{second + 18}   {len(found.distances_m):8}  {median:8.2f}  {p95:5.2f}  "
            f"{np.median(found.radii_95_m):15.2f}  {found.share_within:6.0%}"
        )
    distances = np.concatenate([found.distances_m for found in pairs.values()])
    radii = np.concatenate([found.radii_95_m for found in pairs.values()])
    median, p95 = np.percentile(distances, (50, 95))
    share = float((distances <= radii).mean())
    print(f"all     {len(distances):8}  {median:8.2f}  {p95:5.2f}  {np.median(radii):15.2f}  {share:6.0%}")
    assert len(distances) > 250
    assert share >= 0.95
    # And they say something: a radius of ten metres would hold anything.
    assert np.median(radii) < 4.0
    assert p95 > 0.2 * np.median(radii)


def test_a_wrong_record_is_noticed(photos: list[Photo], plane: LocalPlane) -> None:
    """Turned by 15° of yaw, a neighbour no longer agrees: its places leave their radius."""
    one, other = photos[2], photos[3]
    locators = [Locator(it, LevelGround(), plane, pixel_sigma_px=PIXEL_SIGMA_PX) for it in (one, other)]
    pixels = matched(one, other, (locators[0].points(one.corners), locators[1].points(other.corners)))
    assert pixels is not None
    around = np.radians(15)
    turn = np.array(((np.cos(around), np.sin(around), 0), (-np.sin(around), np.cos(around), 0), (0, 0, 1)))
    pose = Pose(other.pose.east_m, other.pose.north_m, other.pose.up_m, turn @ other.pose.turn, other.pose.covariance)
    wrong = Locator(Photo(other.lens, pose, other.errors, other.corners, other.descriptors), LevelGround(), plane)
    assert agreement(locators[0], wrong, pixels, (one.errors, other.errors)).share_within < 0.05


def test_neighbours_overlap(photos: list[Photo], plane: LocalPlane) -> None:
    """14 m apart and 38 m of ground in the direction of flight: 63-65 %, from the poses alone."""
    outlines = [Locator(one, LevelGround(), plane).outline() for one in photos]
    found = coverage_of([footprint_of(outline) for outline in outlines])
    assert found.forward_overlap == pytest.approx((0.64, 0.64, 0.64), abs=0.04)
    assert not found.gaps
    assert 0 < found.twice_m2 < found.area_m2
