"""What an area remembers, and which earlier flight a new one is compared with."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.geometry import Point
from edge.detectors.illegal_structure.sightings import Structure, begun
from edge.flights.local import LocalPlane
from edge.flights.surveys import records as module
from edge.flights.surveys.records import (
    LOOKED_BACK,
    Comparison,
    KnownFlight,
    Records,
    RecordsError,
    earlier,
    looking_back,
    name_of,
    records_from,
    shows_enough,
)
from tests.edge.detectors.illegal_structure.ground import SETTINGS, box, found
from tests.edge.detectors.illegal_structure.ground import flight as context

PLANE = LocalPlane(Point(coordinates=(113.62, 34.75)))
NOON = datetime(2026, 5, 1, 4, tzinfo=UTC)


def flight(name: str, days: float = 0, west: float = 0, width: float = 100, height: float = 100) -> KnownFlight:
    """One that shows a rectangle."""
    ring = PLANE.degrees([(west, 0), (west + width, 0), (west + width, height), (west, height), (west, 0)])
    ground = (tuple((float(x), float(y)) for x, y in ring),)
    ended = NOON + timedelta(days=days)
    return KnownFlight(name, f"/flights/{name}", name * 8, ended - timedelta(minutes=20), ended, ground)


def records(*flights: KnownFlight) -> Records:
    made = Records()
    for each in flights:
        made = made.with_flight(each)
    return made


def structure(name: str, *flights: str) -> Structure:
    one = begun(found(box(0, 0, 6, 5)), name, context(flights[0]), SETTINGS, rebuilt=False)
    return replace(one, flights=flights, flights_total=len(flights))


def days(flights: list[KnownFlight]) -> dict[str, datetime]:
    return {each.id: each.taken_at for each in flights}


def names(flights: list[KnownFlight]) -> list[str]:
    return [each.id for each in flights]


def test_the_newest_earlier_flight_that_shows_enough_is_the_baseline() -> None:
    known = records(
        flight("old"),
        flight("newer", 10),
        flight("strip", 20, width=30),
        flight("later", 40),
        flight("far", 25, west=500),
    )
    assert names(earlier(known, flight("new", 30), PLANE)) == ["newer", "old", "strip"]
    assert names(earlier(known, flight("new", 0), PLANE)) == []


def test_where_none_shows_enough_the_one_that_shows_most_is_taken() -> None:
    known = records(flight("some", west=70), flight("little", 5, west=95))
    assert names(earlier(known, flight("new", 30), PLANE)) == ["some", "little"]
    assert names(earlier(records(flight("edge", west=99.9)), flight("new", 30), PLANE)) == []


def test_a_flight_of_the_same_time_is_no_baseline() -> None:
    """Two drones at once, or one flight of which more pictures have come."""
    beside = flight("beside", 30 - 0.01)
    known = records(flight("old"), beside)
    assert names(earlier(known, flight("new", 30), PLANE)) == ["old"]
    more = replace(flight("more", 30), path=beside.path)
    assert known.half_of(more) == beside
    assert known.half_of(flight("new", 30)) is None
    assert known.half_of(replace(flight("card", 40), path=beside.path)) is None, "the card of another day"


def test_one_looks_back_at_what_most_open_structures_were_found_against() -> None:
    flights = [flight(name, days) for days, name in enumerate("abcd")]
    known = replace(
        records(*flights),
        comparisons=(
            Comparison("b", "a", "g", ("s1", "s2")),
            Comparison("c", "b", "g", ("s3",)),
            Comparison("c", "a", "g", ("s1", "s3")),
        ),
    )
    now = flight("e", 5)
    standing = [structure("s1", "b", "c"), structure("s2", "b"), structure("s3", "c")]
    assert looking_back(known, now, standing, days(flights)) == "a"
    assert looking_back(known, now, standing[2:], days(flights)) == "b", "of several the newest"
    assert looking_back(known, now, standing[2:], days(flights[:1])) == "a", "b's files are gone"
    assert looking_back(known, now, [], days(flights)) is None
    old = replace(now, taken_at=flights[0].taken_at + LOOKED_BACK + timedelta(days=1))
    assert looking_back(known, old, standing, days(flights[:1])) is None, "gardens have grown over it"


def test_a_baseline_that_is_no_flight_is_known_by_the_flights_that_were_compared_with_it() -> None:
    known = replace(
        records(flight("a"), flight("b", 1), flight("c", 2)),
        comparisons=(Comparison("b", "city", "g", ("s",)), Comparison("c", "city", "g"), Comparison("c", "b", "g")),
    )
    assert known.first_against("city") == flight("b", 1).taken_at
    assert known.first_against("b") == flight("c", 2).taken_at
    assert known.first_against("town") is None
    assert looking_back(known, flight("d", 3), [structure("s", "b")], {"city": NOON}) == "city"


def test_half_of_its_ground_is_enough() -> None:
    assert shows_enough(flight("old", west=49), flight("new"), PLANE)
    assert not shows_enough(flight("old", west=51), flight("new"), PLANE)
    assert not shows_enough(flight("old"), flight("large", width=250), PLANE)


def test_what_a_flight_had_already_is_not_confirmed_with_it() -> None:
    flights = [flight("a"), flight("b", 1), flight("c", 2)]
    known = replace(
        records(*flights), comparisons=(Comparison("b", "a", "g", ("s",)), Comparison("c", "b", "g", ("s",)))
    )
    assert looking_back(known, flight("d", 3), [structure("s", "b", "c")], days(flights)) == "a"


def test_what_is_remembered_is_the_same_after_a_restart() -> None:
    known = replace(records(flight("a"), replace(flight("b", 1), finished=False)), structures={"version": 1})
    known = known.with_comparison(Comparison("b", "a", "g", ("s",)), {"version": 1, "structures": []})
    assert records_from(known.as_text()) == known
    assert known.has_compared("b", "a", "g")
    assert not known.has_compared("b", "a", "other settings")
    assert records_from(None) == Records()


@settings(deadline=None)
@given(st.text(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_what_is_damaged_is_said(text: str) -> None:
    with pytest.raises(RecordsError):
        records_from(text)


@pytest.mark.parametrize(
    "change", [{"version": 2}, {"flights": [{}]}, {"structures": 5}, {"comparisons": None}, {"flights": "x"}]
)
def test_what_another_version_wrote_is_said(change: dict[str, object]) -> None:
    content = {**json.loads(records(flight("a")).as_text()), **change}
    with pytest.raises(RecordsError):
        records_from(json.dumps(content))


def test_the_oldest_flights_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_FLIGHTS", 2)
    known = records(flight("a"), flight("b", 1))
    known = known.with_comparison(Comparison("a", "z", "g"), {}).with_flight(flight("c", 2))
    assert [each.id for each in known.flights] == ["b", "c"]
    assert known.comparisons == ()


@pytest.mark.parametrize("folder", ["100MEDIA", "11 月 航拍", "../..", " .", "a/b\x00\u202e", "x" * 300, ""])
def test_a_flights_name_fits_events_and_files(folder: str) -> None:
    name = name_of(folder, "0123456789ab")
    assert name.endswith("-01234567")
    assert len(name) <= 70
    assert not set(name) & set("/\\\x00 \u202e")
    assert not name.startswith(("-", "."))
