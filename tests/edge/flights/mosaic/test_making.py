"""Mosaics as files: what is written, what broken pictures, full disks and odd flights do to them."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
import shapely
from pmtiles.reader import MmapSource, all_tiles

from edge.detectors.interface import Image
from edge.flights.flight import Flight
from edge.flights.ground import Datum, GridGround, LevelGround
from edge.flights.mosaic.agreeing import as_stated
from edge.flights.mosaic.errors import MosaicError
from edge.flights.mosaic.framing import framed
from edge.flights.mosaic.making import make_mosaic
from edge.flights.mosaic.manifest import GEOTIFF, NAME, PMTILES, MosaicManifest, facts_of
from edge.flights.mosaic.pictures import Pictures
from edge.flights.mosaic.settings import MosaicSettings
from edge.sources.errors import SourceError
from edge.vision.lens import Lens
from edge.vision.pose import Pose, turned
from edge.vision.rays import HeightGrid
from tests.edge.flights.mosaic.painted import Painting, flown, of_frames, painting, stations

COARSE = MosaicSettings(gsd_m=0.3)


@pytest.fixture(scope="module")
def ground() -> Painting:
    return painting()


@pytest.fixture(scope="module")
def made(ground: Painting, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MosaicManifest]:
    out = tmp_path_factory.mktemp("mosaic") / "new"
    return out, make_mosaic(flown(ground, stations()), out, COARSE, agree=as_stated)


def broken() -> Image:
    raise SourceError("0003.jpg: is cut off: copy it again")


def test_the_geotiff_is_what_programs_read_over_a_network(made: tuple[Path, MosaicManifest]) -> None:
    with rasterio.open(made[0] / GEOTIFF) as file:
        structure = file.tags(ns="IMAGE_STRUCTURE")
        assert structure["LAYOUT"] == "COG"
        assert structure["COMPRESSION"] == "YCbCr JPEG"
        assert file.count == 3
        assert file.crs.to_epsg() == 32649
        mask = file.read_masks(1)
    assert set(np.unique(mask)) == {0, 255}
    area = np.count_nonzero(mask) * COARSE.gsd_m**2
    assert area == pytest.approx(made[1].area_m2, abs=1)
    outline = shapely.geometry.shape(made[1].outline)
    assert outline.is_valid
    metres = 111_000**2 * math.cos(math.radians(34.75))
    assert area == pytest.approx(outline.area * metres, rel=0.03)


def test_large_ones_have_overviews(ground: Painting, tmp_path: Path) -> None:
    make_mosaic(flown(ground, stations(1, 2)), tmp_path, MosaicSettings(gsd_m=0.08), agree=as_stated)
    with rasterio.open(tmp_path / GEOTIFF) as file:
        assert file.overviews(1)[0] == 2
        assert file.block_shapes[0] == (512, 512)


def test_the_manifest_says_what_is_there(made: tuple[Path, MosaicManifest]) -> None:
    out, manifest = made
    assert MosaicManifest.model_validate_json((out / NAME).read_text(encoding="utf-8")) == manifest
    assert sorted(each.name for each in out.iterdir()) == sorted((GEOTIFF, PMTILES, NAME))
    for facts in (manifest.geotiff, manifest.pmtiles):
        assert facts_of(out / facts.path) == facts
    assert manifest.flight == "painted"
    assert manifest.pictures == 10
    assert manifest.taken_at is not None and manifest.began_at is not None
    assert (manifest.taken_at - manifest.began_at).total_seconds() == 18
    assert manifest.left_out == ()


def test_tiles_are_pictures_of_the_same_ground(made: tuple[Path, MosaicManifest]) -> None:
    """Transparent where there is nothing, and no dark rim on the way there."""
    clear = 0
    with (made[0] / PMTILES).open("rb") as file:
        for _, data in all_tiles(MmapSource(file)):
            tile = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
            assert tile.shape[:2] == (256, 256)
            if tile.shape[2] == 4:
                clear += int((tile[..., 3] == 0).sum())
                shown = tile[tile[..., 3] > 200]
                assert not len(shown) or shown[:, :3].mean() > 60
    assert clear > 0


def test_the_same_flight_makes_the_same_mosaic(
    made: tuple[Path, MosaicManifest], ground: Painting, tmp_path: Path
) -> None:
    again = make_mosaic(flown(ground, stations()), tmp_path, COARSE, agree=as_stated)
    assert again == made[1]


def test_a_broken_picture_costs_itself_only(ground: Painting, tmp_path: Path) -> None:
    """One cannot be read, one is of another size, one goes when it is read again: all are named."""
    calls = [0]
    poses = stations(2, 5)
    whole = flown(ground, poses).flight.frames

    def gone() -> Image:
        calls[0] += 1
        if calls[0] > 1:
            raise SourceError("0004.jpg: cannot be read: the card is gone")
        return whole[4].read_bgr()

    read = {2: broken, 6: lambda: np.zeros((10, 10, 3), np.uint8), 4: gone}
    placed = flown(ground, poses, read=read)
    settings = MosaicSettings.model_construct(**{**COARSE.model_dump(), "memory_mb": 0})
    made = make_mosaic(placed, tmp_path, settings, agree=as_stated)
    assert {each.frame: each.why for each in made.left_out} == {
        "0002.jpg": "0003.jpg: is cut off: copy it again",
        "0006.jpg": "found a picture of 10 x 10, expected 320 x 240",
        "0004.jpg": "0004.jpg: cannot be read: the card is gone",
    }
    assert made.pictures == 7
    # Their neighbours show most of what they would have shown.
    all_of_it = make_mosaic(flown(ground, poses), tmp_path / "all", COARSE, agree=as_stated)
    assert made.area_m2 > 0.85 * all_of_it.area_m2


def test_frames_that_show_no_ground_are_named(ground: Painting, tmp_path: Path) -> None:
    poses = stations(1, 4)
    said = [
        poses[0],
        Pose(0, 0, 2.0, turned(0, -90, 0)),
        Pose(0, 0, 44.0, turned(0, 60, 0)),
        Pose(0, 0, math.nan, turned(0, -90, 0)),
    ]
    made = make_mosaic(flown(ground, poses, said=said), tmp_path, COARSE, agree=as_stated)
    assert made.pictures == 1
    assert [each.frame for each in made.left_out] == ["0001.jpg", "0002.jpg", "0003.jpg"]
    assert "2.0 m above the ground" in made.left_out[0].why


def test_ground_of_unknown_height_is_left_empty(ground: Painting, tmp_path: Path) -> None:
    heights = np.zeros((201, 201))
    heights[:, 100:] = np.nan
    placed = flown(ground, stations(1, 2))
    flat = make_mosaic(placed, tmp_path / "flat", COARSE, agree=as_stated)
    half = GridGround(HeightGrid(heights, -100.0, 100.0, 1.0), Datum.SEA, 1.0)
    made = make_mosaic(placed, tmp_path / "half", COARSE, agree=as_stated, ground=half)
    assert 0.3 * flat.area_m2 < made.area_m2 < 0.7 * flat.area_m2
    nothing = replace(half, grid=HeightGrid(np.full((3, 3), np.nan), 0.0, 0.0, 1.0))
    with pytest.raises(MosaicError, match=r"unknown where they look"):
        make_mosaic(placed, tmp_path / "none", COARSE, agree=as_stated, ground=nothing)


@pytest.mark.parametrize(
    ("why", "expected"),
    [("empty", "no picture of it can be used"), ("broken", "is cut off"), ("far", "larger gsd_m"), ("pole", "north")],
)
def test_flights_of_which_none_can_be_made(ground: Painting, tmp_path: Path, why: str, expected: str) -> None:
    poses = stations(1, 2)
    placed = flown(ground, poses, read={0: broken, 1: broken} if why == "broken" else None)
    settings = COARSE
    if why == "empty":
        placed = of_frames(Flight("painted", placed.flight.plane, ()), LevelGround())
    elif why == "far":
        away = Pose(poses[1].east_m + 15_000, poses[1].north_m, poses[1].up_m, poses[1].turn)
        placed, settings = flown(ground, [poses[0], away]), MosaicSettings(gsd_m=0.01)
    elif why == "pole":
        from contract.geometry import Point
        from edge.flights.local import LocalPlane

        frames = placed.flight.frames
        placed = of_frames(Flight("painted", LocalPlane(Point(coordinates=(20.0, 86.0))), frames), LevelGround())
    with pytest.raises(MosaicError, match=expected):
        make_mosaic(placed, tmp_path / "out", settings, agree=as_stated)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_mosaic_is_not_overwritten_by_accident(
    made: tuple[Path, MosaicManifest], ground: Painting, tmp_path: Path
) -> None:
    placed = flown(ground, stations(1, 2))
    make_mosaic(placed, tmp_path, COARSE, agree=as_stated)
    before = (tmp_path / NAME).read_bytes()
    with pytest.raises(MosaicError, match=r"holds mosaic\.json already"):
        make_mosaic(placed, tmp_path, MosaicSettings(gsd_m=0.5), agree=as_stated)
    assert (tmp_path / NAME).read_bytes() == before
    again = make_mosaic(placed, tmp_path, MosaicSettings(gsd_m=0.5), agree=as_stated, overwrite=True)
    assert again.gsd_m == 0.5
    assert facts_of(tmp_path / GEOTIFF) == again.geotiff
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / GEOTIFF).write_text("somebody's own")
    with pytest.raises(MosaicError, match=r"holds mosaic\.tif already"):
        make_mosaic(placed, mine, COARSE, agree=as_stated)
    assert (mine / GEOTIFF).read_text() == "somebody's own"
    (tmp_path / "file").write_text("")
    with pytest.raises(MosaicError, match="cannot be written"):
        make_mosaic(placed, tmp_path / "file", COARSE, agree=as_stated)


FULL = """
import resource, signal, sys
from pathlib import Path
from edge.flights.mosaic.errors import MosaicError
from edge.flights.mosaic.making import make_mosaic
from edge.flights.mosaic.agreeing import as_stated
from edge.flights.mosaic.rasters import write_geotiff
from edge.flights.mosaic.settings import MosaicSettings
from edge.flights.shots import NoProgress
from tests.edge.flights.mosaic.painted import flown, painting, stations

# A file that may not grow any further: what a full disk does, to one program only.
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
out, limit = Path(sys.argv[1]), int(sys.argv[2])
placed = flown(painting(), stations(1, 2))
if sys.argv[3] == "GeoTIFF":
    from edge.flights.mosaic.grid import Block, Grid
    from edge.flights.mosaic.rasters import Canvas
    import numpy as np
    noise = np.random.default_rng(1).integers(1, 255, (1024, 1024, 4), dtype=np.uint8)
    noise[..., 3] = 255
    with Canvas(out / "canvas.tif", Grid(32649, 5e5, 3.8e6, 0.1, 1024, 1024)) as canvas:
        canvas.write(Block(0, 0, 1024, 1024), noise)
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    if sys.argv[3] == "GeoTIFF":
        write_geotiff(out / "canvas.tif", canvas.pixels, out / "mosaic.tif", 85, NoProgress())
    else:
        make_mosaic(placed, out / "new", MosaicSettings(gsd_m=0.2), agree=as_stated)
except MosaicError as error:
    print(error)
    sys.exit(3)
"""


@pytest.mark.parametrize(("what", "limit"), [("GeoTIFF", 200_000), ("all", 60_000), ("all", 1_000)])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(tmp_path: Path, what: str, limit: int) -> None:
    root = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FULL, str(tmp_path), str(limit), what],
        capture_output=True, text=True, timeout=60, cwd=root, env={**os.environ, "PYTHONPATH": str(root)},
        check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert "disk full" in done.stdout or "too large" in done.stdout
    if what == "all":
        assert not (tmp_path / "new").exists() or not list((tmp_path / "new").iterdir())


def test_room_is_asked_for_beforehand(ground: Painting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = type("usage", (), {"free": 1000})
    monkeypatch.setattr("edge.flights.mosaic.making.shutil.disk_usage", lambda _: usage)
    with pytest.raises(MosaicError, match="GB free, expected"):
        make_mosaic(flown(ground, stations(1, 2)), tmp_path, COARSE, agree=as_stated)
    assert not list(tmp_path.iterdir())


def test_pictures_in_memory_are_bounded(ground: Painting) -> None:
    placed = flown(ground, stations(2, 5))
    frames, _ = framed(placed.flight.frames, [each.pose for each in placed.flight.frames], placed.ground,
                       placed.flight.plane)  # fmt: skip
    one = 320 * 240 * 3
    pictures = Pictures(0.05, 3 * one)
    for _ in range(2):
        for each in frames:
            assert pictures.of(each) is not None
    assert pictures.read == 20
    assert pictures.of(frames[-1]) is not None and pictures.of(frames[-3]) is not None
    assert pictures.read == 20
    # Coarser ones are kept smaller.
    shrunk = Pictures(0.4, 3 * one)
    small = shrunk.of(frames[0])
    assert small is not None and small.shape[1] == pytest.approx(160, abs=10)
    assert shrunk.lens(frames[0]).width == small.shape[1]


def test_memory_does_not_grow_with_the_flight(tmp_path: Path) -> None:
    """Twice the pictures (2 MB each, 12 MB allowed), the same memory."""
    lens = Lens(1000, 750, 700.0, 700.0, 499.5, 374.5)
    settings = MosaicSettings.model_construct(**{**MosaicSettings(gsd_m=0.06).model_dump(), "memory_mb": 12})

    def peak(shots: int) -> int:
        read = dict.fromkeys(range(shots), lambda: np.full((750, 1000, 3), 99, np.uint8))
        placed = flown(painting(20), stations(1, shots, 4.0), lens=lens, read=read)
        tracemalloc.start()
        # As fine as the pictures: else they would be shrunk, and weigh nothing.
        make_mosaic(placed, tmp_path / str(shots), settings, agree=as_stated)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    few, many = peak(9), peak(18)
    assert many < few + 6e6


def test_the_manifest_is_plain_json(made: tuple[Path, MosaicManifest]) -> None:
    document = json.loads((made[0] / NAME).read_text(encoding="utf-8"))
    assert document["format"] == "gridsentry-mosaic/1"
    assert document["outline"]["type"] in {"Polygon", "MultiPolygon"}
    assert document["software"].startswith("gridsentry")
