"""Elevation files: read in any coordinate system, and refused in words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from rasterio.transform import Affine

from contract.geometry import Point
from edge.flights.ground import Datum, GridGround, GroundError, LevelGround, read_elevation
from edge.flights.local import LocalPlane

ORIGIN = Point(coordinates=(113.62, 34.75))
PLANE = LocalPlane(ORIGIN)
BOUNDS = (-300.0, -200.0, 300.0, 200.0)


def height_of(longitude: NDArray[Any], latitude: NDArray[Any]) -> NDArray[Any]:
    """Metres above the sea: a slope of about 9 % east and 5 % north."""
    return 120 + (longitude - 113.62) * 8_000 + (latitude - 34.75) * 5_500


def written(path: Path, crs: str = "EPSG:4326", *, dtype: str = "float32", **options: Any) -> Path:
    """Of some 3 × 3 km around the origin."""
    if crs != "EPSG:32649":
        transform, size = Affine(1e-4, 0, 113.60, 0, -1e-4, 34.77), 400
    else:
        transform, size = Affine(10.0, 0, 737_600.0, 0, -10.0, 3_851_600.0), 400
    rows, columns = np.mgrid[0:size, 0:size] + 0.5
    across = transform.c + transform.a * columns
    down = transform.f + transform.e * rows
    if crs == "EPSG:32649":
        across, down = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(across, down)
    heights = height_of(across, down).astype(dtype)
    hole = options.pop("hole", None)
    if hole is not None:
        heights[hole] = options["nodata"]
    units = options.pop("units", None)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=size,
        height=size,
        count=1,
        dtype=dtype,
        crs=crs,
        transform=transform,
        **options,
    ) as file:
        file.write(heights, 1)
        if units is not None:
            file.units = (units,)
    return path


def off(ground: GridGround) -> float:
    """How far its heights are from the truth at most, within the flight's area."""
    places = np.stack(np.meshgrid(np.linspace(-290, 290, 15), np.linspace(-190, 190, 15)), axis=-1).reshape(-1, 2)
    degrees = PLANE.degrees(places)
    return float(np.abs(ground.heights(places) - height_of(degrees[:, 0], degrees[:, 1])).max())


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:32649"])
def test_heights_stand_where_they_should(tmp_path: Path, crs: str) -> None:
    """A shift by half a cell would be 0.4 m of height."""
    ground = read_elevation(written(tmp_path / "dem.tif", crs), PLANE, BOUNDS, sigma_m=0.5)
    assert off(ground) < 0.001
    assert ground.sigma_m == 0.5
    assert ground.datum is Datum.SEA
    assert "does not say" in ground.notes[0]
    assert ground.grid.step_m == pytest.approx(9.5, rel=0.06)


@pytest.mark.parametrize(
    ("crs", "given", "datum", "says"),
    [
        ("EPSG:4979", None, Datum.ELLIPSOID, "as the file says"),
        ("EPSG:4326+5773", None, Datum.SEA, "EGM96"),
        ("EPSG:4979", Datum.SEA, Datum.SEA, "as configured; the file says"),
        ("EPSG:4326", Datum.ELLIPSOID, Datum.ELLIPSOID, "as configured"),
    ],
)
def test_the_datum_is_the_files_or_as_told(
    tmp_path: Path, crs: str, given: Datum | None, datum: Datum, says: str
) -> None:
    ground = read_elevation(written(tmp_path / "dem.tif", crs), PLANE, BOUNDS, datum=given)
    assert ground.datum is datum
    assert says in ground.notes[0]
    assert off(ground) < 0.001


def test_integers_tiles_and_holes(tmp_path: Path) -> None:
    options: dict[str, Any] = {"tiled": True, "blockxsize": 64, "blockysize": 64, "compress": "deflate"}
    path = written(tmp_path / "dem.tif", dtype="int16", nodata=-32768, hole=(slice(0, 400), slice(205, 215)), **options)
    ground = read_elevation(path, PLANE, BOUNDS)
    places = np.array([(-100.0, 0.0), (92.0, 0.0), (200.0, 0.0)])
    assert np.isnan(ground.heights(places)).tolist() == [False, True, False]
    assert abs(ground.heights(places)[0] - height_of(*PLANE.degrees(places)[0])) < 1.0
    assert "unknown for" in ground.notes[-1]
    rays = np.array([(92.0, 0.0, -100.0), (-100.0, 0.0, -100.0)])
    met = ground.met(np.array((0.0, 0.0, 300.0)), rays)
    assert np.isnan(met[:, 0]).tolist() == [True, False]
    assert (ground.slopes(met[1:]) is not None) and np.isfinite(ground.slopes(met[1:])).all()


def test_feet_become_metres(tmp_path: Path) -> None:
    ground = read_elevation(written(tmp_path / "dem.tif", units="US survey foot"), PLANE, BOUNDS)
    at_origin = ground.heights(np.zeros((1, 2)))[0]
    assert at_origin == pytest.approx(120 * 1200 / 3937, abs=0.05)
    assert any("feet" in note for note in ground.notes)
    met = ground.met(np.array((0.0, 0.0, 200.0)), np.array([(0.0, 0.0, -1.0)]))
    assert met[0, 2] == pytest.approx(at_origin, abs=1e-6)


def test_a_fine_model_is_read_coarser_rather_than_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.flights.ground.MOST_CELLS", 500)
    ground = read_elevation(written(tmp_path / "dem.tif"), PLANE, BOUNDS)
    assert ground.grid.heights_m.size < 700
    assert ground.grid.step_m > 20
    assert off(ground) < 0.1


def test_a_step_may_be_chosen(tmp_path: Path) -> None:
    ground = read_elevation(written(tmp_path / "dem.tif"), PLANE, BOUNDS, step_m=5.0)
    assert ground.grid.step_m == 5.0
    assert off(ground) < 0.001


def test_a_flight_elsewhere_is_told_so(tmp_path: Path) -> None:
    far = LocalPlane(Point(coordinates=(114.62, 34.75)))
    with pytest.raises(GroundError, match=r"dem\.tif: found no height under the flight.*longitude 114\.6"):
        read_elevation(written(tmp_path / "dem.tif"), far, BOUNDS)
    with pytest.raises(ValueError, match="west, south"):
        read_elevation(tmp_path / "dem.tif", PLANE, (0.0, 0.0, 0.0, 0.0))


def test_what_is_no_elevation_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.tif"
    text.write_text("no picture at all")
    bare = tmp_path / "bare.tif"
    with (
        pytest.warns(rasterio.errors.NotGeoreferencedWarning),
        rasterio.open(bare, "w", driver="GTiff", width=4, height=4, count=1, dtype="float32") as file,
    ):
        file.write(np.ones((4, 4), np.float32), 1)
    picture = tmp_path / "picture.tif"
    place = Affine(1e-3, 0, 113.6, 0, -1e-3, 34.8)
    options: dict[str, Any] = {"driver": "GTiff", "width": 4, "height": 4, "transform": place}
    with rasterio.open(picture, "w", count=3, dtype="uint8", crs="EPSG:4326", **options) as file:
        file.write(np.ones((3, 4, 4), np.uint8))
    nowhere = tmp_path / "nowhere.tif"
    with rasterio.open(nowhere, "w", count=1, dtype="float32", **options) as file:
        file.write(np.ones((1, 4, 4), np.float32))
    vrt = tmp_path / "remote.vrt"
    vrt.write_text('<VRTDataset rasterXSize="4" rasterYSize="4"></VRTDataset>')
    for path, says in (
        (text, "is it whole"),
        (tmp_path / "missing.tif", "is it whole"),
        (bare, "does not say where it lies"),
        (picture, "found 3 bands"),
        (nowhere, "no coordinate system"),
        (vrt, "is it whole"),
        (written(tmp_path / "hands.tif", units="hands"), "found heights in 'hands'"),
    ):
        with pytest.raises(GroundError) as caught:
            read_elevation(path, PLANE, BOUNDS)
        assert path.name in str(caught.value)
        assert says in str(caught.value)


def test_huge_blocks_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.flights.ground.MOST_BLOCK_BYTES", 1000)
    with pytest.raises(GroundError, match="tile it"):
        read_elevation(written(tmp_path / "dem.tif"), PLANE, BOUNDS)


def test_broken_files_give_heights_or_a_reason(tmp_path: Path) -> None:
    """Cut anywhere, or with bytes changed: never another exception, never a hang."""
    whole = written(tmp_path / "dem.tif", compress="deflate", tiled=True, blockxsize=64, blockysize=64).read_bytes()
    random_ = random.Random(5)
    broken = tmp_path / "broken.tif"
    outcomes = set()
    for trial in range(60):
        content = bytearray(whole)
        if trial % 3 == 0:
            content = content[: random_.randrange(len(whole))]
        else:
            # The head, where sizes and offsets stand, and the data in turn.
            reach = 600 if trial % 3 == 1 else len(content)
            for _ in range(4):
                content[random_.randrange(reach)] = random_.randrange(256)
        broken.write_bytes(content)
        try:
            outcomes.add(bool(read_elevation(broken, PLANE, BOUNDS).grid.step_m))
        except GroundError as error:
            assert "broken.tif" in str(error)
            outcomes.add(False)
    assert outcomes == {True, False}


def test_a_plane_is_the_same_everywhere() -> None:
    ground = LevelGround(12.0, Datum.SEA, 0.7)
    assert ground.heights(np.zeros((3, 2))).tolist() == [12.0] * 3
    assert ground.slopes(np.zeros((3, 3))) is None
    assert ground.met(np.array((0.0, 0.0, 112.0)), np.array([(1.0, 0.0, -1.0)])) == pytest.approx(
        np.array([(100.0, 0.0, 12.0)])
    )
