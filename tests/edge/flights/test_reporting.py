"""What is said of a flight."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from shapely import box

from edge.flights.flight_settings import FlightSettings
from edge.flights.ingesting import Ingested, ingest
from edge.flights.mapping import draw_flight
from edge.flights.reporting import _gaps, geo_polygon, spread_of
from edge.flights.telling import map_document, print_report


@pytest.fixture(scope="module")
def flown(flown_stills: Path) -> Ingested:
    return ingest(flown_stills)


@pytest.fixture(scope="module")
def with_gap(flown_stills: Path, tmp_path_factory: pytest.TempPathFactory) -> Ingested:
    """Of the first line two pictures only, that far apart that they do not meet."""
    folder = tmp_path_factory.mktemp("gap") / "gap"
    shutil.copytree(flown_stills, folder)
    for number in range(2, 13):
        if number != 6:
            (folder / f"DJI_{number:04d}.JPG").unlink()
    return ingest(folder)


def test_figures_are_those_of_the_flight(flown: Ingested) -> None:
    """96 by 72 m pictures, 70 % along and 60 % across as planned, 2 s from one to the next."""
    report = flown.report
    assert (report.pictures_found, report.pictures_used, report.not_used) == (12, 12, ())
    assert report.seconds == 22.0
    assert report.coverage.along is not None and report.coverage.along.median == pytest.approx(0.7, abs=0.05)
    assert report.coverage.across is not None and report.coverage.across.most == pytest.approx(0.6, abs=0.1)
    assert report.metres_per_pixel is not None and report.metres_per_pixel.median == pytest.approx(0.3, rel=0.03)
    assert report.height_m is not None and 55 < report.height_m.median < 70
    # GNSS straight down: 1.5 m a side, and what tilt adds.
    assert report.accuracy_m is not None and 3.0 < report.accuracy_m.median < 5.0
    assert 0 < report.coverage.twice_m2 < report.coverage.area_m2
    assert report.coverage.gaps_m2 == 0 and not report.problems
    assert report.speed_m_s is not None and 5 < report.speed_m_s.median < 20
    assert len(report.track.coordinates) == 12


def test_the_report_is_json_that_is_complete(flown: Ingested) -> None:
    told = json.loads(flown.report.as_json())
    assert told["track"]["type"] == "LineString"
    assert told["began_at"].endswith("Z")
    assert told["positioning"] == {"gnss": 12}
    assert {one["field"] for one in told["readings"] if not one["certain"]} == {"ground"}
    assert told["lenses"][0]["pictures"] == 12


def test_gaps_are_told_and_drawn(with_gap: Ingested) -> None:
    report = with_gap.report
    assert report.pictures_used == 2
    assert report.coverage.gaps_m2 > 100 and len(report.coverage.gaps) >= 1
    assert any("not shown by any" in one for one in report.problems)
    kinds = [each["properties"]["kind"] for each in json.loads(map_document(with_gap))["features"]]
    assert kinds.count("gap") == len(report.coverage.gaps) and kinds.count("footprint") == 2
    picture = draw_flight(with_gap)
    red = np.all(picture[92:964, 36:1100] == (52, 52, 214), axis=2)
    assert red.sum() > 500, "no gap is hatched"


def test_a_bay_that_the_drone_crossed_is_a_gap() -> None:
    """Two lines side by side, the second of which has lost its middle: no hole, no separate part."""
    first = [box(0, north, 80, north + 60) for north in range(0, 241, 20)]
    second = [box(60, north, 140, north + 60) for north in (240, 220, 20, 0)]
    (gap,) = _gaps([*first, *second], [])
    assert gap.within(box(80, 80, 140, 220)) and gap.area > 0.6 * 60 * 140
    # The way from one line to the next crosses nothing unseen, nor do lines that are whole.
    assert _gaps([*first, *(box(60, north, 140, north + 60) for north in range(240, -1, -20))], []) == []


def test_the_map_is_of_one_size_and_always_the_same(flown: Ingested) -> None:
    picture = draw_flight(flown)
    assert picture.shape == (1000, 1400, 3)
    assert np.array_equal(picture, draw_flight(flown))
    once = np.all(picture == (150, 208, 246), axis=2).sum()
    assert 1_000 < once < picture.shape[0] * picture.shape[1] / 2


def test_a_flight_without_pictures_is_drawn_and_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    found = ingest(tmp_path)
    assert draw_flight(found).shape == (1000, 1400, 3)
    assert json.loads(map_document(found))["features"] == []
    assert "none of 1 pictures can be used" in printed(found)


def printed(found: Ingested) -> str:
    console = Console(width=160, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as caught:
        print_report(console, found.report)
    return caught.get()


def test_one_page_for_people(flown: Ingested) -> None:
    text = printed(flown)
    for words in ("12 used of 12", "gnss (12)", "read so, but could mean something else", "95 % radius"):
        assert words in text
    assert len(text.splitlines()) < 40


def test_markup_in_a_name_is_text(flown_stills: Path, tmp_path: Path) -> None:
    folder = tmp_path / "[red]x[bold]"
    folder.mkdir()
    shutil.copy(flown_stills / "DJI_0001.JPG", folder / "[bold]1[blue].JPG")
    (folder / "[[].JPG").write_bytes(b"\xff\xd8\xff")
    text = printed(ingest(folder))
    assert "[red]x[bold]" in text and "[[].JPG" in text


def test_real_photographs(shared_data: Path) -> None:
    """Four of a Phantom 3 in one line, 40 m up: 14 m apart, 38 m of ground in the direction of flight."""
    folder = shared_data / "drone" / "park_survey"
    if not folder.is_dir():
        pytest.skip(f"real data is not here: {folder} does not exist")
    report = ingest(folder).report
    assert (report.pictures_found, report.pictures_used) == (4, 4)
    assert report.coverage.along is not None and report.coverage.along.median == pytest.approx(0.64, abs=0.04)
    assert report.length_m == pytest.approx(41, abs=2) and report.seconds == 21.0
    assert report.height_m is not None and report.height_m.median == pytest.approx(40, abs=0.5)
    assert report.lenses[0].source.startswith("Phantom 3")
    # What is assumed is named: the zone of the clock, what the height is above, the ground, how it was positioned.
    doubtful = {one.field for one in report.readings if not one.certain}
    assert {"time zone", "AbsoluteAltitude", "ground", "positioning"} <= doubtful
    stated = ingest(folder, FlightSettings(zone="America/Chicago")).report
    assert "time zone" not in {one.field for one in stated.readings if not one.certain}


def test_spreads() -> None:
    found = spread_of([1.0, 2.0, 3.0, float("nan"), float("inf")])
    assert found is not None and (found.least, found.median, found.most) == (1.0, 2.0, 3.0)
    assert spread_of([]) is None


def test_outlines_become_closed_rings(flown: Ingested) -> None:
    ring = geo_polygon(box(0, 0, 100, 50), flown.flight.plane).coordinates[0]
    assert ring[0] == ring[-1] and len(ring) == 5
