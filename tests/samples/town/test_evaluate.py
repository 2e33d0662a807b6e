"""How surveys of generated towns are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely

from samples.town import Plan, make_pair
from samples.town.evaluate import Town, _is_false, overlap, placed, rows_of

TOWN = Town(
    name="built-00",
    examined_km2=0.1,
    wanted=10,
    seen=9,
    to_tell=6,
    told=6,
    overlaps=(0.8, 0.6, 0.75),
    false=1,
    false_again=0,
    pairs=20,
    refused=2,
    seconds=60.0,
)


def test_towns_are_added_up() -> None:
    rows = {row.name: row for row in rows_of([TOWN, replace(TOWN, seen=10, false=0)], again=True)}
    assert rows["recall.before_register"].value == pytest.approx(0.95)
    assert rows["recall.before_register"].ok is True
    assert rows["recall.told"].note == "12 of 12"
    assert rows["false_per_km2.one_flight"].value == pytest.approx(5)
    assert rows["false_per_km2.one_flight"].ok is None  # one in 0.2 km²: too little ground to say
    assert rows["false_per_km2.second_flight"].value == 0
    assert rows["footprint_overlap.median"].value == pytest.approx(0.75)
    assert rows["cpu_per_pair"].value == pytest.approx(3)
    assert rows["pictures_refused"].value == 4


def test_what_is_missed_or_false_misses_the_target() -> None:
    rows = {row.name: row for row in rows_of([replace(TOWN, seen=1, false=10, overlaps=(0.2,))], again=False)}
    assert rows["recall.before_register"].ok is False
    assert rows["false_per_km2.one_flight"].ok is False
    assert rows["footprint_overlap.median"].ok is False
    assert "false_per_km2.second_flight" not in rows


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
    assert overlap(shapely.box(0, 0, 2, 2), shapely.box(1, 0, 3, 2)) == pytest.approx(1 / 3)


def test_a_generated_flight_is_placed_with_its_own_errors() -> None:
    pair = make_pair(6, 130.0, plan=Plan(320, 240, 0.3))
    flown = placed(pair.before)
    assert len(flown.errors) == len(pair.before.frames)
    assert np.allclose(flown.errors[0].total, pair.before.frames[0].pose.covariance)
