"""`gridsentry-edge survey`: two flights of stills, from files to findings."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import shapely
from typer.testing import CliRunner, Result

from contract.canonical import sha256_hex
from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM, WRONG_USAGE
from samples.town import Plan, TownPair, make_pair
from samples.town.register import write_register
from samples.town.stills import write_stills
from tests.edge.inference.change_net import change_net

REGISTER = """
register:
  approved: [{path: register/approved.geojson}]
  permits: [{path: register/permits.geojson}]
  roads: [{path: register/roads.geojson}]
"""
AROUND = 5
"""Pictures of each flight: those around one new house."""


@pytest.fixture(scope="module")
def pair() -> TownPair:
    return make_pair(2, 160.0, plan=Plan(1000, 750, 0.12), changes=5)


@pytest.fixture(scope="module")
def house(pair: TownPair) -> shapely.Polygon:
    """A new one, in metres of the flights' plane."""
    return next(shapely.Polygon(change.outline) for change in pair.truth.changes if change.kind.value == "new_house")


@pytest.fixture(scope="module")
def flown(pair: TownPair, house: shapely.Polygon, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with before/, after/, register/ and survey.yaml."""
    folder = tmp_path_factory.mktemp("survey")
    middle = np.array(house.centroid.coords[0])
    for flight in (pair.truth.before, pair.truth.after):
        places = np.array([(shot.true_pose.east_m, shot.true_pose.north_m) for shot in flight.survey.shots])
        nearest = np.argsort(np.linalg.norm(places - middle, axis=1))[:AROUND]
        write_stills(folder / flight.name, flight, only=sorted(int(number) for number in nearest))
        flight.forget()
    write_register(folder / "register", pair.truth)
    (folder / "survey.yaml").write_text(REGISTER, encoding="utf-8")
    return folder


def run(folder: Path, out: Path, *more: str | Path, flight: str = "after") -> Result:
    arguments = [folder / flight, "--baseline", folder / "before", "--settings", folder / "survey.yaml", "--out", out]
    return CliRunner().invoke(app, ["survey", *map(str, (*arguments, *more))])


@pytest.fixture(scope="module")
def surveyed(flown: Path) -> tuple[Path, Result]:
    out = flown / "out"
    return out, run(flown, out)


def test_a_new_house_is_found_and_told(surveyed: tuple[Path, Result], pair: TownPair, house: shapely.Polygon) -> None:
    out, result = surveyed
    assert result.exit_code == 0, result.output
    plane = pair.after.plane
    features = json.loads((out / "findings.geojson").read_text(encoding="utf-8"))["features"]
    told = [each for each in features if each["properties"].get("told")]
    outlines = [
        shapely.transform(shapely.geometry.shape(each["geometry"]), lambda at: plane.metres(*at.T)) for each in told
    ]
    overlaps = [each.intersection(house).area / each.union(house).area for each in outlines]
    best = int(np.argmax(overlaps))
    assert overlaps[best] > 0.6
    said = told[best]["properties"]
    assert (said["verdict"], said["tier"], said["change"]) == ("new", "review", "appeared")
    assert said["area_m2"] == pytest.approx(house.area, rel=0.25)
    assert said["structure"] in result.stdout
    assert "A person decides" in result.stdout


def test_pictures_that_overlap_too_little_are_told(surveyed: tuple[Path, Result]) -> None:
    out, result = surveyed
    found = json.loads((out / "survey.json").read_text(encoding="utf-8"))["overlap"]
    assert list(found) == ["baseline", "flight"]
    wanting = {
        (name, way)
        for name, ways in found.items()
        for way, least in (("along", 0.7), ("across", 0.6))
        if ways[way] is not None and ways[way] < least
    }
    assert wanting, found  # five pictures of a flight of 70 and 60 %, and not all in one line
    said = {
        line.split()[0]: line.partition("; fly with")[0] for line in result.stdout.splitlines() if "overlap by" in line
    }
    assert {(name, way) for name, line in said.items() for way in ("along", "across") if f"% {way}" in line} == wanting


def test_a_flight_is_named_as_its_folder_is(flown: Path, tmp_path: Path) -> None:
    (flown / "after").rename(flown / "after [red]")
    try:
        result = run(flown, tmp_path / "out", flight="after [red]")
    finally:
        (flown / "after [red]").rename(flown / "after")
    assert result.exit_code == 0, result.output
    assert "after [red] against before" in result.stdout


def test_the_place_is_shown_before_and_after(surveyed: tuple[Path, Result]) -> None:
    out, _ = surveyed
    summary = json.loads((out / "survey.json").read_text(encoding="utf-8"))
    keys = [each["structure"] for each in summary["structures"] if each["told"]]
    assert keys
    for key in keys:
        before, after = (cv2.imread(str(out / "chips" / f"{key}-{when}.jpg")) for when in ("before", "after"))
        assert before is not None and after is not None
        assert min(*before.shape[:2], *after.shape[:2]) >= 64
    assert summary["pairs"]["flight"] >= 3
    assert summary["pairs"]["baseline"] >= 3
    assert all(after < 1 < before for before, after in summary["poses_disagree_px"])
    assert summary["heights_differ_m"] < 0.3
    assert summary["examined_m2"] > 1000


def test_what_was_surveyed_is_not_surveyed_again(surveyed: tuple[Path, Result], flown: Path, tmp_path: Path) -> None:
    out, _ = surveyed
    before = (out / "structures.json").read_bytes()
    (flown / "after").rename(flown / "copied")  # known by what it holds
    try:
        again = run(flown, out, flight="copied")
    finally:
        (flown / "copied").rename(flown / "after")
    assert again.exit_code == 0
    assert "nothing to do" in again.stdout
    assert (out / "structures.json").read_bytes() == before


def test_the_same_flight_under_other_settings_is_no_second_sighting(surveyed: tuple[Path, Result], flown: Path) -> None:
    out, _ = surveyed
    before = json.loads((out / "structures.json").read_text(encoding="utf-8"))
    assert before["structures"]
    (flown / "other.yaml").write_text(f"{REGISTER}illegal_structure: {{large_m2: 90}}\n", encoding="utf-8")
    again = run(flown, out, "--settings", flown / "other.yaml")
    assert again.exit_code == 0
    assert "A person decides" in again.stdout
    after = json.loads((out / "structures.json").read_text(encoding="utf-8"))
    assert [each["key"] for each in after["structures"]] == [each["key"] for each in before["structures"]]
    assert all(each["flights_total"] == 1 for each in after["structures"])
    assert not list(out.glob("*.part"))


def test_a_register_that_cannot_be_used_is_told_before_anything_is_compared(flown: Path, tmp_path: Path) -> None:
    settings = tmp_path / "survey.yaml"
    settings.write_text("register: {approved: [{path: missing.geojson}]}", encoding="utf-8")
    result = run(flown, tmp_path / "out", "--settings", settings)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "missing.geojson" in result.output
    assert not (tmp_path / "out").exists()


MODEL = """
change_model: {{name: differ, version: "1", path: {path}, licence: Apache-2.0, gsd_m: 0.2, side_px: 128}}
"""


def test_a_learned_model_is_asked_about_each_place(
    surveyed: tuple[Path, Result], flown: Path, tmp_path: Path, house: shapely.Polygon, pair: TownPair
) -> None:
    """One that says that nothing has changed: every likelihood falls, and none is forgotten."""
    network = change_net(flown / "differ.onnx", threshold=10.0)
    settings = flown / "asked.yaml"
    settings.write_text(REGISTER + MODEL.format(path=network.name), encoding="utf-8")
    result = run(flown, tmp_path / "out", "--settings", settings)
    assert result.exit_code == 0, result.output
    summary = json.loads((tmp_path / "out" / "survey.json").read_text(encoding="utf-8"))
    assert summary["change_model"] == {"name": "differ", "version": "1", "sha256": sha256_hex(network.read_bytes())}
    alone, asked = (
        [each["properties"] for each in json.loads((out / "findings.geojson").read_text("utf-8"))["features"]]
        for out in (surveyed[0], tmp_path / "out")
    )
    before, after = (
        {each["structure"]: each["confidence"] for each in all_ if "structure" in each} for all_ in (alone, asked)
    )
    shared = before.keys() & after.keys()
    assert shared
    assert all(after[key] < before[key] for key in shared)


def test_a_model_that_is_missing_is_told_before_anything_is_compared(flown: Path, tmp_path: Path) -> None:
    settings = flown / "missing.yaml"
    settings.write_text(REGISTER + MODEL.format(path="nowhere.onnx"), encoding="utf-8")
    result = run(flown, tmp_path / "out", "--settings", settings)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "nowhere.onnx" in result.output
    assert not (tmp_path / "out").exists()


def test_a_flight_without_pictures_and_one_that_is_missing_are_refused(flown: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for flight in (tmp_path / "empty", tmp_path / "nowhere"):
        result = CliRunner().invoke(
            app, ["survey", str(flight), "--baseline", str(flown / "before"), "--out", str(tmp_path / "out")]
        )
        assert result.exit_code == FOUND_A_PROBLEM
        assert flight.name in result.output


@pytest.mark.parametrize("text", ["register: 5", "flight: {nonsense: 1}", "[1, 2]", "a: b: c"])
def test_wrong_settings_are_wrong_usage(flown: Path, tmp_path: Path, text: str) -> None:
    settings = tmp_path / "survey.yaml"
    settings.write_text(text, encoding="utf-8")
    result = run(flown, tmp_path / "out", "--settings", settings)
    assert result.exit_code == WRONG_USAGE
    assert "survey.yaml" in result.output


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"5"])
def test_a_memory_that_cannot_be_read_is_never_begun_anew_silently(flown: Path, tmp_path: Path, content: bytes) -> None:
    memory = tmp_path / "structures.json"
    memory.write_bytes(content)
    result = run(flown, tmp_path / "out", "--memory", memory)
    assert result.exit_code == FOUND_A_PROBLEM
    assert "structures.json" in result.output
    assert run(flown, tmp_path / "out", "--memory", tmp_path / "none.json").exit_code == WRONG_USAGE


def test_a_broken_picture_costs_itself(flown: Path, tmp_path: Path) -> None:
    for name in ("before", "after", "register"):
        shutil.copytree(flown / name, tmp_path / name)
    shutil.copy(flown / "survey.yaml", tmp_path)
    pictures = sorted((tmp_path / "after").glob("*.JPG"))
    pictures[0].write_bytes(pictures[0].read_bytes()[:4000])
    for each in pictures[3:]:
        each.unlink()
    result = run(tmp_path, tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert json.loads((tmp_path / "out" / "survey.json").read_text(encoding="utf-8"))["pairs"]["flight"] == 1
