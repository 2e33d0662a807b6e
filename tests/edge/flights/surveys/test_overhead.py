"""An area whose settings name an orthophoto: what is compared with it, and what becomes of it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from edge.cli import app
from edge.flights.flights_cli import FOUND_A_PROBLEM
from edge.flights.material import FlightError
from edge.flights.orthophotos.errors import ElsewhereError, OrthophotoError
from edge.flights.survey_settings import SurveySettings
from edge.flights.surveys.area import Outcome, Said
from edge.flights.surveys.settings import SettingsError
from edge.flights.surveys.watching import LATER_SECONDS
from tests.edge.detectors.illegal_structure.ground import box as rectangle
from tests.edge.detectors.illegal_structure.ground import found
from tests.edge.flights.orthophotos.drawn import write
from tests.edge.flights.surveys.scripted import Box, scripted_box
from tests.edge.flights.surveys.test_command import configured
from tests.edge.flights.surveys.test_watching import Watched

SHED = rectangle(0, 0, 6, 5)
BARN = rectangle(20, 10, 9, 8)
LONG_AGO = "2020-03-01T00:00:00Z"
FAR = (-3e5, -48.0, -2.9e5, 48.0)


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    made = scripted_box(tmp_path, monkeypatch)
    yield made
    made.outbox.close()


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return painted(tmp_path / "city.tif")


def painted(path: Path, grey: int = 90) -> Path:
    return write(path, np.full((3, 96, 128), grey, np.uint8), 0.5)


def heights(path: Path, **more: Any) -> Path:
    return write(path, np.full((1, 96, 128), 112.0, np.float32), 1.0, **more)


def named(path: Path, **more: Any) -> dict[str, Any]:
    return {"orthophoto": {"path": str(path), "taken_at": LONG_AGO, **more}}


def test_the_first_flight_is_compared_with_it_and_is_told(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found["before", "city"] = [found(SHED)]
    taken = box.take(days / "before", named(city))
    assert (taken.outcome, taken.events) == (Outcome.SURVEYED, 2)
    opened, updated = box.events()
    assert (opened["phase"], updated["phase"]) == ("opened", "updated")
    assert opened["detail"]["compared_with"]["kind"] == "orthophoto"
    assert opened["detail"]["compared_with"]["id"].startswith("city-")
    assert [each["kind"] for each in updated["evidence"]] == ["before", "after"]


def test_it_is_known_by_its_content(box: Box, days: Path, city: Path, tmp_path: Path) -> None:
    box.comparisons.found["before", "city"] = [found(SHED)]
    box.take(days / "before", named(city))
    for path in (days / "before", shutil.copytree(days / "before", tmp_path / "copy")):
        assert box.take(path, named(city)).outcome is Outcome.FINISHED
    assert len(box.comparisons.made) == 1
    painted(city, 140)
    assert box.take(days / "before", named(city), again=False).outcome is Outcome.FINISHED
    assert box.take(days / "before", named(city)).outcome is Outcome.SURVEYED, "another picture under its name"
    assert [tier for _, tier in box.phases()] == ["review"] * len(box.phases()), "and no second sighting"
    assert len({each["episode_id"] for each in box.events()}) == 1


def test_later_flights_are_compared_with_it_while_what_it_showed_is_open(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found |= {("after", "city"): [found(SHED)], ("again", "city"): [found(SHED)]}
    for name in ("after", "again"):
        box.take(days / name, named(city))
    assert box.comparisons.made == [("after", "city"), ("again", "city"), ("again", "after")]
    last = box.events()[-1]
    assert (last["phase"], last["tier"], last["detail"]["sightings"]["flights"]) == ("updated", "alarm", 2)


def test_where_nothing_is_open_later_flights_are_compared_with_flights_alone(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found["after", "before"] = [found(BARN)]
    for name in ("before", "after", "again"):
        box.take(days / name, named(city))
    assert box.comparisons.made == [
        ("before", "city"), ("after", "before"), ("again", "before"), ("again", "after")
    ]  # fmt: skip


def test_one_that_is_named_later_is_for_whoever_gives_the_first_flight_again(box: Box, days: Path, city: Path) -> None:
    assert box.take(days / "before").outcome is Outcome.BASELINE
    assert box.take(days / "before").outcome is Outcome.FINISHED
    box.comparisons.found["before", "city"] = [found(SHED)]
    assert box.take(days / "before", named(city), again=False).outcome is Outcome.FINISHED, "a watched folder"
    assert box.take(days / "before", named(city)).events == 2


def test_a_flight_over_new_ground_is_compared_with_it_as_well(
    box: Box, days: Path, city: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.take(days / "before", named(city))
    monkeypatch.setattr("edge.flights.surveys.area.shows_enough", lambda *_: False)
    box.take(days / "after", named(city))
    assert box.comparisons.made[1:] == [("after", "city"), ("after", "before")]
    box.comparisons.found["again", "city"] = FlightError("snow")
    assert box.take(days / "again", named(city)).outcome is Outcome.SURVEYED
    assert box.comparisons.made[-1] == ("again", "after")


def test_a_flight_that_it_does_not_show_is_a_baseline(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found["before", "city"] = ElsewhereError("city.tif: does not show the ground")
    assert box.take(days / "before", named(city)).outcome is Outcome.BASELINE
    assert box.take(days / "after", named(city)).outcome is Outcome.SURVEYED


def test_a_flight_that_it_cannot_be_compared_with_is_not_kept(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found["before", "city"] = OrthophotoError("city.tif: the flight fits nowhere")
    with pytest.raises(FlightError, match="fits nowhere"):
        box.take(days / "before", named(city))
    assert box.area.records().flights == ()


def test_one_that_is_younger_is_no_baseline_and_a_files_own_day_is_doubted(box: Box, days: Path, city: Path) -> None:
    young = {"orthophoto": {"path": str(city), "taken_at": "2030-01-01T00:00:00Z"}}
    assert box.take(days / "before", young).outcome is Outcome.BASELINE
    dated = write(city.with_name("dated.tif"), np.full((3, 96, 128), 90, np.uint8), 0.5)
    with rasterio.open(dated, "r+") as file:
        file.update_tags(TIFFTAG_DATETIME="2030:01:01 00:00:00")
    with pytest.raises(SettingsError, match=r"2030-01-01 by the file.*state orthophoto\.taken_at"):
        box.take(days / "before", {"orthophoto": {"path": str(dated)}})
    assert box.comparisons.made == []


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda city: city.unlink(), "cannot be read"),
        (lambda city: city.write_bytes(b"II*\x00" + b"\xff" * 60), "cannot be read"),
        (lambda city: write(city, np.full((1, 96, 128), 5, np.uint8), 0.5), "1 bands"),
        (lambda city: write(city, np.full((3, 96, 128), 5, np.uint8), 0.9), "0.5 m or finer"),
    ],
    ids=["missing", "spoilt", "heights", "coarse"],
)
def test_one_that_no_flight_can_be_compared_with_is_the_settings_fault(
    box: Box, days: Path, city: Path, spoil: Any, said: str
) -> None:
    box.take(days / "after", named(city))
    spoil(city)
    with pytest.raises(SettingsError, match=r"city\.tif: ") as caught:
        box.take(days / "before", named(city))
    assert said in str(caught.value)
    assert box.take(days / "again", named(city)).outcome is Outcome.SURVEYED, "there is a flight to compare with"


def test_one_that_is_given_is_compared_with_once(box: Box, days: Path, city: Path) -> None:
    box.comparisons.found["after", "city"] = [found(SHED)]
    assert box.take(days / "after", {}, baseline=city).events == 2
    assert box.take(days / "after", {}, baseline=city).outcome is Outcome.FINISHED
    assert len(box.area.records().flights) == 1
    painted(city, 140)
    assert box.take(days / "after", {}, baseline=city).outcome is Outcome.SURVEYED
    with pytest.raises(FlightError, match="nowhere"):
        box.take(days / "after", {}, baseline=city.with_name("nowhere.tif"))


def test_a_watched_folder_waits_until_it_can_be_used_and_puts_aside_what_does_not_fit(
    box: Box, days: Path, city: Path
) -> None:
    class Named(Watched):
        def _said(self) -> Said:
            return Said(SurveySettings.model_validate(named(city)), self.box.folder)

    watched = Named(box)
    city.unlink()
    flight = watched.add(days / "before", "before")
    assert watched.settled() == 0
    assert flight.exists()
    painted(city)
    box.comparisons.found["before", "city"] = OrthophotoError("city.tif: the flight fits nowhere")
    assert watched.later(LATER_SECONDS) == 1
    assert watched.reasons() == {"before.txt": "city.tif: the flight fits nowhere\n"}
    watched.add(days / "after", "after")
    assert watched.settled() == 1
    assert watched.known() == ["after"]


def check(folder: Path, orthophoto: str) -> tuple[int, str]:
    (folder / "west.yaml").write_text(f"orthophoto: {orthophoto}", encoding="utf-8")
    config = configured(folder, {"west": {"settings": "west.yaml"}})
    result = CliRunner().invoke(app, ["check", "--config", str(config)], env={"COLUMNS": "400"})
    return result.exit_code, result.stdout


def test_check_tries_it_out(tmp_path: Path, city: Path) -> None:
    heights(tmp_path / "dsm.tif")
    assert check(tmp_path, "{path: city.tif, surface: dsm.tif}")[0] == 0
    assert check(tmp_path, "{path: city.tif}")[0] == 0
    # A lake in the middle.
    hole = np.full((1, 96, 128), 112.0, np.float32)
    hole[:, 20:-20, 30:-30] = -9999
    write(tmp_path / "lake.tif", hole, 1.0, nodata=-9999)
    assert check(tmp_path, "{path: city.tif, surface: lake.tif}")[0] == 0


@pytest.mark.parametrize(
    ("orthophoto", "said"),
    [
        ("{path: nowhere.tif}", "nowhere.tif: cannot be read"),
        ("{path: city.tif, surface: nowhere.tif}", "nowhere.tif: no such file"),
        ("{path: city.tif, surface: city.tif}", "city.tif: found 3 bands"),
        ("{path: dsm.tif}", "dsm.tif: found 1 bands"),
        ("{path: city.tif, surface: coarse.tif}", "coarse.tif: found heights 3 m apart"),
        ("{path: city.tif, surface: far.tif}", "far.tif: lies elsewhere than"),
        ("{path: bare.tif}", "bare.tif: does not say where it lies"),
        ("{path: flights}", "flights: cannot be read"),
        ("{path: 5}", "orthophoto.path"),
        ("5", "orthophoto"),
    ],
)
def test_check_says_what_is_wrong_with_it(tmp_path: Path, city: Path, orthophoto: str, said: str) -> None:
    (tmp_path / "flights").mkdir()
    heights(tmp_path / "dsm.tif")
    write(tmp_path / "coarse.tif", np.full((1, 32, 42), 112.0, np.float32), 3.0)
    heights(tmp_path / "far.tif", edges=FAR)
    cv2.imwrite(str(tmp_path / "bare.tif"), np.full((96, 128, 3), 90, np.uint8))
    code, told = check(tmp_path, orthophoto)
    assert code == FOUND_A_PROBLEM
    assert said in told
