"""A noise-free flight over a generated town: its ground lies where a picture from very far above shows it."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
import shapely
from pyproj import Transformer

from edge.flights.ground import LevelGround
from edge.flights.local import LocalPlane
from edge.flights.mosaic.agreeing import Agree, as_stated, tied
from edge.flights.mosaic.making import make_mosaic
from edge.flights.mosaic.manifest import GEOTIFF
from edge.flights.mosaic.settings import MosaicSettings
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from samples.town import NO_NOISE, Plan, make_pair
from tests.edge.flights.mosaic.painted import of_frames

GSD_M = 0.3
SIDE_PX = 400
"""120 m of the middle."""
FAR_M = 6_000.0
"""A roof of 6 m leans by 6 cm at the most."""


@pytest.mark.parametrize(("agree", "median_px", "most_px"), [(as_stated, 0.5, 1.2), (tied, 1.2, 2.3)])
def test_a_noise_free_town(tmp_path: Path, agree: Agree, median_px: float, most_px: float) -> None:
    """What lies on roads is found again where it is, to the pixel; to make agree what does agree costs one at most."""
    pair = make_pair(6, 130.0, plan=Plan(320, 240, GSD_M), noise=NO_NOISE, changes=0, mix="farmland")
    town = pair.truth.after.town
    placed = of_frames(pair.after, LevelGround())
    make_mosaic(placed, tmp_path, MosaicSettings(gsd_m=GSD_M, jpeg_quality=95), agree=agree)
    middle = (SIDE_PX - 1) / 2
    with rasterio.open(tmp_path / GEOTIFF) as file:
        there = Transformer.from_crs(LocalPlane(town.origin).crs, file.crs, always_xy=True)
        origin, north = (np.array(there.transform(*at)) for at in ((0.0, 0.0), (0.0, 100.0)))
        column, row = (origin[0] - file.transform.c) / GSD_M - 0.5, (file.transform.f - origin[1]) / GSD_M - 0.5
        mosaic = np.moveaxis(file.read(), 0, 2)[..., ::-1]
    # The grid's north is not the town's: the camera is turned as the grid is.
    yaw = -math.degrees(math.atan2(*(north - origin)))
    lens = Lens(SIDE_PX, SIDE_PX, FAR_M / GSD_M, FAR_M / GSD_M, middle, middle)
    above = Pose(0.0, 0.0, FAR_M, turned(yaw, -90, 0))
    true = cv2.cvtColor(pair.truth.after.renderer.picture(lens, above, 0), cv2.COLOR_BGR2GRAY)
    shift = np.array(((1, 0, middle - column), (0, 1, middle - row)), np.float64)
    shown = cv2.cvtColor(cv2.warpAffine(mosaic, shift, (SIDE_PX, SIDE_PX), flags=cv2.INTER_CUBIC), cv2.COLOR_BGR2GRAY)
    corners = cv2.goodFeaturesToTrack(true, 300, 0.03, 6).reshape(-1, 2)
    rays = above.to_world(lens.directions(corners.astype(np.float64)))
    roads = shapely.union_all([
        shapely.LineString((road.from_m, road.to_m)).buffer(road.width_m / 2 - 1) for road in town.roads
    ])  # fmt: skip
    leaning = shapely.union_all(
        [shapely.Point(tree.east_m, tree.north_m).buffer(tree.radius_m + 1) for tree in town.trees]
    )
    level = shapely.contains_xy(roads.difference(leaning), *(FAR_M * rays[:, :2] / -rays[:, 2:]).T)
    gaps = _gaps(true, shown, corners[level].astype(np.int64))
    assert len(gaps) >= 15
    assert np.median(gaps) < median_px
    # The rest are cars, which are taller than the road.
    assert (gaps < most_px).mean() > 0.85


def _gaps(one: np.ndarray, other: np.ndarray, corners: np.ndarray, reach: int = 6, half: int = 8) -> np.ndarray:
    """How many pixels away from where they are the surroundings of corners are found."""
    found = []
    for x, y in corners:
        if min(x, y) < half + reach or max(x, y) >= SIDE_PX - half - reach:
            continue
        part = one[y - half : y + half + 1, x - half : x + half + 1]
        wide = other[y - half - reach : y + half + reach + 1, x - half - reach : x + half + reach + 1]
        likeness = cv2.matchTemplate(wide, part, cv2.TM_CCOEFF_NORMED)
        if likeness.max() > 0.8:
            at = np.unravel_index(int(likeness.argmax()), likeness.shape)
            found.append(float(np.hypot(at[0] - reach, at[1] - reach)))
    return np.array(found)
