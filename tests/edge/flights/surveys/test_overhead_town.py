"""The first flights of an area over a generated town, against the city's orthophoto and its heights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.outbox.store import Outbox
from samples.town.orthophotos import Aerial, write_orthophoto, write_surface
from tests.edge.flights.surveys.town import DEVICE, REGISTER, Corner, configuration, flown_corner

AERIAL = Aerial(gsd_m=0.2)


@pytest.fixture(scope="module")
def corner(tmp_path_factory: pytest.TempPathFactory) -> Corner:
    made = flown_corner(tmp_path_factory.mktemp("corner"), flights=("2-after", "3-again"))
    before = made.pair.truth.before
    write_orthophoto(made.folder / "city.tif", before, AERIAL, date="2025:11:02 10:00:00")
    before.forget()
    write_surface(made.folder / "dsm.tif", before.town, AERIAL)
    (made.folder / "west.yaml").write_text(
        f"{REGISTER}orthophoto: {{path: city.tif, surface: dsm.tif}}\n", encoding="utf-8"
    )
    return made


def survey(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, ["survey", *map(str, arguments)])
    assert result.exit_code == 0, result.output
    return result


def told_of(house: shapely.Polygon, folder: Path, corner: Corner) -> list[dict[str, Any]]:
    """Events of what was built there, in the order of the chain."""
    outbox = Outbox(folder / "state", DEVICE)
    try:
        events = [json.loads(each.content)["data"] for each in outbox.next_batch(1000, 10**9)]
    finally:
        outbox.close()
    plane = corner.pair.after.plane
    middle = shapely.transform(house.centroid, plane.degrees)
    return [each for each in events if shapely.geometry.shape(each["location"]["area"]).contains(middle)]


def test_what_the_first_flight_shows_is_told_and_the_second_confirms_it(corner: Corner, tmp_path: Path) -> None:
    config = configuration(tmp_path, corner)
    first = survey(corner.folder / "2-after", "--config", config, "--out", tmp_path / "out")
    assert "the orthophoto city-" in first.stdout
    opened, updated = told_of(corner.house, tmp_path, corner)
    assert (opened["phase"], updated["phase"]) == ("opened", "updated")
    assert opened["detail"]["compared_with"]["kind"] == "orthophoto"
    assert opened["detail"]["compared_with"]["taken_at"].startswith("2025-11-02T10:00:00")
    assert {each["kind"] for each in updated["evidence"]} == {"before", "after"}
    assert list((tmp_path / "out").glob("2-after-*/against-city-*/findings.geojson"))
    assert "nothing to do" in survey(corner.folder / "2-after", "--config", config).stdout
    survey(corner.folder / "3-again", "--config", config)
    last = told_of(corner.house, tmp_path, corner)[-1]
    assert (last["tier"], last["detail"]["sightings"]["flights"]) == ("alarm", 2)
    assert last["episode_id"] == opened["episode_id"]


def test_one_that_is_given_says_nothing_of_the_one_in_the_settings(corner: Corner, tmp_path: Path) -> None:
    """The heights of another day's orthophoto are not taken for its own."""
    other = tmp_path / "other.tif"
    other.write_bytes((corner.folder / "city.tif").read_bytes())
    config = configuration(tmp_path, corner)
    out = ["--config", config, "--out", tmp_path / "out"]
    flight = corner.folder / "2-after"
    alone = survey(flight, *out, "--baseline", other)
    assert "pairs of pictures and nothing of before" in alone.stdout
    both = survey(flight, *out, "--baseline", other, "--baseline-surface", corner.folder / "dsm.tif")
    assert "pairs of pictures and dsm.tif" in both.stdout
    assert told_of(corner.house, tmp_path, corner)
    again = survey(flight, *out, "--baseline", other, "--baseline-surface", corner.folder / "dsm.tif")
    assert "nothing to do" in again.stdout


def test_a_survey_to_files_takes_the_settings_orthophoto(corner: Corner, tmp_path: Path) -> None:
    result = survey(corner.folder / "2-after", "--settings", corner.folder / "west.yaml", "--out", tmp_path / "out")
    assert "the orthophoto city (of 2025-11-02)" in result.stdout
