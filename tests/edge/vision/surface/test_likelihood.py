"""Cues weighed: a better cue never makes something built less likely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.vision.change.candidates import RoofCue
from edge.vision.surface import likelihood as weighing
from edge.vision.surface.cues import RiseCues
from edge.vision.surface.likelihood import WEIGHTS, has_vehicle_measures, likelihood, may_drive, terms_of

PLAIN: dict[str, Any] = {
    "gain_m": 3.2, "area_m2": 60.0, "length_m": 10.0, "width_m": 6.0, "known": 1.0, "agreed": 1.0, "steps": 1.0,
    "rough_m": 0.05, "fit": 0.95, "alike_top": 0.95, "alike_days": 0.1, "alike_before": 0.95, "growing": 0.0,
    "growing_before": 0.1, "contrast": 30.0, "edged": 1.0, "grain": 2.0, "leafy": 0.0, "pictures": 6,
}  # fmt: skip
GOOD = RiseCues(**PLAIN)
MORE = ("known", "agreed", "fit", "alike_top", "alike_before", "contrast", "edged")
LESS = ("growing", "grain", "leafy", "rough_m", "alike_days")
share = st.floats(0, 1)
RANGES: dict[str, st.SearchStrategy[Any]] = {
    "gain_m": st.floats(1.5, 60), "area_m2": st.floats(6, 20_000), "length_m": st.floats(1, 300),
    "width_m": st.floats(1, 300), "rough_m": st.floats(0, 5), "alike_top": st.floats(-1, 1),
    "alike_days": st.floats(-1, 1), "alike_before": st.floats(-1, 1), "contrast": st.floats(0, 300),
    "grain": st.floats(0, 60), "pictures": st.integers(1, 60),
}  # fmt: skip
cues = st.builds(RiseCues, **{name: RANGES.get(name, share) for name in PLAIN})


@settings(deadline=None, max_examples=200)
@given(made=cues, name=st.sampled_from((*MORE, *LESS)), other=st.floats(0, 1))
def test_a_better_cue_never_speaks_against(made: RiseCues, name: str, other: float) -> None:
    value = float(getattr(made, name))
    better: dict[str, Any] = {name: max(value, other) if name in MORE else min(value, other)}
    worse, well = terms_of(made), terms_of(replace(made, **better))
    assert all(well[term] <= worse[term] for term in worse)
    assert likelihood(replace(made, **better)) >= likelihood(made)


@settings(deadline=None, max_examples=200)
@given(made=cues)
def test_terms_are_shares_and_a_likelihood_is_one(made: RiseCues) -> None:
    assert all(0 <= value <= 1 for value in terms_of(made).values())
    assert 0 <= likelihood(made) <= 1


def test_each_weight_has_its_term_and_speaks_against() -> None:
    assert set(WEIGHTS) <= set(terms_of(GOOD))
    assert all(value <= 0 for name, value in WEIGHTS.items() if name != "one")


def test_nothing_speaks_against_a_plain_house() -> None:
    assert {name for name, value in terms_of(GOOD).items() if value > 0} == {"one"}
    assert likelihood(GOOD) >= 0.5


def test_trees_that_have_come_into_leaf_are_none_and_green_sheds_are() -> None:
    """Bare in the first flight, green in the second: seventy of a square kilometre were told before it was weighed."""
    crown = replace(GOOD, gain_m=4.2, area_m2=14.0, length_m=4.2, width_m=3.6, grain=3.8, growing=0.95, leafy=0.7,
                    growing_before=0.0, fit=0.82, edged=0.8, rough_m=0.06)  # fmt: skip
    assert likelihood(crown) < 0.05
    assert likelihood(replace(crown, leafy=0.0)) < 0.3
    painted = replace(GOOD, growing=0.95, growing_before=0.9, leafy=0.0, grain=1.6)
    assert likelihood(painted) > 0.6


@pytest.mark.parametrize("colour", [RoofCue.RED_STEEL, RoofCue.OTHER, RoofCue.BLUE_STEEL, RoofCue.DARK])
def test_what_is_coloured_and_rough_is_a_tree_in_blossom_and_rough_grey_is_a_roof(colour: RoofCue) -> None:
    crown = RiseCues(
        **{**PLAIN, "grain": 5.6, "area_m2": 24.0, "width_m": 4.0, "length_m": 6.0, "fit": 0.84}, roof=colour
    )
    assert likelihood(crown) < 0.5
    assert likelihood(replace(crown, grain=3.0)) > 0.9, "tiles and sheet are coloured, too"
    for grey in (RoofCue.CONCRETE, RoofCue.WHITE):
        assert likelihood(replace(crown, grain=4.6, roof=grey)) > 0.9


def test_a_strip_along_an_old_roof_is_less_likely_than_a_shed() -> None:
    strip = replace(GOOD, area_m2=25.0, length_m=20.0, width_m=3.0)
    assert terms_of(strip)["thin"] > 0.9
    assert likelihood(strip) < likelihood(replace(strip, length_m=8.0))


@pytest.mark.parametrize("name", [name for name in terms_of(GOOD) if name != "one"])
def test_each_term_can_speak(name: str) -> None:
    bad = replace(
        GOOD, gain_m=1.6, growing=1.0, leafy=1.0, grain=20.0, rough_m=1.0, alike_top=0.0, alike_before=0.0, known=0.0,
        agreed=0.0, fit=0.3, edged=0.0, steps=0.0, area_m2=6.0, width_m=1.4, contrast=0.0, alike_days=1.0,
    )  # fmt: skip
    tall = replace(GOOD, gain_m=20.0, alike_before=0.0, area_m2=8.0)
    assert max(terms_of(each)[name] for each in (bad, tall)) > 0.5


@pytest.mark.parametrize(
    ("length", "width", "gain", "steps", "drives"),
    [
        (5.5, 2.0, 2.2, 1.0, True),  # a van
        (5.5, 4.5, 2.2, 1.0, True),  # two of them
        (5.5, 2.0, 2.2, 0.5, True),  # against a wall
        (12.2, 2.45, 2.9, 1.0, True),  # a lorry, a container
        (16.5, 2.55, 4.0, 0.9, True),  # the largest that the law allows
        (6.1, 2.5, 2.5, 0.6, True),  # a high van against a wall
        (6.1, 4.5, 2.5, 0.6, False),  # as high and wider
        (9.7, 3.0, 3.2, 1.0, True),  # a lorry drawn from high above
        (5.5, 2.0, 2.2, 0.2, False),  # grown together with a wall
        (12.2, 2.45, 2.9, 0.5, False),  # as high, against a wall
        (12.0, 2.4, 4.5, 1.0, False),  # too high for a road
        (10.0, 6.0, 3.0, 1.0, False),  # a house
        (30.0, 2.4, 2.2, 1.0, False),  # a wall
        (8.0, 6.5, 2.2, 1.0, False),  # a low shed
        (8.0, 6.5, 1.9, 1.0, True),  # nobody can stand in it: two rows of cars
        (15.0, 2.4, 1.6, 0.1, True),  # three cars in a row, against a wall
        (55.0, 2.8, 1.7, 0.5, False),  # a lean-to along a whole house, drawn lower than it is
    ],
)
def test_what_has_the_measures_of_a_vehicle_may_drive(
    length: float, width: float, gain: float, steps: float, drives: bool
) -> None:
    seen = replace(GOOD, length_m=length, width_m=width, gain_m=gain, steps=steps, area_m2=0.95 * length * width)
    assert may_drive(seen) is drives


def test_what_only_lacks_headroom_may_drive_and_has_no_vehicles_measures() -> None:
    low = replace(GOOD, gain_m=1.9, length_m=10.0, width_m=8.0)
    assert may_drive(low)
    assert not has_vehicle_measures(low)
    assert not may_drive(replace(low, length_m=20.1))
    assert has_vehicle_measures(replace(low, length_m=5.5, width_m=2.0))


def test_a_lorry_with_a_corner_of_what_stands_beside_it_may_drive() -> None:
    lorry = replace(GOOD, length_m=9.0, width_m=3.5, gain_m=2.6, area_m2=16.0)
    assert may_drive(lorry)
    assert not may_drive(replace(lorry, area_m2=30.0))


@settings(deadline=None, max_examples=100)
@given(made=cues, more=st.floats(0, 30))
def test_what_is_larger_does_not_begin_to_drive(made: RiseCues, more: float) -> None:
    if not may_drive(made):
        length, width = made.length_m + more, made.width_m + more
        assert not may_drive(replace(made, length_m=length, area_m2=made.area_m2 * length / made.length_m))
        assert not may_drive(replace(made, width_m=width, area_m2=made.area_m2 * width / made.width_m))


def test_extreme_weights_do_not_overflow(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in (1e9, -1e9):
        monkeypatch.setattr(weighing, "WEIGHTS", {"one": value})
        assert likelihood(GOOD) == pytest.approx(float(value > 0), abs=1e-9)
