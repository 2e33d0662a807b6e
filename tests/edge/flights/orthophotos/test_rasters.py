"""GeoTIFFs as cities have them, and as nobody should: what is read lies where it is, what cannot be used says why."""

from __future__ import annotations

import json
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio import Affine

from edge.flights.orthophotos.errors import OrthophotoError
from edge.flights.orthophotos.orthophoto import checked, is_orthophoto, orthophoto_at
from edge.flights.orthophotos.rasters import Raster
from edge.flights.orthophotos.settings import OrthophotoSettings
from edge.vision.surface.patches import Patch
from tests.edge.flights.drawn import PLANE
from tests.edge.flights.orthophotos.drawn import EDGES, write

HERE = np.array(((-30.0, -20.0), (30.0, -20.0), (30.0, 20.0), (-30.0, 20.0)))


def grey(rows: int = 96, columns: int = 128, count: int = 3, dtype: str = "uint8") -> np.ndarray:
    return np.full((count, rows, columns), 90, dtype)


def spotted(gsd_m: float) -> tuple[np.ndarray, tuple[float, float]]:
    """A soft spot of red around a place of the plane."""
    columns, rows = (round((EDGES[axis + 2] - EDGES[axis]) / gsd_m) for axis in (0, 1))
    east = EDGES[0] + (np.arange(columns) + 0.5) * gsd_m
    north = EDGES[3] - (np.arange(rows) + 0.5) * gsd_m
    away = np.hypot(east[None] - 11.3, north[:, None] + 7.7)
    return np.stack((255 * np.exp(-0.5 * (away / 2) ** 2), 0 * away, 0 * away)).astype(np.uint8), (11.3, -7.7)


@pytest.mark.parametrize("epsg", [None, 32650, 4548, 4326, 3857])
@pytest.mark.parametrize("gsd_m", [0.05, 0.3])
def test_what_is_read_lies_where_it_is(tmp_path: Path, epsg: int | None, gsd_m: float) -> None:
    bands, place = spotted(gsd_m)
    path = write(tmp_path / "spot.tif", bands, gsd_m, epsg=epsg, tiled=True)
    patch = Patch(-10.0, 10.0, 250, 250, 0.12)
    with Raster(path, PLANE) as raster:
        picture, mask = raster.read(patch)
    assert picture.shape == (250, 250, 3)
    assert mask.all()
    weights = picture[..., 2].astype(np.float64)
    pixels = np.array(((weights.sum(axis=0) @ np.arange(250), weights.sum(axis=1) @ np.arange(250)),)) / weights.sum()
    assert patch.metres(pixels)[0] == pytest.approx(place, abs=0.03)
    assert picture[..., :2].max() == 0, "red is red"


def test_what_lies_beyond_it_is_not_shown(tmp_path: Path) -> None:
    path = write(tmp_path / "grey.tif", grey(), 1.0)
    with Raster(path, PLANE) as raster:
        picture, mask = raster.read(Patch(EDGES[2] - 5.0, 5.0, 100, 100, 0.1))
        far, nothing = raster.read(Patch(9000.0, 5.0, 40, 40, 0.1))
        assert raster.covers(np.array(((0, 0), (63, 47), (65, 0), (1e9, 0)))).tolist() == [True, True, False, False]
    assert (mask[:, :48] == 255).all() and not mask[:, 52:].any()
    assert (picture[:, :48] == 90).all() and not picture[mask == 0].any()
    assert not far.any() and not nothing.any()


@pytest.mark.parametrize("profile", [{"nodata": 90}, {"photometric": "RGB", "alpha": "yes"}])
def test_pixels_without_anything_are_told_apart(tmp_path: Path, profile: dict[str, Any]) -> None:
    bands = grey(count=3 if "nodata" in profile else 4)
    bands[3:] = 0
    path = write(tmp_path / "hollow.tif", bands, 1.0, **profile)
    with Raster(path, PLANE) as raster:
        assert not raster.read(Patch(0.0, 5.0, 40, 40, 0.1))[1].any()


@pytest.mark.parametrize(
    ("bands", "profile", "said"),
    [
        (grey(), {"crs": None}, r"no coordinate system.*gdal_edit"),
        (grey(count=1), {}, r"found 1 bands.*--baseline-surface"),
        (grey(count=1, dtype="float32"), {}, r"found 1 bands.*--baseline-surface"),
        (grey(count=1), {"photometric": "palette"}, r"palette.*-expand rgb"),
        (grey(count=7), {}, r"found 7 bands"),
        (grey(dtype="uint16"), {}, r"uint16.*-ot Byte"),
        (grey(dtype="float32"), {}, r"float32"),
    ],
)
def test_what_is_no_orthophoto_is_refused(
    tmp_path: Path, bands: np.ndarray, profile: dict[str, Any], said: str
) -> None:
    path = write(tmp_path / "odd.tif", bands, 1.0, **profile)
    with pytest.raises(OrthophotoError, match=rf"odd\.tif: .*{said}"):
        Raster(path, PLANE)


def test_too_coarse_and_elsewhere_are_refused(tmp_path: Path) -> None:
    with (
        Raster(write(tmp_path / "coarse.tif", grey(), 1.0), PLANE) as raster,
        pytest.raises(OrthophotoError, match=r"coarse\.tif: found 1 m a pixel, expected 0\.5 m or finer"),
    ):
        checked(raster, HERE)
    far = write(tmp_path / "far.tif", grey(), 0.3, edges=(3000, 3000, 3038.4, 3028.8))
    with (
        Raster(far, PLANE) as raster,
        pytest.raises(OrthophotoError, match=r"far\.tif: does not show the ground of the flight, longitude 118\.79"),
    ):
        checked(raster, HERE)
    with Raster(write(tmp_path / "fine.tif", grey(), 0.2, edges=(-12.8, -9.6, 12.8, 9.6)), PLANE) as raster:
        assert checked(raster, HERE) == pytest.approx(0.2, rel=1e-3)


def test_a_file_without_a_place_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scan.tif"
    cv2.imwrite(str(path), np.moveaxis(grey(), 0, 2))
    with pytest.raises(OrthophotoError, match=r"scan\.tif: does not say where it lies"):
        Raster(path, PLANE)


def test_claimed_sizes_fill_no_memory(tmp_path: Path) -> None:
    """A million pixels by a million, of which none is there; and one block of it all."""
    side, place = 1_000_000, Affine(0.1, 0, -50_000, 0, -0.1, 50_000)
    with rasterio.open(tmp_path / "vast.tif", "w", driver="GTiff", width=side, height=side, count=3, dtype="uint8",
                       crs=PLANE.crs, transform=place, tiled=True, SPARSE_OK=True, BIGTIFF="YES"):  # fmt: skip
        pass
    tracemalloc.start()
    with Raster(tmp_path / "vast.tif", PLANE) as raster:
        picture, _ = raster.read(Patch(-100.0, 100.0, 1667, 1667, 0.12))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert not picture.any()
    assert peak < 400e6
    block = {"tiled": True, "blockxsize": 16_384, "blockysize": 16_384, "SPARSE_OK": True}
    with rasterio.open(tmp_path / "block.tif", "w", driver="GTiff", width=20_000, height=20_000, count=3,
                       dtype="uint8", crs=PLANE.crs, transform=place, **block):  # fmt: skip
        pass
    with pytest.raises(OrthophotoError, match=r"block\.tif: found blocks of 16384 x 16384.*TILED"):
        Raster(tmp_path / "block.tif", PLANE)


def test_pixels_of_no_size_are_refused_or_averaged(tmp_path: Path) -> None:
    with pytest.raises(OrthophotoError, match=r"none\.tif: cannot be read.*no size"):
        Raster(write(tmp_path / "none.tif", grey(), 1.0, transform=Affine(0.1, 0, 5, 0.1, 0, 5)), PLANE)
    thin = write(tmp_path / "thin.tif", grey(), 1.0, transform=Affine(1e-7, 0, 0, 0, -1e-7, 0))
    with Raster(thin, PLANE) as raster:
        raster.read(Patch(-10.0, 10.0, 100, 100, 0.12))


def test_a_file_that_is_cut_short_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    path = write(tmp_path / "cut.tif", rng.integers(0, 255, (3, 640, 640), np.uint8), 0.1, tiled=True,
                 compress="deflate")  # fmt: skip
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * 2 // 3])

    def look() -> None:
        with Raster(path, PLANE) as raster:
            raster.read(Patch(-64.0, 48.0, 640, 640, 0.1))

    with pytest.raises(OrthophotoError, match=r"cut\.tif: cannot be read.*copy it again"):
        look()


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_bytes_never_crash(tmp_path: Path, data: st.DataObject) -> None:
    good = tmp_path / "good.tif"
    if not good.exists():
        write(good, grey(64, 64), 0.5, tiled=True, compress="lzw")
    whole = bytearray(good.read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path / "spoilt.tif"
    path.write_bytes(bytes(whole[: data.draw(st.integers(1, len(whole)))]))
    try:
        orthophoto_at(path)
        with Raster(path, PLANE) as raster:
            checked(raster, HERE)
            raster.read(Patch(-20.0, 20.0, 100, 100, 0.4))
    except OrthophotoError as error:
        assert "spoilt.tif" in str(error)


def test_its_day_is_stated_or_the_mosaics_or_the_files(tmp_path: Path) -> None:
    path = write(tmp_path / "mosaic.tif", grey(), 0.2)
    assert (orthophoto_at(path).taken_at, orthophoto_at(path).dated) == (None, "nobody")
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2025:10:01 12:30:00")
    assert orthophoto_at(path).taken_at == datetime(2025, 10, 1, 12, 30, tzinfo=UTC)
    manifest = tmp_path / "mosaic.json"
    manifest.write_text(json.dumps({"taken_at": "2025-08-14T15:00:00+08:00", "more": 1}), encoding="utf-8")
    found = orthophoto_at(path)
    assert (found.taken_at, found.dated) == (datetime(2025, 8, 14, 7, tzinfo=UTC), "the mosaic.json beside it")
    for spoilt in ("[", '{"taken_at": "yesterday"}', "5"):
        manifest.write_text(spoilt, encoding="utf-8")
        assert orthophoto_at(path).dated == "the file"
    stated = datetime(2025, 1, 1, tzinfo=UTC)
    assert orthophoto_at(path, OrthophotoSettings(taken_at=stated)).taken_at == stated
    with rasterio.open(path, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="last summer")
    assert orthophoto_at(path).taken_at is None


def test_a_missing_surface_model_is_said_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", grey(), 0.2)
    with pytest.raises(OrthophotoError, match=r"none\.tif: no such file"):
        orthophoto_at(path, OrthophotoSettings(surface=tmp_path / "none.tif"))


def test_files_of_that_kind_are_orthophotos_and_folders_are_flights(tmp_path: Path) -> None:
    (tmp_path / "stills.tif").mkdir()
    names = {"a.TIF": True, "b.tiff": True, "c.mp4": False, "d": False, "stills.tif": False}
    assert {name: is_orthophoto(tmp_path / name) for name in names} == names
