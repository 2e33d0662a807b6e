"""Where things lie in a mosaic: discs of which the place on the earth is known, found again in both files."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from pmtiles.reader import MmapSource, Reader, all_tiles
from pyproj import Transformer

from edge.detectors.interface import Image
from edge.flights.ground import Datum, GridGround
from edge.flights.local import LocalPlane
from edge.flights.mosaic.agreeing import as_stated, tied
from edge.flights.mosaic.blending import Blender
from edge.flights.mosaic.framing import framed, outline_of
from edge.flights.mosaic.gains import no_gains
from edge.flights.mosaic.grid import Block, Grid, GridPlaces, grid_over
from edge.flights.mosaic.making import make_mosaic
from edge.flights.mosaic.manifest import GEOTIFF, PMTILES, MosaicManifest
from edge.flights.mosaic.pictures import Pictures
from edge.flights.mosaic.settings import MosaicSettings
from edge.flights.shots import NoProgress
from edge.sources.errors import SourceError
from edge.vision.pose import Pose, turned
from edge.vision.rays import HeightGrid
from tests.edge.flights.mosaic.painted import DOT_M, ORIGIN, Painting, dots, flown, of_frames, painting, stations

GSD_M = 0.2


@pytest.fixture(scope="module")
def ground() -> Painting:
    return painting()


@pytest.fixture(scope="module")
def made(ground: Painting, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MosaicManifest]:
    out = tmp_path_factory.mktemp("mosaic")
    settings = MosaicSettings(gsd_m=GSD_M, jpeg_quality=95, webp_quality=95)
    return out, make_mosaic(flown(ground, stations()), out, settings, agree=as_stated)


def found_near(grey: np.ndarray, column: float, row: float, radius_px: float) -> tuple[float, float] | None:
    """The middle of the bright disc around a pixel; None where the disc is not wholly shown."""
    reach = math.ceil(2 * radius_px)
    left, top = round(column) - reach, round(row) - reach
    part = grey[max(top, 0) : top + 2 * reach + 1, max(left, 0) : left + 2 * reach + 1].astype(np.float64)
    if part.shape != (2 * reach + 1, 2 * reach + 1) or (part == 0).any():
        return None
    # Between the ground's 130 and the disc's 235, by how much of a pixel is disc.
    share = np.clip((part - 150) / 85, 0, 1)
    rows, columns = np.indices(part.shape)
    return float((share * columns).sum() / share.sum()) + left, float((share * rows).sum() / share.sum()) + top


def test_what_is_shown_lies_where_it_is(made: tuple[Path, MosaicManifest]) -> None:
    """Half a pixel for all, a fifth for most: from WGS-84 to the GeoTIFF by way of PROJ, not of our plane."""
    with rasterio.open(made[0] / GEOTIFF) as file:
        grey = cv2.cvtColor(np.moveaxis(file.read(), 0, 2), cv2.COLOR_RGB2GRAY)
        grey = np.where(file.read_masks(1) == 255, np.maximum(grey, 1), 0)
        there, place = Transformer.from_crs("EPSG:4326", file.crs, always_xy=True), file.transform
    plane = LocalPlane(ORIGIN)
    gaps = []
    for east, north in dots(80.0):
        longitude, latitude = plane.degrees(np.array([(east, north)]))[0]
        x, y = there.transform(longitude, latitude)
        column, row = (x - place.c) / place.a - 0.5, (y - place.f) / place.e - 0.5
        at = found_near(grey, column, row, DOT_M / GSD_M)
        if at is not None:
            gaps.append(math.hypot(at[0] - column, at[1] - row))
    assert len(gaps) >= 20
    assert max(gaps) < 0.5
    assert np.median(gaps) < 0.2


def test_the_tiles_lie_where_the_webs_maps_have_them(made: tuple[Path, MosaicManifest]) -> None:
    tiles, facts = {}, made[1].tiles
    with (made[0] / PMTILES).open("rb") as file:
        for (zoom, column, row), data in all_tiles(MmapSource(file)):
            if zoom == facts.most_zoom:
                tiles[column, row] = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    left, top = min(column for column, _ in tiles), min(row for _, row in tiles)
    right, low = max(column for column, _ in tiles), max(row for _, row in tiles)
    whole = np.zeros(((low - top + 1) * 256, (right - left + 1) * 256), np.uint8)
    for (column, row), tile in tiles.items():
        grey = np.maximum(cv2.cvtColor(tile[..., :3], cv2.COLOR_BGR2GRAY), 1)
        if tile.shape[2] == 4:
            grey = np.where(tile[..., 3] == 255, grey, 0)
        whole[(row - top) * 256 : (row - top + 1) * 256, (column - left) * 256 : (column - left + 1) * 256] = grey
    plane, gaps = LocalPlane(ORIGIN), []
    side = 2**facts.most_zoom * 256
    metres = 40_075_016.7 * math.cos(math.radians(ORIGIN.latitude)) / side
    for east, north in dots(80.0):
        longitude, latitude = plane.degrees(np.array([(east, north)]))[0]
        # As every slippy map computes it.
        column = (longitude + 180) / 360 * side - left * 256 - 0.5
        row = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2 * side - top * 256 - 0.5
        at = found_near(whole, column, row, DOT_M / metres)
        if at is not None:
            gaps.append(math.hypot(at[0] - column, at[1] - row))
    assert len(gaps) >= 20
    assert max(gaps) < 0.7
    assert np.median(gaps) < 0.3


def test_a_mosaic_of_many_blocks_is_one_picture(ground: Painting) -> None:
    """What two blocks have in common is the same to the byte: their borders cannot be seen."""
    placed = flown(ground, stations())
    frames = placed.flight.frames
    shown, _ = framed(frames, [each.pose for each in frames], placed.ground, placed.flight.plane)
    grid = grid_over(outline_of(shown), placed.flight.plane, GSD_M)
    blender = Blender(shown, no_gains(len(shown)).factors, GridPlaces(grid, placed.flight.plane), placed.ground, 1.5)
    pictures = Pictures(GSD_M, 10**9)
    left = blender.block(Block(96, 64, 160, 200), pictures)
    right = blender.block(Block(192, 112, 200, 200), pictures)
    assert left is not None and right is not None
    assert (left.bgra[48:, 96:] == right.bgra[:152, :64]).all()
    assert left.bgra[48:, 96:, 3].all()
    assert len(left.used) > 2


def test_hills_are_taken_out(tmp_path: Path) -> None:
    """A slope of 20 %: from an elevation model each disc is where it is, on level ground some are metres off."""
    plane = LocalPlane(ORIGIN)
    heights = np.tile(np.arange(-100, 101) * 0.2, (201, 1))
    slope = GridGround(HeightGrid(heights, -100.0, 100.0, 1.0), Datum.SEA, 0.1)
    poses = [Pose(east, 0.0, 60.0, turned(0, -90, 0)) for east in (-20.0, 0.0, 20.0)]
    ground = painting()
    pictures = []
    for pose in poses:
        lens = flown(ground, poses).flight.frames[0].lens
        columns, rows = np.meshgrid(np.arange(lens.width), np.arange(lens.height))
        rays = pose.to_world(lens.directions(np.stack((columns.ravel(), rows.ravel()), 1).astype(np.float64)))
        # up + s · ray_up = 0.2 (east + s · ray_east)
        along = (0.2 * pose.east_m - pose.up_m) / (rays[:, 2] - 0.2 * rays[:, 0])
        places = pose.centre[:2] + along[:, None] * rays[:, :2]
        at = ground.texels(places).reshape(lens.height, lens.width, 2).astype(np.float32)
        pictures.append(np.asarray(cv2.remap(ground.bgr, at[..., 0], at[..., 1], cv2.INTER_LINEAR), np.uint8))
    read = {number: picture.copy for number, picture in enumerate(pictures)}
    placed = of_frames(flown(ground, poses, read=read).flight, slope)
    make_mosaic(placed, tmp_path, MosaicSettings(gsd_m=GSD_M, jpeg_quality=95), agree=as_stated)
    with rasterio.open(tmp_path / GEOTIFF) as file:
        grey = cv2.cvtColor(np.moveaxis(file.read(), 0, 2), cv2.COLOR_RGB2GRAY)
        grey = np.where(file.read_masks(1) == 255, np.maximum(grey, 1), 0)
        there, place = Transformer.from_crs(plane.crs, file.crs, always_xy=True), file.transform
    gaps = []
    for east, north in dots(80.0):
        x, y = there.transform(east, north)
        column, row = (x - place.c) / place.a - 0.5, (y - place.f) / place.e - 0.5
        at = found_near(grey, column, row, DOT_M / GSD_M)
        if at is not None:
            gaps.append(math.hypot(at[0] - column, at[1] - row))
    assert len(gaps) >= 8
    assert max(gaps) < 0.7


def test_poses_that_disagree_are_made_to_agree() -> None:
    """Stated half a metre and a third of a degree off: kerbs would break by pixels. The flight as a whole stays."""
    rng = np.random.default_rng(3)
    true = stations(2, 4)
    said = []
    for pose in true:
        turn = cv2.Rodrigues(rng.normal(0, math.radians(0.3), 3))[0] @ pose.turn
        east, north, up = pose.centre + rng.normal(0, 0.5, 3)
        said.append(Pose(float(east), float(north), float(up), turn))
    agreed = tied(flown(painting(rough=True), true, said=said), NoProgress())
    assert agreed.ties >= 15
    assert agreed.before_m > 0.05
    assert agreed.after_m < 0.02

    def spread(poses: list[Pose]) -> float:
        """How much pictures disagree about where the ground is, from poses alone."""
        ends = np.array([_below(one) - _below(other) for one, other in zip(poses, true, strict=True)])
        return float(np.linalg.norm(ends - ends.mean(axis=0), axis=1).max())

    assert spread(list(agreed.poses)) < 0.35 * spread(said)
    mean = np.mean([_below(one) - _below(other) for one, other in zip(agreed.poses, true, strict=True)], axis=0)
    assert np.linalg.norm(mean) < 0.6
    for pose in agreed.poses:
        assert np.allclose(pose.turn @ pose.turn.T, np.eye(3), atol=1e-12)


def test_what_cannot_be_tied_keeps_its_pose(ground: Painting) -> None:
    """One picture, none that looks at the ground, broken ones, and a ground without anything to find again."""
    poses = stations(1, 3)
    away = [Pose(0.0, 0.0, 44.0, turned(0, 60, 0)), Pose(0.0, 0.0, 1.0, turned(0, -90, 0))]
    flat = Painting(np.full_like(ground.bgr, 120), ground.reach_m)

    def broken() -> Image:
        raise SourceError("is cut off")

    for placed in (
        flown(ground, poses[:1]),
        flown(ground, poses[:2], said=away),
        flown(ground, poses, read=dict.fromkeys(range(3), broken)),
        flown(flat, poses),
    ):
        agreed = tied(placed, NoProgress())
        assert agreed.ties == 0
        assert agreed.poses == tuple(frame.pose for frame in placed.flight.frames)


def _below(pose: Pose) -> np.ndarray:
    """Where the middle of the picture meets the ground."""
    ray = pose.turn[:, 2]
    return np.asarray(pose.centre[:2] - pose.up_m * ray[:2] / ray[2])


def test_blocks_are_all_of_the_grid_once() -> None:
    for columns, rows in ((1, 1), (1024, 1024), (1025, 1), (5000, 2100), (1, 9000)):
        covered = np.zeros((rows, columns), np.uint8)
        for block in Grid(32649, 0.0, 0.0, 1.0, columns, rows).blocks():
            covered[block.row : block.row + block.rows, block.column : block.column + block.columns] += 1
        assert (covered == 1).all()


def test_the_tiles_say_where_they_are(made: tuple[Path, MosaicManifest]) -> None:
    with (made[0] / PMTILES).open("rb") as file:
        reader = Reader(MmapSource(file))
        header, words = reader.header(), reader.metadata()
        numbers = {zoom for (zoom, _, _), _ in all_tiles(MmapSource(file))}
        middle = reader.get(header["min_zoom"], *_tile_at(header["min_zoom"], *ORIGIN.coordinates))
    facts = made[1].tiles
    assert numbers == set(range(facts.least_zoom, facts.most_zoom + 1))
    assert (header["min_zoom"], header["max_zoom"]) == (facts.least_zoom, facts.most_zoom)
    west, south, east, north = facts.bounds
    assert west < ORIGIN.longitude < east and south < ORIGIN.latitude < north
    assert header["clustered"]
    assert words["attribution"] == "painted 2026-11-20"
    assert middle is not None and middle[:4] == b"RIFF"


def _tile_at(zoom: int, longitude: float, latitude: float) -> tuple[int, int]:
    row = (1 - math.asinh(math.tan(math.radians(latitude))) / math.pi) / 2
    return int((longitude + 180) / 360 * 2**zoom), int(row * 2**zoom)
