"""`gridsentry-edge flight`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import rasterio
from rasterio import Affine
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["flight", *map(str, arguments)])


def test_a_flight_is_told_and_its_report_written(flown_stills: Path, tmp_path: Path) -> None:
    out = tmp_path / "a" / "report"
    result = run(flown_stills, "--report", out)
    assert result.exit_code == 0, result.output
    assert "12 used of 12" in result.stdout
    assert json.loads((out / "flight.json").read_text(encoding="utf-8"))["pictures_used"] == 12
    assert (
        json.loads((out / "flight.geojson").read_text(encoding="utf-8"))["features"][0]["properties"]["kind"] == "track"
    )
    picture = cv2.imread(str(out / "flight.png"))
    assert picture is not None and picture.shape == (1000, 1400, 3)


def test_json_is_all_that_is_printed(flown_video: Path) -> None:
    result = run(flown_video, "--json", "--zone", "Asia/Shanghai", "--near", "113.62,34.75")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["kind"] == "video" and told["log"] == "DJI_0001.SRT"
    assert told["began_at"].endswith("+08:00")


def test_the_lens_of_a_video_can_be_stated(flown_video: Path) -> None:
    by_model = json.loads(run(flown_video, "--json", "--camera", "FC6310").stdout)["lenses"][0]
    assert by_model["source"].startswith("Phantom 4 Pro") and by_model["focal_px"] == pytest.approx(240.0, abs=0.1)
    by_focal = json.loads(run(flown_video, "--json", "--focal-px", "250").stdout)["lenses"][0]
    assert (by_focal["focal_px"], by_focal["focal_sigma"]) == (250.0, 0.015)


def test_nothing_usable_ends_with_1(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff")
    result = run(tmp_path)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "none of 1 pictures can be used" in " ".join(result.stdout.split())


def test_no_flight_ends_with_1_and_a_message(tmp_path: Path) -> None:
    result = run(tmp_path / "nothing")
    assert result.exit_code == FOUND_A_PROBLEM
    assert "give a folder of stills, or a video" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--near", "here"], "expected longitude,latitude"),
        (["--near", "500,95"], "near"),
        (["--zone", "Mars/Olympus"], "no time zone"),
        (["--datum", "moon"], "ground.datum"),
        (["--elevation", "a.tif", "--ground-m", "5"], "states elevation and height_m"),
        (["--part", "0"], "part"),
        (["--settings", "nothing.yaml"], "cannot be read as YAML"),
    ],
)
def test_wrong_usage_ends_with_2(flown_stills: Path, arguments: list[str], message: str) -> None:
    result = run(flown_stills, *arguments)
    assert result.exit_code == WRONG_USAGE
    assert message in result.stderr


def test_settings_of_a_file(flown_stills: Path, tmp_path: Path) -> None:
    path = tmp_path / "flight.yaml"
    path.write_text("choice: {overlap: 0.3}\nground: {height_m: 10, sigma_m: 2}\n", encoding="utf-8")
    result = run(flown_stills, "--settings", path, "--ground-m", "12", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["pictures_used"] < 12
    # The command line wins, and the rest of the file's section stays.
    assert told["ground"] == "level, 12 m above the sea, good to 2 m"


@pytest.mark.parametrize("content", ["- a\n", "choice: {overlap: 7}\n", "unknown: 1\n", "a: [\n", "ground: 3\n"])
def test_wrong_settings_of_a_file_end_with_2(flown_stills: Path, tmp_path: Path, content: str) -> None:
    path = tmp_path / "flight.yaml"
    path.write_text(content, encoding="utf-8")
    result = run(flown_stills, "--settings", path)
    assert result.exit_code == WRONG_USAGE
    assert "flight.yaml" in result.stderr


def test_over_an_elevation_model(flown_stills: Path, tmp_path: Path) -> None:
    """A slope of 10 % to the east, in degrees and without a word of its datum: read as above the sea, which is told."""
    west, north, step = 113.60, 34.77, 0.0005
    columns = np.arange(80)
    heights = np.tile((columns * step * 91_400 * 0.1).astype(np.float32), (80, 1))
    path = tmp_path / "ground.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=80, height=80, count=1, dtype="float32", crs="EPSG:4326",
        transform=Affine(step, 0, west, 0, -step, north),
    ) as file:  # fmt: skip
        file.write(heights, 1)
    result = run(flown_stills, "--elevation", path, "--takeoff-m", "150", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert "heights taken as above sea level" in told["ground"]
    assert told["height_m"]["most"] - told["height_m"]["least"] > 5
    assert run(flown_stills, "--elevation", flown_stills / "DJI_0001.JPG").exit_code == FOUND_A_PROBLEM


def test_help_needs_nothing_of_what_surveys_need() -> None:
    """Boxes beside cameras are installed without it."""
    code = (
        "import sys; import edge.cli; "
        "print([name for name in ('rasterio', 'shapely', 'pyproj', 'exifread') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
