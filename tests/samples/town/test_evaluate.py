"""How surveys of generated towns are counted."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import shapely

from edge.detectors.interface import Image
from edge.flights.flight import Flight, KeyFrame
from samples.town import Plan, make_pair
from samples.town.counted import Town, rows_of
from samples.town.evaluate import _asked, _is_false, _parser, evaluate, overlap, placed
from samples.town.ledger import Ledger, code_sha256
from samples.town.suite import EvaluationPair

TOWN = Town(
    name="built-00",
    examined_km2=0.1,
    wanted=10,
    seen=9,
    to_tell=6,
    told=5,
    told_again=6,
    overlaps=(0.8, 0.6, 0.75),
    false=1,
    false_again=2,
    false_twice=1,
    false_alarms=0,
    containers=1,
    pairs=20,
    refused=2,
    seconds=60.0,
)


def test_towns_are_added_up() -> None:
    rows = {row.name: row for row in rows_of([TOWN, replace(TOWN, seen=10, false=0)], again=True)}
    assert rows["recall.before_register"].value == pytest.approx(0.95)
    assert rows["recall.before_register"].ok is True
    assert rows["recall.told"].note == "10 of 12"
    assert rows["recall.told_by_second_flight"].note == "12 of 12"
    assert rows["false_per_km2.one_flight"].value == pytest.approx(5)
    assert rows["false_per_km2.one_flight"].ok is None  # one in 0.2 km²: too little ground to say
    assert rows["false_per_km2.alarms_by_second_flight"].value == 0
    assert rows["false_per_km2.told_by_second_flight"].note == "4 in 0.20 km²"
    assert rows["false_per_km2.seen_by_both_flights"].note == "2 in 0.20 km²"
    assert rows["containers.told_by_second_flight"].value == 2
    assert rows["footprint_overlap.median"].value == pytest.approx(0.75)
    assert rows["cpu_per_pair"].value == pytest.approx(3)
    assert rows["pictures_refused"].value == 4


def test_what_is_missed_or_false_misses_the_target() -> None:
    rows = {row.name: row for row in rows_of([replace(TOWN, seen=1, false=10, overlaps=(0.2,))], again=False)}
    assert rows["recall.before_register"].ok is False
    assert rows["false_per_km2.one_flight"].ok is False
    assert rows["footprint_overlap.median"].ok is False
    assert not any("second_flight" in name for name in rows)


def test_nothing_counted_is_no_figure() -> None:
    rows = {row.name: row for row in rows_of([], again=True)}
    assert rows["recall.told"].value is None
    assert rows["footprint_overlap.median"].value is None
    assert rows["cpu_per_pair"].value is None


def test_what_touches_something_built_is_not_false() -> None:
    built = [shapely.box(0, 0, 4, 5)]
    assert not _is_false(shapely.box(1, 1, 5, 5), built)
    assert _is_false(shapely.box(3.9, 4.9, 9, 9), built)
    assert _is_false(shapely.box(20, 20, 24, 25), built)


def test_a_piece_of_something_large_is_not_false() -> None:
    built = [shapely.box(0, 0, 40, 6)]
    assert overlap(shapely.box(1, 1, 5, 5), built[0]) < 0.1
    assert not _is_false(shapely.box(1, 1, 5, 5), built)
    assert not _is_false(shapely.box(1, 4, 5, 8), built)
    assert _is_false(shapely.box(1, 4.1, 5, 8.1), built)
    assert overlap(shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)) == pytest.approx(1 / 3)


def test_a_generated_flight_is_placed_with_its_own_errors() -> None:
    pair = make_pair(6, 130.0, plan=Plan(320, 240, 0.3))
    flown = placed(pair.before)
    assert len(flown.errors) == len(pair.before.frames)
    assert np.allclose(flown.errors[0].total, pair.before.frames[0].pose.covariance)


class Counted:
    """How often each picture of a flight is rendered."""

    def __init__(self, flight: Flight) -> None:
        self.reads = [0] * len(flight.frames)
        self.flight = replace(
            flight,
            frames=tuple(replace(each, read_bgr=partial(self._read, each)) for each in flight.frames),
        )

    def _read(self, frame: KeyFrame) -> Image:
        self.reads[frame.index] += 1
        return frame.read_bgr()


@pytest.mark.parametrize("changes", [2, 0])
def test_flights_are_measured_once_and_a_second_one_where_there_is_something_to_see_again(changes: int) -> None:
    pair = make_pair(12, 100.0, plan=Plan(640, 480, 0.15), changes=changes, nuisances=False)
    before, after, again = (Counted(each) for each in (pair.before, pair.after, pair.again))
    pair = replace(pair, before=before.flight, after=after.flight, again=again.flight)
    found = evaluate(EvaluationPair("a town", pair, 0.01, pair.truth.changes), again=True)
    assert {*before.reads, *after.reads} == {1}
    assert {*again.reads} == ({1} if changes else {0})
    assert (found.wanted, found.seen) == ((2, 2) if changes else (0, 0))
    assert found.told == found.told_again == found.to_tell == (1 if changes else 0)
    assert (found.false, found.false_again, found.false_twice, found.false_alarms, found.containers) == (0,) * 5
    assert 0.008 < found.examined_km2 < 0.04
    assert found.seconds > 0


def test_a_ledger_knows_what_it_was_told(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "var" / "towns.jsonl", "code seed 1")
    assert ledger.read() == {}
    ledger.add(TOWN)
    ledger.add(replace(TOWN, name="quiet-00"))
    assert ledger.read() == {"built-00": TOWN, "quiet-00": replace(TOWN, name="quiet-00")}
    assert Ledger(ledger.path, "other code seed 1").read() == {}


def test_towns_that_were_flown_otherwise_have_another_name() -> None:
    asked = [_asked(_parser().parse_args(each)) for each in ([], ["--sparse"], ["--again"], ["--seed", "3"])]
    assert len(set(asked)) == len(asked)
    assert _asked(_parser().parse_args(["--built", "2", "--part", "1", "--parts", "2"])) == asked[0]


def test_a_line_that_was_cut_off_costs_its_town(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "towns.jsonl", "key")
    ledger.add(TOWN)
    whole = ledger.path.read_text(encoding="utf-8")
    wrong = whole.replace('"wanted": 10', '"wanted": "ten"')
    ledger.path.write_text(whole[:-20] + "\n[]\n{}\n" + wrong + whole.replace("built", "more"), encoding="utf-8")
    assert list(ledger.read()) == ["more-00"]


def test_other_code_has_another_name(tmp_path: Path) -> None:
    folder = tmp_path / "edge" / "vision"
    folder.mkdir(parents=True)
    (folder / "one.py").write_text("ONE = 1\n")
    (tmp_path / "README.md").write_text("one")
    before = code_sha256(tmp_path)
    (tmp_path / "README.md").write_text("two")
    assert code_sha256(tmp_path) == before
    (folder / "one.py").write_text("ONE = 2\n")
    assert code_sha256(tmp_path) != before
