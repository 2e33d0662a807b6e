"""`gridsentry-edge mosaic`, from files to files."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from edge.flights.mosaic.manifest import GEOTIFF, NAME, PMTILES, MosaicManifest
from samples.town import TownPair


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["mosaic", *map(str, arguments)])


def test_a_folder_of_stills(flown_stills: Path, town: TownPair, tmp_path: Path) -> None:
    """GNSS noise and all: one picture of the town, in its place, with one broken file named."""
    folder = tmp_path / "flight"
    shutil.copytree(flown_stills, folder)
    victim = sorted(folder.iterdir())[4]
    victim.write_bytes(victim.read_bytes()[:9000])
    result = run(folder, "--out", tmp_path / "out", "--gsd", "0.3")
    assert result.exit_code == 0, result.output
    assert "11 pictures" in result.stdout
    manifest = MosaicManifest.model_validate_json((tmp_path / "out" / NAME).read_text(encoding="utf-8"))
    assert manifest.gsd_m == 0.3
    before, after = manifest.disagreement_m
    assert after < before
    west, south, east, north = manifest.tiles.bounds
    longitude, latitude = town.truth.after.town.origin.coordinates
    assert west < longitude < east and south < latitude < north
    assert (tmp_path / "out" / PMTILES).stat().st_size == manifest.pmtiles.bytes


def test_a_video(flown_video: Path, tmp_path: Path) -> None:
    settings = tmp_path / "mosaic.yaml"
    settings.write_text("agree: false\n")
    result = run(flown_video, "--out", tmp_path, "--settings", settings, "--gsd", "0.4", "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["flight"] == "DJI_0001"
    with rasterio.open(tmp_path / GEOTIFF) as file:
        assert (file.width, file.height) == (document["columns"], document["rows"])
        shown = np.moveaxis(file.read(), 0, 2)[file.read_masks(1) == 255]
    assert 40 < shown.mean() < 220


def test_settings_of_a_file(flown_stills: Path, tmp_path: Path) -> None:
    settings = tmp_path / "mosaic.yaml"
    settings.write_text("gsd_m: 0.9\nagree: false\nattribution: City of Towns\nflight: {choice: {overlap: 0.5}}\n")
    assert run(flown_stills, "--out", tmp_path / "out", "--settings", settings).exit_code == 0
    manifest = MosaicManifest.model_validate_json((tmp_path / "out" / NAME).read_text(encoding="utf-8"))
    assert (manifest.gsd_m, manifest.ties, manifest.attribution) == (0.9, 0, "City of Towns")
    again = run(flown_stills, "--out", tmp_path / "out", "--settings", settings)
    assert again.exit_code == FOUND_A_PROBLEM
    assert "holds mosaic.json already" in again.output
    assert run(flown_stills, "--out", tmp_path / "out", "--settings", settings, "--overwrite").exit_code == 0


@pytest.mark.parametrize(
    ("text", "said"), [("gsd: 1", "gsd"), ("gsd_m: 0", "gsd_m"), ("gsd_m: .nan", "gsd_m"), ("[1, 2]", "expected")]
)
def test_settings_that_are_wrong(flown_stills: Path, tmp_path: Path, text: str, said: str) -> None:
    settings = tmp_path / "mosaic.yaml"
    settings.write_text(text)
    result = run(flown_stills, "--out", tmp_path / "out", "--settings", settings)
    assert result.exit_code == WRONG_USAGE
    assert said in result.output and str(settings) in result.output
    assert not (tmp_path / "out").exists()


def test_what_is_no_flight(tmp_path: Path) -> None:
    assert run(tmp_path / "missing", "--out", tmp_path / "out").exit_code == FOUND_A_PROBLEM
    (tmp_path / "empty").mkdir()
    result = run(tmp_path / "empty", "--out", tmp_path / "out")
    assert result.exit_code == FOUND_A_PROBLEM
    assert "found no picture" in result.output
    folder = tmp_path / "text"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(b"\xff\xd8 not a picture")
    assert run(folder, "--out", tmp_path / "out").exit_code == FOUND_A_PROBLEM
    assert not (tmp_path / "out").exists()


def test_real_photographs(shared_data: Path, tmp_path: Path) -> None:
    """The road in four photographs is one road: neighbours are tied, and what they share lies in one place."""
    folder = shared_data / "drone" / "park_survey"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist")
    result = run(folder, "--out", tmp_path, "--gsd", "0.1")
    assert result.exit_code == 0, result.output
    manifest = MosaicManifest.model_validate_json((tmp_path / NAME).read_text(encoding="utf-8"))
    assert manifest.pictures == 4
    assert manifest.epsg == 32615
    assert manifest.ties >= 3
    assert manifest.disagreement_m[1] < 0.05 < manifest.disagreement_m[0]
    assert manifest.colour_steps[1] < 0.5 * manifest.colour_steps[0]
    with rasterio.open(tmp_path / GEOTIFF) as file:
        grey = cv2.cvtColor(np.moveaxis(file.read(), 0, 2), cv2.COLOR_RGB2GRAY)[file.read_masks(1) == 255]
    assert 60 < grey.mean() < 160
