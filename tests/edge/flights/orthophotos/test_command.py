"""`gridsentry-edge survey --baseline city.tif`: a flight of stills over a generated town against its orthophoto."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from samples.town import Plan, TownPair, make_pair
from samples.town.orthophotos import Aerial, write_orthophoto, write_surface
from samples.town.register import write_register
from samples.town.stills import write_stills

AROUND = 4
"""Pictures of the flight: those around one new house."""
AERIAL = Aerial(gsd_m=0.2)
SETTINGS = """
register: {approved: [{path: register/approved.geojson}]}
orthophoto: {surface: dsm.tif}
"""


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(2, 160.0, plan=Plan(1000, 750, 0.12), changes=5)


@pytest.fixture(scope="module")
def house(pair: TownPair) -> shapely.Polygon:
    return next(shapely.Polygon(change.outline) for change in pair.truth.changes if change.kind.value == "new_house")


@pytest.fixture(scope="module")
def given(pair: TownPair, house: shapely.Polygon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with after/, city.tif, dsm.tif, register/ and survey.yaml."""
    folder = tmp_path_factory.mktemp("orthophotos")
    after = pair.truth.after
    places = np.array([(shot.true_pose.east_m, shot.true_pose.north_m) for shot in after.survey.shots])
    nearest = np.argsort(np.linalg.norm(places - house.centroid.coords[0], axis=1))[:AROUND]
    write_stills(folder / "after", after, only=sorted(int(number) for number in nearest))
    after.forget()
    write_orthophoto(folder / "city.tif", pair.truth.before, AERIAL, date="2025:11:02 10:00:00")
    pair.truth.before.forget()
    write_surface(folder / "dsm.tif", pair.truth.before.town, AERIAL)
    write_register(folder / "register", pair.truth)
    (folder / "survey.yaml").write_text(SETTINGS, encoding="utf-8")
    return folder


EDGE = "{device: {id: box-1, state_dir: state}, sources: {}, areas: {west: {}}}"


def run(folder: Path, out: Path, *more: str | Path, baseline: str = "city.tif") -> Result:
    arguments = [folder / "after", "--baseline", folder / baseline, "--out", out]
    return CliRunner().invoke(app, ["survey", *map(str, (*arguments, *more))])


@pytest.fixture(scope="module")
def surveyed(given: Path) -> tuple[Path, Result]:
    out = given / "out"
    return out, run(given, out, "--settings", given / "survey.yaml")


def test_a_new_house_is_told_against_the_orthophoto(
    surveyed: tuple[Path, Result], pair: TownPair, house: shapely.Polygon
) -> None:
    out, result = surveyed
    assert result.exit_code == 0, result.output
    features = json.loads((out / "findings.geojson").read_text(encoding="utf-8"))["features"]
    told = [
        shapely.transform(shapely.geometry.shape(each["geometry"]), lambda at: pair.after.plane.metres(*at.T))
        for each in features
        if each["properties"].get("told")
    ]
    assert max(each.intersection(house).area / each.union(house).area for each in told) > 0.6
    assert "the orthophoto city (of 2025-11-02)" in result.stdout
    assert "dsm.tif" in result.stdout


def test_what_it_was_compared_with_is_written(surveyed: tuple[Path, Result]) -> None:
    out, _ = surveyed
    summary = json.loads((out / "survey.json").read_text(encoding="utf-8"))
    assert (summary["baseline"], summary["baseline_kind"]) == ("city", "orthophoto")
    assert summary["baseline_taken_at"] == "2025-11-02T10:00:00+00:00"
    assert summary["pairs"]["baseline"] == 0
    assert list((out / "chips").glob("*-before.jpg"))
    memory = json.loads((out / "structures.json").read_text(encoding="utf-8"))
    assert memory["structures"]


def test_the_same_again_is_nothing_to_do_and_another_model_is(surveyed: tuple[Path, Result], given: Path) -> None:
    out, _ = surveyed
    assert "nothing to do" in run(given, out, "--settings", given / "survey.yaml").stdout


def test_an_orthophoto_of_a_later_day_is_refused(given: Path, tmp_path: Path) -> None:
    (tmp_path / "survey.yaml").write_text("orthophoto: {taken_at: 2031-01-01T00:00:00Z}", encoding="utf-8")
    result = run(given, tmp_path / "out", "--settings", tmp_path / "survey.yaml")
    assert result.exit_code == FOUND_A_PROBLEM
    assert "2031-01-01 by the settings" in " ".join(result.output.split())


@pytest.mark.parametrize("content", [b"", b"II*\x00" + b"\xff" * 60, None], ids=["empty", "spoilt", "missing"])
def test_a_file_that_is_none_is_said(given: Path, content: bytes | None) -> None:
    path = given / "none.tif"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    result = run(given, given / "nothing", baseline="none.tif")
    assert result.exit_code == FOUND_A_PROBLEM
    assert "none.tif" in result.output
    assert not (given / "nothing").exists()


def test_wrong_usage_names_what_to_do(given: Path, tmp_path: Path) -> None:
    result = run(given, tmp_path / "out", "--baseline-surface", given / "dsm.tif", baseline="after")
    assert result.exit_code == WRONG_USAGE
    assert "expected an orthophoto" in result.output
    (tmp_path / "edge.yaml").write_text(EDGE, encoding="utf-8")
    config = ["--config", str(tmp_path / "edge.yaml")]
    surface = ["--baseline-surface", str(given / "dsm.tif")]
    for arguments in ([str(given / "after")], ["--watch", str(given)]):
        result = CliRunner().invoke(app, ["survey", *arguments, *config, *surface])
        assert result.exit_code == WRONG_USAGE
        assert "--baseline" in result.output
    missing = run(given, tmp_path / "out", "--baseline-surface", tmp_path / "none.tif")
    assert missing.exit_code == FOUND_A_PROBLEM
    assert "none.tif: no such file" in missing.output
