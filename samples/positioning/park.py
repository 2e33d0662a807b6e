"""Four real photographs of one flight: do they put the same ground in the same place, as far as they may?

A Phantom 3 over a road between a wood and a lawn, 40 m up, straight down. Crowns are 10 m and more above the ground
that the photographs are laid on, so features count only on the road and its edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from contract.geometry import Point
from edge.flights.agreement import Agreement, agreement
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

FOLDER = Path("../shared/data/drone/park_survey")
"""Where it is there; the project does not ship it."""
PLANE = LocalPlane(Point(coordinates=(-91.9944, 46.8427)))
SHRUNK = 4
"""Features are looked for at a quarter of the size: asphalt's grain does not come back, cracks and stones do."""
PIXEL_SIGMA_PX = 2.0
"""Half a pixel of the shrunken picture."""
SEARCH_M = 4.0
"""Around the place that the pose predicts: beyond it the flight would be refuted anyway."""
_LEAST_MATCHES = 20


@dataclass(frozen=True, slots=True, eq=False)
class Photo:
    lens: Lens
    pose: Pose
    errors: PoseErrors
    corners: Doubles
    """(n, 2) pixels of the whole picture."""
    descriptors: NDArray[np.float32]


def photos_of(folder: Path) -> list[Photo]:
    """In the order of their names.

    Raises:
        edge.flights.telemetry.TelemetryError: one cannot be read.
    """
    return [_photo(path) for path in sorted(folder.glob("*.JPG"))]


def agreements(photos: list[Photo]) -> dict[tuple[int, int], Agreement]:
    """Of all pairs that show enough of the same ground."""
    locators = [located(one) for one in photos]
    places = [locator.points(one.corners) for locator, one in zip(locators, photos, strict=True)]
    found = {}
    for first, second in combinations(range(len(photos)), 2):
        pixels = matched(photos[first], photos[second], (places[first], places[second]))
        if pixels is not None:
            errors = (photos[first].errors, photos[second].errors)
            found[first, second] = agreement(locators[first], locators[second], pixels, errors)
    return found


def located(photo: Photo) -> Locator:
    """Over level ground at the height of the takeoff."""
    return Locator(photo, LevelGround(), PLANE, pixel_sigma_px=PIXEL_SIGMA_PX)


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
    if len(ours) < _LEAST_MATCHES:
        return None
    cv2.setRNGSeed(1)
    _, fits = cv2.findHomography(ours, theirs, cv2.USAC_MAGSAC, 6.0, maxIters=10_000, confidence=0.9999)
    fitting = fits.ravel() > 0
    return (ours[fitting], theirs[fitting]) if fitting.sum() >= _LEAST_MATCHES else None


def _photo(path: Path) -> Photo:
    still = read_still(path)
    if still.fix is None:
        raise ValueError(f"{path}: found no position, expected one of the survey's photographs")
    posed = pose_of(still.fix, PLANE, LevelGround())
    picture = cv2.imread(str(path))
    if picture is None:
        raise ValueError(f"{path}: found no picture that can be decoded")
    height, width = picture.shape[:2]
    small = np.asarray(cv2.resize(picture, (width // SHRUNK, height // SHRUNK), interpolation=cv2.INTER_AREA), np.uint8)
    found, descriptors = cv2.SIFT.create(8000, 3, 0.01).detectAndCompute(
        cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), _road(small)
    )
    corners = (np.array([point.pt for point in found]) + 0.5) * SHRUNK - 0.5
    lens = lens_of(width=width, height=height, model=still.lens.model, focal_mm=still.lens.focal_mm).lens
    return Photo(lens, posed.pose, posed.errors, corners, np.asarray(descriptors, np.float32))


def _road(small: NDArray[np.uint8]) -> Mask:
    """Large grey areas and the 0.7 m beside them."""
    colours = cv2.cvtColor(small, cv2.COLOR_BGR2HSV)
    grey = ((colours[..., 1] < 70) & (colours[..., 2] > 70)).astype(np.uint8) * np.uint8(255)
    without_dots = cv2.morphologyEx(grey, cv2.MORPH_OPEN, np.ones((4, 4)))
    whole = cv2.morphologyEx(without_dots, cv2.MORPH_CLOSE, np.ones((12, 12)))
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(whole)
    large = np.flatnonzero(statistics[:, cv2.CC_STAT_AREA] > 5000)
    kept = np.isin(labels, large[large > 0]).astype(np.uint8) * np.uint8(255)
    return np.asarray(cv2.dilate(kept, np.ones((20, 20))), np.uint8)
